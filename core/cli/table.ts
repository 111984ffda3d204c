/** Answers for people: tables and counts. */
import { printable } from '../trace/printable.ts'

/** Rows as lines with the columns under one another, two blanks between them. What stands in a database somebody else may have written: no cell moves the cursor. */
export function table(texts: readonly (readonly string[])[]): readonly string[] {
  const rows = texts.map((row) => row.map(printable))
  const widths: number[] = []
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd())
}

/** `1 user`, `2 users`. */
export function counted(count: number, noun: string, several = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : several}`
}
