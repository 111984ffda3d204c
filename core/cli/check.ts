/** `helios check`: everything wrong or doubtful in what an operator wrote. */
import { checkHome } from '../../config/check.ts'
import { checkPlaces } from '../../config/places.ts'
import { printProblem, type Problem } from '../../config/problem.ts'
import type { Settings } from '../../config/settings.ts'
import { HeliosError } from '../error.ts'
import { checkPlugins } from '../host/check.ts'
import { becomeOwner, serverUser } from '../server/user.ts'
import { printable } from '../trace/printable.ts'
import { loadListenerCertificates } from '../tls/listeners.ts'
import { storeProblems } from '../world/store/check.ts'
import type { Noun } from './command.ts'
import { requireHome } from '../api/home.ts'
import { counted } from './table.ts'

export const check: Noun = {
  register(program, io, exit) {
    program.command('check').description('check settings, control files, plugin lists and plugins; exit status 1 when there is an error')
      .option('--json', 'as JSON')
      .action(async ({ json }: { readonly json?: boolean }) => {
        const global = program.opts<{ readonly home?: string; readonly config?: string }>()
        const { settings, control, problems: found } = await checkHome({ ...global, cwd: io.cwd })
        if (settings !== undefined) await requireHome(settings.home)
        const user = userProblems(settings)
        // What is in the home is read and run as it will be.
        if (settings !== undefined) becomeOwner(settings.home)
        const certificates = settings === undefined || control === undefined ? [] : (await loadListenerCertificates(settings, control, Date.now())).problems
        const places = settings === undefined || control === undefined ? [] : await checkPlaces(settings.home, control)
        const store = settings === undefined || control === undefined ? [] : await storeProblems(settings, control)
        const problems = [...found, ...user, ...places, ...store, ...control === undefined ? [] : await checkPlugins(control), ...certificates].toSorted(order)
        if (problems.some(({ severity }) => severity === 'error')) exit(1)
        if (json === true) return io.out(JSON.stringify(problems, undefined, 2))
        for (const problem of problems) io.out(printable(printProblem(problem)))
        io.out(summary(settings?.home, problems))
      })
  },
}

/** What would keep a start as root from becoming the user of the settings; nobody else can tell. */
function userProblems(settings: Settings | undefined): readonly Problem[] {
  if (settings === undefined || process.geteuid?.() !== 0) return []
  try {
    serverUser(settings)
    return []
  } catch (error) {
    if (!(error instanceof HeliosError)) throw error
    return [{ severity: 'error', file: settings.file ?? 'settings', reason: error.message, mend: error.mend }]
  }
}

function summary(home: string | undefined, problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const where = home === undefined ? '' : `${home}: `
  if (problems.length === 0) return `${where}nothing to mend`
  return `${where}${counted(errors, 'error')}, ${counted(problems.length - errors, 'warning')}`
}

/** Errors first, then by file and line. */
function order(a: Problem, b: Problem): number {
  const bySeverity = Number(a.severity === 'warning') - Number(b.severity === 'warning')
  if (bySeverity !== 0) return bySeverity
  return a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file < b.file ? -1 : 1
}
