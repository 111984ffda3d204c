/** A home with plugins, and lines of its sandbox, with no server around them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { stopBundling } from '../../core/host/runtimes/sandbox/bundle.ts'
import { startHere, type StartProcess } from '../../core/host/runtimes/sandbox/program.ts'
import { Sandboxes, type LoadedSandbox, type SandboxesOptions } from '../../core/host/runtimes/sandbox/sandboxes.ts'
import { sandboxLine } from '../../core/host/runtimes/sandbox.ts'
import type { Line } from '../../core/host/types.ts'
import type { Hook } from '../../core/plugin/plugin.ts'
import { createWorld, type WorldOptions } from '../../core/world/real.ts'
import { printProblem } from '../../config/problem.ts'
import { entryOf } from './runtimes-kit.ts'
import { noAccounts } from '../../core/world/no-accounts.ts'

const UNASKED = noAccounts(() => Promise.reject(new Error('this is not asked here')))

export const account = { login: 'u', domain: 'local.example', home: '/mail/u', maildir: '/mail/u/Maildir', quota: 0, active: true }

export interface Kit {
  readonly home: string
  readonly sandboxes: Sandboxes
  /** Lines of the log, as `level message`. */
  readonly logged: readonly string[]
  write(files: Readonly<Record<string, string>>): void
  load(name: string, options?: { readonly control?: Readonly<Record<string, string>>; readonly group?: string }): Promise<LoadedSandbox>
  /** A line of a loaded plugin; throws its problems. @param text with options, such as `@timeout=1s plugins/x.ts` */
  line(hook: Hook, text: string, options?: { readonly control?: Readonly<Record<string, string>>; readonly facts?: Partial<WorldOptions> }): Promise<Line>
}

/** A plugin with these members, such as `rcpt: () => error('550 no')`; everything of the API is imported. */
export function pluginText(name: string, members: string, before = ''): string {
  return `import * as api from 'helios-mail/plugin'
const { error, ok, set, done, header, insertField, WorldUnavailable, DeliveryError } = api
${before}
export default api.definePlugin({ name: '${name}', summary: 'Tested.', ${members} })
`
}

export function sandboxKit(t: TestContext, options: Partial<SandboxesOptions> & { readonly start?: StartProcess } = {}): Kit {
  const home = mkdtempSync(join(tmpdir(), 'helios-sandbox-'))
  const logged: string[] = []
  const log = { info: (message: string) => void logged.push(`info ${message}`), warn: (message: string) => void logged.push(`warn ${message}`) }
  const sandboxes = new Sandboxes({ start: startHere(home), log, spare: false, ...options })
  mkdirSync(join(home, 'plugins'))
  t.after(async () => {
    await sandboxes.close()
    await stopBundling()
    rmSync(home, { recursive: true, force: true })
  })
  const kit: Kit = {
    home, sandboxes, logged,
    write(files) {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(home, name)), { recursive: true })
        writeFileSync(join(home, name), text)
      }
    },
    load: (name, { control = {}, group = '' } = {}) => sandboxes.load({
      file: join(home, name), home, group, control: { read: (file) => control[file], unreadable: new Map() },
    }),
    async line(hook, text, { control = {}, facts } = {}) {
      const entry = entryOf(hook === 'message' || hook === 'deliver' ? `+${hook}` : hook, text)
      const { lease, problems } = await kit.load(entry.text, { control, group: entry.options.group ?? '' })
      if (lease === undefined) throw new Error(problems.map(printProblem).join('\n'))
      const world = createWorld({
        accounts: { ...UNASKED, find: () => Promise.resolve(account), hasDomain: () => Promise.resolve(false) },
        mailbox: { deliver: () => Promise.resolve('new/1') }, clock: () => 1000, random: () => 0.25, ...facts,
      })
      return sandboxLine({ entry, file: 'control/smtpplugins', lease, world, limits: sandboxes.limits })
    },
  }
  return kit
}
