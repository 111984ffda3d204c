/** What every noun of the `helios` command gets: where it writes, and how it finds the home. */
import type { Command } from 'commander'
import type { Settings } from '../../config/settings.ts'

export interface Io {
  out(line: string): void
  err(line: string): void
  /** Writes to standard error without a line end: a question at a terminal. */
  ask(text: string): void
  /** Standard error is a terminal. */
  readonly terminal: boolean
  /** Writes all of it to standard output, no faster than it is read there. */
  pour(texts: AsyncIterable<string>): Promise<void>
  readonly stdin: NodeJS.ReadStream
  readonly cwd: string
  /** Loads the settings (`--home` wins over everything). Rejects with HeliosError or ConfigError. */
  settings(): Promise<Settings>
}

/** One noun: registers itself on the program; sets `process.exitCode` through `exit`. */
export interface Noun {
  register(program: Command, io: Io, exit: (status: number) => void): void
}
