/** Something wrong (or doubtful) in what an operator wrote: where it stands, what is wrong, how to mend it. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  /** Path as an operator would name it: relative to the home where it is inside it. */
  readonly file: string
  /** 1-based; undefined when the file as a whole is meant. */
  readonly line?: number
  readonly reason: string
  readonly mend: string
}

/** One line: `control/smtpplugins:7: error: reason. Mend: ….` */
export function printProblem(problem: Problem): string {
  const where = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`
  return `${where}: ${problem.severity}: ${problem.reason} (${problem.mend})`
}
