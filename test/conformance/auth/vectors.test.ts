/**
 * Messages others signed and sealed, put to the plugin authheaders: the DKIM cases of the chasquid project (dkim.LICENSE),
 * RFC 8463's message among them, and the ARC test suite of ValiMail (arc.LICENSE).
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { testPlugin, type TestOptions } from '../../../core/plugin/testing/index.ts'
import authheaders from '../../../plugins/authheaders/index.ts'

type Dns = NonNullable<TestOptions['dns']>

const read = <T>(name: string): T => JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as T

async function results(message: string, encoding: BufferEncoding, dns: Dns): Promise<string> {
  const { edits, commands, fault } = await testPlugin(authheaders, { hook: 'message', message: Buffer.from(message, encoding), dns, control: { me: 'mx.local.example\n' } })
  assert.deepEqual([commands, fault], [[], undefined])
  const inserted = edits.find(({ edit }) => edit === 'insert')
  return inserted?.edit === 'insert' ? inserted.value.replace(/\s+/g, ' ') : ''
}

type State = 'SUCCESS' | 'TEMPFAIL' | 'PERMFAIL'
interface Signed { readonly name: string; readonly dns: Readonly<Record<string, string>>; readonly message: string; readonly states: readonly State[] }

const MEANS: Readonly<Record<State, readonly string[]>> = { SUCCESS: ['pass'], TEMPFAIL: ['temperror'], PERMFAIL: ['fail', 'neutral', 'policy'] }

describe('DKIM', () => {
  for (const { name, dns, message, states } of read<readonly Signed[]>('dkim.json')) {
    it(name, async () => {
      const keys = Object.fromEntries(Object.entries(dns).map(([key, text]) => [key, text === 'TEMPERROR' ? 'timeout' as const : { TXT: [text] }]))
      const found = (await results(message, 'latin1', keys)).match(/dkim=\w+/g)!.map((result) => result.slice(5))
      // That project stops after five signatures of a message; ten are looked at here.
      const compared = name === '02-too_many_headers' ? found.slice(0, states.length) : found
      assert.equal(compared.length, states.length)
      for (const [index, state] of states.entries()) assert.ok(MEANS[state].includes(compared[index]!), `${index}: ${compared[index]}, not ${state}`)
    })
  }
})

interface Scenario {
  readonly about: string
  readonly keys: Readonly<Record<string, string>>
  readonly tests: readonly { readonly name: string; readonly message: string; readonly cv: '' | 'None' | 'Pass' | 'Fail' }[]
}

/** Where the suite, made for a draft, and the RFC differ. */
const OTHERWISE: Readonly<Record<string, string>> = {
  // Without c= a signature is simple/simple (RFC 6376 section 3.5); the suite takes it for relaxed/relaxed.
  ams_fields_c_na: 'fail',
  // h= names at least one field (RFC 6376 section 3.5), and From is among them (section 5.4).
  ams_fields_h_empty: 'fail',
}

for (const { about, keys, tests } of read<readonly Scenario[]>('arc.json')) {
  describe(`ARC: ${about}`, () => {
    const dns = Object.fromEntries(Object.entries(keys).map(([name, text]) => [name, { TXT: [text.trim()] }]))
    for (const { name, message, cv } of tests) {
      it(name, async () => {
        // No expectation: the chain has already been marked as failed.
        const expected = OTHERWISE[name] ?? (cv === '' ? 'fail' : cv.toLowerCase())
        assert.equal(/arc=(\w+)/.exec(await results(message, 'utf8', dns))?.[1], expected)
      })
    }
  })
}
