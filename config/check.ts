/** Everything that can be said about a home without starting it: settings, control files, the plugin list's lines. */
import { access, constants, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parsePluginList } from '../protocol/spp/list.ts'
import { DEFAULT_LIST, readControl, type Control } from './control.ts'
import { ConfigError } from './error.ts'
import { checkExposure } from './exposure.ts'
import { loadSettings, type LoadOptions } from './load.ts'
import type { Problem } from './problem.ts'
import type { Settings } from './settings.ts'
import { checkStore } from './store.ts'

export interface HomeCheck {
  /** Undefined when the settings themselves are wrong: then nothing else was looked at. */
  readonly settings: Settings | undefined
  readonly control: Control | undefined
  /** Errors first, then by file and line. */
  readonly problems: readonly Problem[]
}

/** Reads what an operator wrote and gathers every problem. Never rejects for what stands in the files. */
export async function checkHome(options: LoadOptions, env: { readonly SPPCONFFILE?: string } = {}): Promise<HomeCheck> {
  let settings: Settings
  try {
    settings = await loadSettings(options)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { settings: undefined, control: undefined, problems: error.problems }
  }
  const { control, problems } = await readControl(settings.home, env)
  const all = [...problems, ...checkExposure(settings), ...checkStore(settings, control), ...checkPluginList(control), ...await checkModes(settings.home), ...await checkSecrets(settings.home, control), ...await checkHomeProgram(control), ...await checkMailRoot(settings.home, control)]
  return { settings, control, problems: all.toSorted(compare) }
}

/** What can be said of the list without knowing any plugin. */
export function checkPluginList({ smtpplugins: { file, content } }: Control): readonly Problem[] {
  if (content === undefined) {
    const mend = file === DEFAULT_LIST ? `create ${file}; an empty file means no plugins` : `create ${file}, or unset SPPCONFFILE`
    return [{ severity: 'error', file, reason: 'the plugin list is missing, and without it every client is sent away with 421', mend }]
  }
  return parsePluginList(content).problems.map(({ warning, line, reason, mend }) => ({
    severity: warning === true ? 'warning' : 'error', file, line, reason, mend,
  }))
}

/** Mail and recorded sessions are nobody else's business. */
async function checkModes(home: string): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  for (const name of ['.', 'queue', 'trace']) {
    const found = await stat(join(home, name)).catch(() => undefined)
    if (found === undefined || (found.mode & 0o077) === 0) continue
    const reason = 'other users of this machine can look into this directory'
    problems.push({ severity: 'warning', file: name, reason, mend: `chmod 700 ${join(home, name)}` })
  }
  return problems
}

/** A file with a password in it is for the server's user only. */
async function checkSecrets(home: string, { qmailconfig: { connections, popConnections } }: Control): Promise<readonly Problem[]> {
  if (![...connections, ...popConnections].some(({ password }) => password !== undefined)) return []
  const problems: Problem[] = []
  for (const name of ['control/qmailconfig', 'control/sqlserver']) {
    const found = await stat(join(home, name)).catch(() => undefined)
    if (found === undefined || (found.mode & 0o007) === 0) continue
    const reason = 'there is a password in this file, and every user of this machine can read it'
    problems.push({ severity: 'warning', file: name, reason, mend: `chmod 600 ${join(home, name)}` })
  }
  return problems
}

async function checkHomeProgram({ qmailconfig: { homeProgram } }: Control): Promise<readonly Problem[]> {
  if (homeProgram === undefined) return []
  const failure = await access(homeProgram, constants.X_OK).then(() => undefined, (error: NodeJS.ErrnoException) => error.code ?? error.message)
  if (failure === undefined) return []
  const reason = `the program of autohomedir, ${homeProgram}, cannot be run (${failure}): mail for an account without a home would wait`
  return [{ severity: 'warning', file: 'control/qmailconfig', reason, mend: 'correct the path or the mode, or take the line out: below mail_root homes are made without a program' }]
}

/** Elsewhere than in the home it is easily left to root. */
async function checkMailRoot(home: string, { qmailconfig: { mailRoot } }: Control): Promise<readonly Problem[]> {
  const owner = await stat(home).catch(() => undefined)
  if (mailRoot === undefined || owner === undefined) return []
  const file = 'control/qmailconfig'
  const found = await stat(mailRoot).catch(() => undefined)
  if (found?.isDirectory() !== true) return [{ severity: 'warning', file, reason: `mail_root ${mailRoot} is no directory that is there: mail would wait`, mend: 'create it, and give it to the owner of the home' }]
  if (found.uid === owner.uid) return []
  const reason = `mail_root ${mailRoot} belongs to another user than the home, whose owner the server runs as: it may make no mailbox there`
  return [{ severity: 'warning', file, reason, mend: `chown ${owner.uid}:${owner.gid} ${mailRoot}` }]
}

function compare(a: Problem, b: Problem): number {
  const bySeverity = Number(a.severity === 'warning') - Number(b.severity === 'warning')
  if (bySeverity !== 0) return bySeverity
  return a.file < b.file ? -1 : a.file > b.file ? 1 : (a.line ?? 0) - (b.line ?? 0)
}
