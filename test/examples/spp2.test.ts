import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { Line, RunResult } from '../../core/host/types.ts'
import { programLine } from '../../core/host/runtimes/program.ts'
import { workerLine } from '../../core/host/runtimes/worker.ts'
import { SEARCH_PATH } from '../../protocol/spp/environment.ts'
import { bytesOf, isUtf8, textOf } from '../../protocol/text.ts'
import { startKit, type Kit } from '../host/children-kit.ts'
import { entryOf, requestOf } from '../host/runtimes-kit.ts'
import { readPage } from '../docs/pages.ts'
import { beforeTheChange, exampleOf, install, installed, LANGUAGES, type Language } from './languages.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const REFUSED = ['E550 sorry, too many recipients (#5.7.1)'] as const

/** What the max-recipients example answers: variables, and the answer. */
const TRANSCRIPT: readonly (readonly [env: Readonly<Record<string, string>>, answer: readonly string[]])[] = [
  [{ SMTPRCPTCOUNT: '99' }, []],
  [{ SMTPRCPTCOUNT: '0', MAXRECIPIENTS: '2' }, []],
  [{ SMTPRCPTCOUNT: '1', MAXRECIPIENTS: '2' }, []],
  [{ SMTPRCPTCOUNT: '2', MAXRECIPIENTS: '2' }, REFUSED],
  [{ SMTPRCPTCOUNT: '10', MAXRECIPIENTS: '2' }, REFUSED],
  [{ SMTPRCPTCOUNT: '9', MAXRECIPIENTS: '10' }, []],
  [{ SMTPRCPTCOUNT: '0', MAXRECIPIENTS: '0' }, REFUSED],
  [{ SMTPRCPTCOUNT: '0', MAXRECIPIENTS: '' }, REFUSED],
  // What an earlier client had set must not count for this one.
  [{ SMTPRCPTCOUNT: '99' }, []],
]

/** PATH of this test in front: where it finds a language, its programs do. */
const PATH = `${process.env['PATH'] ?? ''}:${SEARCH_PATH}`

async function answers(line: Line, env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { commands, fault }: RunResult = await line.run(requestOf('rcpt', { env: { PATH, ...env } }))
  assert.equal(fault, undefined, JSON.stringify(fault))
  return commands.map((command) => command.kind + ('text' in command ? command.text : ''))
}

async function playTranscript(line: Line): Promise<void> {
  for (const [env, answer] of TRANSCRIPT) assert.deepEqual(await answers(line, env), answer, JSON.stringify(env))
}

function linesOf(kit: Kit, text: string): { readonly spp1: Line; readonly spp2: Line } {
  const options = { file: 'control/smtpplugins', home: kit.home, broker: kit.broker, log: kit.log }
  return {
    spp1: programLine({ ...options, entry: entryOf('rcpt', text), compat: false, replyDialect: 'off' }),
    spp2: workerLine({ ...options, entry: entryOf('rcpt', `@protocol=spp2,workers=1 ${withPath(text)}`) }),
  }
}

/** A worker is started with the search path of servers, on which a test's language need not stand. */
function withPath(text: string): string {
  return `:PATH='${PATH}' exec ${text}`
}

const probeOf = (language: Language): string => language.probe + (language.probe.endsWith('\n') ? '' : '\n') + `${language.worker}\n`

for (const language of LANGUAGES) {
  describe(language.name, { skip: installed(language) === undefined }, () => {
    const prepare = async (t: TestContext, source: string): Promise<{ readonly spp1: Line; readonly spp2: Line; readonly kit: Kit }> => {
      const kit = await startKit(t)
      return { kit, ...linesOf(kit, install(kit.home, language, 'program', source)) }
    }

    test('the example, before and after the change of one line, in spp/1 and spp/2', async (t) => {
      const source = exampleOf(language)
      assert.ok(source.trimEnd().endsWith(`\n${language.worker}`))
      const { spp1, spp2, kit } = await prepare(t, source)
      await playTranscript(spp1)
      await playTranscript(spp2)
      const before = beforeTheChange(language, source)
      assert.equal(before.split('\n').filter((line, index) => line !== source.split('\n')[index]).length, 1)
      await playTranscript(linesOf(kit, install(kit.home, language, 'before', before)).spp1)
    })

    test('values arrive to the byte, and nothing stays', async (t) => {
      const { spp1, spp2 } = await prepare(t, probeOf(language))
      const bytes = textOf(Uint8Array.from({ length: 255 }, (_, index) => index + 1))
      const escaped = ['\\', '\\n', '\\\\', 'a\nb\r\n', '\n\n', '\\r\\']
      const values = ['', 'a', ' a=b\t ', ...escaped, '$(id) `id` "\'%s%b', 'é€😀\u2028\u0085', bytes]
      for (const X of values.filter((value) => language.onlyUtf8 !== true || isUtf8(value))) {
        const expected = [`HX-Value: ${bytesOf(X).toString('hex')}`, 'HX-Others: 1']
        for (const line of [spp1, spp2]) {
          const env = { X, T_1: 'x', 'no identifier': 'x', 'odd\nname\\': 'y' }
          assert.deepEqual(await answers(line, env), expected, `${line.runtime}: ${JSON.stringify(X)}`)
        }
      }
      for (const line of [spp1, spp2]) {
        assert.deepEqual(await answers(line, {}), [])
        assert.deepEqual(await answers(line, { X: 'a', T_1: '1', T_2: '2' }), ['HX-Value: 61', 'HX-Others: 2'])
        assert.deepEqual(await answers(line, { X: 'a' }), ['HX-Value: 61', 'HX-Others: 0'])
      }
    })

    test('large requests and many of them', async (t) => {
      const { spp2 } = await prepare(t, probeOf(language))
      const X = 'x'.repeat(30_000)
      const more = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`T_${index}`, 'y'.repeat(10_000)]))
      const expected = [`HX-Value: ${'78'.repeat(30_000)}`, 'HX-Others: 50']
      assert.deepEqual(await answers(spp2, { X, ...more }), expected)
      assert.deepEqual(await Promise.all(Array.from({ length: 20 }, (_, index) => answers(spp2, { X: String(index % 10) }))),
        Array.from({ length: 20 }, (_, index) => [`HX-Value: 3${index % 10}`, 'HX-Others: 0']))
    })
  })
}

test('the page names every loop and example with its lines', () => {
  const { text } = readPage('docs/spp2.md')
  for (const { extension, worker, once } of LANGUAGES) {
    const links = ['spp2', 'maxrcpts'].map((name) => `[${name}.${extension}](examples/${name}.${extension})`)
    const row = `${links.join(' | ')} | \`${once}\` | \`${worker}\` |`
    assert.ok(text.includes(row), row)
    const lines = readFileSync(join(ROOT, `docs/examples/spp2.${extension}`), 'utf8').trimEnd().split('\n').length
    assert.ok(lines < 40, `spp2.${extension} has ${lines} lines`)
  }
})
