/**
 * What one question to a plugin costs in each runtime, beside a bare spawn of the same program and beside a function call,
 * with a small server and with one of 1 GiB. Prints a table; ratios are what to compare, for machines differ.
 *
 * usage: node test/bench/calls.ts [calls]
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '../../core/host/children/broker.ts'
import { loadEntry, type LoaderOptions } from '../../core/host/loader.ts'
import { stopBundling } from '../../core/host/runtimes/sandbox/bundle.ts'
import { startThrough } from '../../core/host/runtimes/sandbox/program.ts'
import { Sandboxes } from '../../core/host/runtimes/sandbox/sandboxes.ts'
import type { HookRequest, Line } from '../../core/host/types.ts'
import { testSession } from '../../core/plugin/testing/index.ts'
import { createWorld } from '../../core/world/real.ts'
import { parsePluginList } from '../../protocol/spp/list.ts'
import type { Control } from '../../config/control.ts'
import { noAccounts } from '../../core/world/no-accounts.ts'

const CALLS = Number(process.argv[2] ?? 400)
const SH = '#!/bin/sh\necho "P250-hello"\n'
const NODE_WORKER = `#!${process.execPath}
console.log('spp/2')
let rest = ''
process.stdin.setEncoding('latin1').on('data', (text) => {
  rest += text
  for (let end = rest.indexOf('\\n\\n'); end >= 0; end = rest.indexOf('\\n\\n')) {
    rest = rest.slice(end + 2)
    process.stdout.write('P250-hello\\n.\\n')
  }
})
`
const SANDBOXED = `import { definePlugin, print } from 'helios-mail/plugin'
export default definePlugin({ name: 'bench', summary: 'Says hello.', rcpt: () => print('250-hello') })
`

const home = mkdtempSync(join(tmpdir(), 'helios-bench-'))
mkdirSync(join(home, 'plugins'))
for (const [name, text] of [['once.sh', SH], ['worker', NODE_WORKER], ['sandboxed.ts', SANDBOXED], ['inline.ts', SANDBOXED]] as const) {
  writeFileSync(join(home, 'plugins', name), text)
  chmodSync(join(home, 'plugins', name), name.endsWith('.ts') ? 0o644 : 0o755)
}

const log = { info: () => {}, warn: (message: string) => console.error(message) }
const broker = await Broker.start({ log })
const sandboxes = new Sandboxes({ start: startThrough(broker, log), log })
const nothing = (): never => { throw new Error('not part of this') }
const world = createWorld({ accounts: noAccounts(nothing), mailbox: { deliver: nothing } })
const control = { home, read: () => undefined, unreadable: new Map<string, string>() } as unknown as Control
const options: LoaderOptions = {
  home, control, file: 'control/smtpplugins', compat: false, sandboxes,
  program: { broker, replyDialect: 'detect', log }, inline: { world, log },
}
const session = testSession('rcpt', {}, { PATH: '/usr/bin:/bin', TCPREMOTEIP: '127.0.0.1', SMTPRCPTTO: 'joe@example.org' })
const request: HookRequest = {
  hook: 'rcpt', session, signal: new AbortController().signal, trace: { id: 'bench', add: () => {}, flush: () => {} },
}

async function load(text: string): Promise<Line> {
  const [entry] = parsePluginList(`[rcpt]\n${text}\n`).entries
  const { line, problems } = await loadEntry(entry!, options)
  if (line === undefined) throw new Error(problems.map(({ reason }) => reason).join('\n'))
  return line
}

async function measure(calls: number, once: () => unknown): Promise<{ p50: number; p99: number }> {
  for (let i = 0; i < Math.min(calls, 50); i++) await once()
  const times: number[] = []
  for (let i = 0; i < calls; i++) {
    const started = performance.now()
    await once()
    times.push(performance.now() - started)
  }
  times.sort((a, b) => a - b)
  return { p50: times[Math.floor(calls / 2)]!, p99: times[Math.floor(calls * 0.99)]! }
}

const asking = (line: Line) => async () => {
  const { commands, fault } = await line.run(request)
  if (fault !== undefined || commands[0]?.kind !== 'P') throw new Error(`${line.text}: ${JSON.stringify({ commands, fault })}`)
}
const bareSpawn = () => new Promise<void>((resolve) => {
  const child = spawn(join(home, 'plugins/once.sh'), { stdio: ['ignore', 'pipe', 'ignore'], env: session.env as Record<string, string> })
  child.stdout.resume()
  child.once('close', () => resolve())
})
const plain = (): string => '250-hello'

const rows: readonly (readonly [what: string, calls: number, once: () => unknown])[] = [
  ['function call', CALLS * 10, plain],
  ['inline', CALLS * 10, asking(await load('@trusted plugins/inline.ts'))],
  ['sandbox', CALLS * 5, asking(await load('plugins/sandboxed.ts'))],
  ['worker, Node (spp/2)', CALLS * 5, asking(await load('@protocol=spp2 plugins/worker'))],
  ['program, sh (spp/1)', CALLS, asking(await load('plugins/once.sh'))],
  ['bare spawn of it', CALLS, bareSpawn],
]

try {
  const ballast: Buffer[] = []
  for (const gigabyte of [false, true]) {
    if (gigabyte) for (let i = 0; i < 64; i++) ballast.push(Buffer.alloc(16 * 1024 * 1024, i + 1))
    console.log(`\nserver process of ${Math.round(process.memoryUsage.rss() / 1024 / 1024)} MiB`)
    console.log('runtime                    p50 ms    p99 ms')
    const found = new Map<string, number>()
    for (const [what, calls, once] of rows) {
      const { p50, p99 } = await measure(gigabyte && what.startsWith('bare') ? Math.ceil(calls / 4) : calls, once)
      found.set(what, p50)
      console.log(`${what.padEnd(24)} ${p50.toFixed(4).padStart(8)}  ${p99.toFixed(4).padStart(8)}`)
    }
    console.log(`program / bare spawn: ${(found.get('program, sh (spp/1)')! / found.get('bare spawn of it')!).toFixed(2)}`)
  }
  if (ballast.length === 0) throw new Error('no ballast')
} finally {
  await sandboxes.close()
  await stopBundling()
  await broker.close()
  rmSync(home, { recursive: true, force: true })
}
