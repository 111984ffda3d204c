import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { HeliosError } from '../../error.ts'
import { DeliveryError } from '../../plugin/world.ts'
import { loadBundled, loadTrusted } from './load-trusted.ts'

/** Writes a plugin of an operator, far from our own files. */
function plugin(t: TestContext, source: string, name = 'mine.ts'): string {
  const home = mkdtempSync(join(tmpdir(), 'helios-plugin-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  writeFileSync(join(home, name), source)
  return join(home, name)
}

test('a plugin anywhere reaches the plugin API by its name', async (t) => {
  const file = plugin(t, `
    import { definePlugin, DeliveryError, error, type Command } from 'helios-mail/plugin'
    const no: Command = error('550 no')
    export default definePlugin({ name: 'mine', summary: 'Says no.', rcpt: () => no,
      deliver: () => { throw new DeliveryError('451 later') } })
  `)
  const loaded = await loadTrusted(file)
  assert.equal(loaded.name, 'mine')
  assert.deepEqual(loaded.rcpt?.({} as never), { kind: 'E', text: '550 no' })
  assert.throws(() => loaded.deliver?.({} as never), DeliveryError)
})

test('the same from plain JavaScript', async (t) => {
  const source = "import { ok } from 'helios-mail/plugin'\nexport default { name: 'js', summary: 'S.', rcpt: () => ok() }\n"
  const file = plugin(t, source, 'mine.mjs')
  assert.equal((await loadTrusted(file)).name, 'js')
})

test('what does not load says so', async (t) => {
  for (const source of ['export default {', "import 'no-such-package'", 'throw new Error("at load")', 'enum A { B }']) {
    await assert.rejects(loadTrusted(plugin(t, source)), (error) => {
      assert.ok(error instanceof HeliosError)
      assert.equal(error.code, 'plugin-load')
      assert.match(error.message, /mine\.ts does not load: /)
      return true
    })
  }
})

test('what is no plugin says why', async (t) => {
  const shapes: Readonly<Record<string, RegExp>> = {
    'export const x = 1': /default export is no plugin/,
    'export default () => undefined': /default export is no plugin/,
    'export default {}': /no name/,
    "export default { name: 'a' }": /no summary/,
    "export default { name: 'a', summary: 's' }": /no handler/,
    "export default { name: 'a', summary: 's', rcpt: 1 }": /rcpt is no function/,
    "export default { name: 'a', summary: 's', rcpt() {}, takes: true }": /takes is no function/,
    "export default { name: 'a', summary: 's', rcpt() {}, settings: { X: 1 } }": /X in the plugin's settings has no parse/,
    "export default { name: 'a', summary: 's', rcpt() {}, control: 1 }": /control are no record/,
    "export default { name: 'a', summary: 's', rcpt() {}, needs: 'sleep' }": /needs are no list/,
    "export default { name: 'a', summary: 's', rcpt() {}, needs: ['fly'] }": /needs "fly", which is no effect/,
  }
  for (const [source, reason] of Object.entries(shapes)) {
    await assert.rejects(loadTrusted(plugin(t, source)), (error) =>
      error instanceof HeliosError && error.code === 'plugin-shape' && reason.test(error.message))
  }
})

test('bundled plugins are found by name, and only by a name', async () => {
  assert.equal(await loadBundled('no-such-plugin'), undefined)
  assert.equal(await loadBundled('../core/plugin'), undefined)
  assert.equal(await loadBundled(''), undefined)
  assert.equal((await loadBundled('maxrcpts'))?.name, 'maxrcpts')
})
