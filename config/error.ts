import { printProblem, type Problem } from './problem.ts'

/** What an operator wrote cannot be used: every problem that was found, each with its place and its mend. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(printProblem).join('\n'))
    this.problems = problems
  }
}
