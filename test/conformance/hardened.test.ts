/** What a listener does that is not in compat mode: each hardening beside what it replaces, the options of lines, our own sections. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { B_CONTENT, play } from '../harness/transcript.ts'
import { serveLists } from '../harness/lists.ts'
import { peer } from '../peers.ts'
import { run } from './case.ts'
import { AS_ORIGINAL, FAULTS, LATER, PROTOCOL } from './hardened-cases.ts'
import { LANGUAGES, languageCase } from './language-cases.ts'
import { BASH_EXAMPLE, FATES, MESSAGE_HEADERS, OPTIONS, PHP_EXAMPLE, SECTIONS } from './line-cases.ts'

const EXAMPLES = [
  ...(peer('php') === undefined ? [] : [PHP_EXAMPLE]),
  ...(peer('bash') === undefined ? [] : [BASH_EXAMPLE]),
]
const IN_LANGUAGES = LANGUAGES.flatMap((language) => {
  // Node is the one that runs the tests.
  const path = language === 'node' ? process.execPath : peer(language)
  return path === undefined ? [] : [languageCase(language, path)]
})
const HARDENED = [...PROTOCOL, ...FAULTS, ...LATER, ...FATES, ...OPTIONS, ...EXAMPLES, ...IN_LANGUAGES, ...SECTIONS]
const hardened = await serveLists([...HARDENED, MESSAGE_HEADERS], { compat: false })
const original = await serveLists(AS_ORIGINAL, { compat: 'qmail-spp', replyDialect: 'off' })

describe('a hardened listener', { concurrency: 4 }, () => {
  for (const one of HARDENED) test(`${one.name}: ${one.about}`, () => run(hardened, one))
  test(`${MESSAGE_HEADERS.name}: ${MESSAGE_HEADERS.about}`, async () => {
    await play(await hardened.connect(MESSAGE_HEADERS.name), MESSAGE_HEADERS.talk)
    const [one] = await hardened.delivered(MESSAGE_HEADERS.name, 1)
    const fields = one!.content.split('\n').filter((line) => !/^Received:| {2}by /.test(line))
    assert.equal(fields.join('\n'), `X-Three: 3\nX-One: 1\nX-Two: 2\n two\n${B_CONTENT}`)
  })
})

describe('a listener in compat mode', { concurrency: 4 }, () => {
  for (const one of AS_ORIGINAL) test(`${one.name}: ${one.about}`, () => run(original, one))
})
