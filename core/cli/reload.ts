/** `helios reload`: makes the running server read its files now, and says what came of it. */
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { checkHome } from '../../config/check.ts'
import { printProblem } from '../../config/problem.ts'
import { controlDigests } from '../../config/snapshot.ts'
import { parsePluginList } from '../../protocol/spp/list.ts'
import { printOptions } from '../../protocol/spp/options.ts'
import { HeliosError } from '../error.ts'
import { checkPlugins } from '../host/check.ts'
import { sectionName } from '../host/loader.ts'
import type { Hook } from '../plugin/plugin.ts'
import type { ServerStatus } from '../server/status-file.ts'
import { becomeOwner } from '../server/user.ts'
import type { Io, Noun } from './command.ts'
import { existingHome } from './home.ts'
import { requireOwnersProcess } from './server-process.ts'
import { isAlive, readStatus, restartLines } from './status.ts'

const PATIENCE_MS = 15_000

export const reload: Noun = {
  register(program, io, exit) {
    program.command('reload').description('make the running server read its files now (it does so by itself at the next connection)')
      .option('--dry-run', 'only show what would change for new sessions')
      .option('--from <dir>', 'with --dry-run: look at this copy of the control directory, for an edit in place is soon loaded')
      .action(async ({ dryRun, from }: { readonly dryRun?: boolean; readonly from?: string }) => {
        const { home } = await existingHome(io)
        const server = await runningServer(home)
        if (dryRun !== true) {
          if (from !== undefined) throw notWith(from)
          return exit(await reloadNow(home, server, io))
        }
        // The owner of the real home, also of what is looked at in its place: its plugins are loaded.
        becomeOwner(home)
        const candidate = from === undefined ? undefined : await candidateHome(home, resolve(io.cwd, from))
        try {
          exit(await showChanges(candidate ?? home, server, io))
        } finally {
          if (candidate !== undefined) await rm(candidate, { recursive: true })
        }
      })
  },
}

async function runningServer(home: string): Promise<ServerStatus> {
  const found = await readStatus(home)
  if (found !== undefined && isAlive(found.status.pid)) return found.status
  throw new HeliosError('not-running', `no server is running in ${home}`, { fault: 'operator', mend: 'start it with "helios serve": it reads its files then' })
}

async function reloadNow(home: string, before: ServerStatus, io: Io): Promise<number> {
  requireOwnersProcess(home, before.pid)
  process.kill(before.pid, 'SIGHUP')
  for (let waited = 0; waited < PATIENCE_MS; waited += 50) {
    await delay(50)
    const now = (await readStatus(home))?.status
    if (now === undefined || now.reloadsDone === before.reloadsDone) continue
    for (const line of restartLines(now)) io.out(line)
    if (now.lastFailedReload !== undefined) {
      for (const problem of now.lastFailedReload.problems) io.err(printProblem(problem))
      io.err(`helios: not reloaded: generation ${now.generation.number} serves on (mend the errors above)`)
      return 1
    }
    io.out(now.generation.number === before.generation.number
      ? `nothing has changed since generation ${now.generation.number}`
      : `generation ${now.generation.number} serves new sessions`)
    return 0
  }
  throw new HeliosError('no-answer', `the server (pid ${before.pid}) did not answer within ${PATIENCE_MS / 1000} s`, {
    fault: 'system', mend: 'look at its log',
  })
}

function notWith(from: string): HeliosError {
  return new HeliosError('usage', '--from goes with --dry-run: a server loads its own control directory only', {
    fault: 'operator', mend: `copy the files of ${from} there, or add --dry-run`,
  })
}

/** The home as it would be with another control directory: links, in a directory of its own. */
async function candidateHome(home: string, control: string): Promise<string> {
  await readdir(control).catch((cause: Error) => {
    throw new HeliosError('no-directory', `${control} is no directory to look at: ${cause.message}`, {
      fault: 'operator', mend: 'name a copy of the control directory that the owner of the home may read', cause,
    })
  })
  const candidate = await mkdtemp(join(tmpdir(), 'helios-dry-run-'))
  for (const name of await readdir(home)) if (name !== 'control') await symlink(join(home, name), join(candidate, name))
  await symlink(control, join(candidate, 'control'))
  return candidate
}

/** What would be different for a session that begins after a reload. */
async function showChanges(home: string, server: ServerStatus, io: Io): Promise<number> {
  const digests = await controlDigests(home)
  const names = [...new Set([...Object.keys(digests), ...Object.keys(server.files)])].toSorted()
  const changed = names.filter((name) => digests[name] !== server.files[name])
  for (const name of changed) {
    io.out(`control/${name}: ${digests[name] === undefined ? 'removed' : server.files[name] === undefined ? 'new' : 'changed'}`)
  }
  const { control, problems: found } = await checkHome({ home, cwd: io.cwd })
  const problems = [...found, ...control === undefined ? [] : await checkPlugins(control)]
  if (changed.includes('smtpplugins')) showLines(server, control?.read('smtpplugins') ?? '', io)
  for (const line of restartLines(server)) io.out(line)
  const errors = problems.filter((problem) => problem.severity === 'error')
  for (const problem of errors) io.err(printProblem(problem))
  if (errors.length > 0) io.err(`helios: this would not be loaded: generation ${server.generation.number} would serve on`)
  else if (changed.length === 0) io.out(`nothing has changed since generation ${server.generation.number}`)
  return errors.length > 0 ? 1 : 0
}

function showLines(server: ServerStatus, content: string, io: Io): void {
  const now = parsePluginList(content).entries.map((entry) => {
    const options = Object.keys(entry.options).length === 0 ? '' : `${printOptions(entry.options)} `
    return `[${sectionName(entry.section as Hook)}] ${options}${entry.text}`
  })
  const before = server.plugins.map(({ section, options, line }) => `[${section}] ${options === '' ? '' : `${options} `}${line}`)
  for (const line of before.filter((one) => !now.includes(one))) io.out(`  - ${line}`)
  for (const line of now.filter((one) => !before.includes(one))) io.out(`  + ${line}`)
}
