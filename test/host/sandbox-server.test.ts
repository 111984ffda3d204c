/** Sandboxed plugins in a running server: asked over SMTP, edited while it runs, checked by the command, gone with the server. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { makeHome, type Home } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'
import { play } from '../harness/transcript.ts'
import { pluginText } from './sandbox-kit.ts'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')
const helios = (home: Home, ...args: string[]) => promisify(execFile)(process.execPath, [LAUNCHER, '--home', home.path, ...args], { timeout: 60_000 })
const refusing = (text: string): string => pluginText('mine', `settings: { MAXN: api.count('recipients') }, rcpt: () => error('550 ${text}')`)
const refused = (text: string): string[] => ['< G', '> M', '< 250 ok', '> U', `< 550 ${text}`]

test('a plugin is asked over SMTP, an edit of it or of what it imports counts, a broken one does not', async () => {
  const home = await makeHome({
    'control/smtpplugins': '[rcpt]\nplugins/mine.ts\n[+deliver]\n:echo O\n', 'plugins/mine.ts': refusing('first'),
  })
  const server = await startServer(home)
  const before = await server.connect()
  assert.equal(await before.line(), '220 test.example ESMTP\r\n')
  before.send('MAIL FROM:<a@b.example>\r\n')
  assert.equal(await before.line(), '250 ok\r\n')
  await home.write('plugins/mine.ts', `import { text } from './lib/text.ts'\n${refusing('').replace("'550 '", 'text')}`)
  await home.write('plugins/lib/text.ts', "export const text = '550 second'\n")
  await play(await server.connect(), refused('second'))
  await home.write('plugins/lib/text.ts', "export const text = '550 third'\n")
  await play(await server.connect(), refused('third'))
  await home.write('plugins/lib/text.ts', "export const text: = '550 fourth'\n")
  await play(await server.connect(), refused('third'))
  await server.told(/reload failed, the old generation goes on: plugins\/lib\/text\.ts:1: error: /)
  await home.write('plugins/lib/text.ts', "export const text = '550 fifth'\n")
  await play(await server.connect(), refused('fifth'))
  before.send('RCPT TO:<u@local.example>\r\n')
  assert.equal(await before.line(), '550 first\r\n', 'a session keeps what it began with')
  const { stdout } = await helios(home, 'status')
  assert.match(stdout, /plugins\/mine\.ts +sandbox/)
})

test('effects are granted by the line, and checked', async () => {
  const home = await makeHome({
    'control/smtpplugins': '[rcpt]\nplugins/mine.ts\n',
    'plugins/mine.ts': pluginText('mine', "needs: ['sleep', 'mailbox'], settings: { MAXN: api.count('recipients') }, rcpt: async ({ world }) => { await world.sleep(0); return ok() }"),
    'control/smtpconfig': 'export MAXN=many\n',
  })
  const said = await helios(home, 'check').catch((error: { stdout: string; stderr: string }) => error)
  const text = `${said.stdout}${said.stderr}`
  assert.match(text, /control\/smtpplugins:2: error: the plugin mine needs sleep and mailbox, which its line does not allow \(.*"@allow=sleep\+mailbox plugins\/mine\.ts"/)
  await home.write('control/smtpplugins', '[rcpt]\n@allow=mailbox+sleep plugins/mine.ts\n[mail]\n@allow=mailbox+sleep plugins/mine.ts\n')
  const again = await helios(home, 'check').catch((error: { stdout: string; stderr: string }) => error)
  const more = `${again.stdout}${again.stderr}`
  assert.match(more, /control\/smtpconfig:1: error: MAXN: "many" is not a whole number \(it is read by the plugin mine: recipients\)/)
  assert.match(more, /control\/smtpplugins:4: error: the plugin mine has nothing to do in \[mail\] \(move the line to \[rcpt\]\)/)
  assert.doesNotMatch(more, /does not allow/)
})

test('however the server ends, no sandbox outlives it', async () => {
  for (const end of ['stop', 'kill'] as const) {
    const home = await makeHome({
      'control/smtpplugins': '[rcpt]\nplugins/mine.ts\n',
      'plugins/mine.ts': pluginText('mine', "rcpt: ({ session }) => { if (session.recipient === 'loop@local.example') for (;;); return error('550 mine') }"),
    })
    const server = await startServer(home)
    const client = await server.connect()
    await client.line()
    client.send('MAIL FROM:<a@b.example>\r\nRCPT TO:<u@local.example>\r\n')
    assert.deepEqual([await client.line(), await client.line()], ['250 ok\r\n', '550 mine\r\n'])
    const children = sandboxesOf(server.pid)
    assert.ok(children.length >= 1)
    client.send('RCPT TO:<loop@local.example>\r\n')
    await Promise.all([server[end](), client.leave()])
    while (children.some((pid) => commandOf(pid).includes('sandbox/runner'))) await wait(10)
  }
})

/** Processes with a sandbox's runner among a server's descendants. */
function sandboxesOf(server: number): readonly number[] {
  const parents = new Map(readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map((name) => [Number(name), parentOf(Number(name))]))
  const descends = (pid: number | undefined): boolean => pid !== undefined && (pid === server || descends(parents.get(pid)))
  return [...parents.keys()].filter((pid) => descends(pid) && commandOf(pid).includes('sandbox/runner'))
}

function parentOf(pid: number): number | undefined {
  return Number(/\) \S ([0-9]+)/.exec(read(pid, 'stat'))?.[1]) || undefined
}

function commandOf(pid: number): string {
  return read(pid, 'cmdline')
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}
