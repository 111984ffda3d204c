/** What tests of programs share: a home, a broker, and looks at the system's list of processes. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Broker } from '../../core/host/children/broker.ts'
import type { SpawnJob, SpawnResult } from '../../core/host/children/types.ts'
import type { Log } from '../../core/plugin/plugin.ts'
import { bytesOf } from '../../protocol/text.ts'

export const ENV: Readonly<Record<string, string>> = { PATH: '/usr/bin:/bin', LANG: 'C' }

export interface Kit {
  readonly home: string
  readonly broker: Broker
  readonly logged: readonly string[]
  readonly log: Log
  /** Runs with the kit's environment and 10 s unless told otherwise. */
  run(job: Pick<SpawnJob, 'text'> & Partial<SpawnJob>, signal?: AbortSignal): Promise<SpawnResult>
  shell(text: string, job?: Partial<SpawnJob>): Promise<SpawnResult>
  /** Writes an executable file; name and content are Text. Returns its absolute path. */
  file(name: string, content: string, mode?: number): string
}

/** A home and a broker that end with the test. */
export async function startKit(t: TestContext, options: { readonly heartbeatMs?: number } = {}): Promise<Kit> {
  const home = mkdtempSync(join(tmpdir(), 'helios-children-'))
  const logged: string[] = []
  const log: Log = { info: (message) => void logged.push(message), warn: (message) => void logged.push(message) }
  const broker = await Broker.start({ log, ...options })
  t.after(async () => {
    await broker.close()
    rmSync(home, { recursive: true, force: true })
  })
  const run: Kit['run'] = (job, signal) =>
    broker.run({ form: 'path', cwd: home, env: ENV, timeoutMs: 10_000, ...job }, signal)
  return {
    home, broker, logged, log, run,
    shell: (text, job = {}) => run({ ...job, form: 'shell', text }),
    file(name, content, mode = 0o755) {
      const path = Buffer.concat([Buffer.from(`${home}/`), bytesOf(name)])
      mkdirSync(dirname(join(home, name)), { recursive: true })
      writeFileSync(path, bytesOf(content))
      chmodSync(path, mode)
      return join(home, name)
    },
  }
}

export { isAlive } from '../harness/processes.ts'

/** Waits for what must come; a test that waits in vain fails. */
export async function until(what: string, happened: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (happened()) return
    await wait(10)
  }
  throw new Error(`in vain waited for: ${what}`)
}

/** The process ids a program wrote into a file, once all of them are there. */
export async function pidsIn(path: string, count: number): Promise<readonly number[]> {
  let pids: readonly number[] = []
  await until(`${count} process ids in ${path}`, () => {
    try {
      const text = readFileSync(path, 'latin1')
      pids = text.endsWith('\n') ? text.trim().split(/\s+/).map(Number) : []
    } catch {
      // not written yet
    }
    return pids.length === count
  })
  return pids
}
