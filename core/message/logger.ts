/** Where log lines go: what durable delivery needs of pino. */

type LogLine = (fields: Readonly<Record<string, unknown>>, message: string) => void

export interface Logger {
  readonly debug: LogLine
  readonly info: LogLine
  readonly warn: LogLine
  readonly error: LogLine
}
