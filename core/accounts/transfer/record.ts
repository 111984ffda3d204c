/** One row of an export, and how it stands in a file: a line of JSON, or a row of CSV (RFC 4180). */
import { shown } from './check.ts'
import { jsonLines, csvRows, type Rows } from './parse.ts'
import { USER, type Field, type Kind } from './kinds.ts'

export type Value = string | number | boolean | null

/** Values by the names of the file. */
export type Values = { readonly [name: string]: Value }

export interface Record {
  readonly kind: string
  readonly values: Values
  /** All that the file speaks of; undefined: of everything, and what is not said is the usual. */
  readonly columns?: readonly string[]
}

export type Format = 'json' | 'csv'

/** The first line of JSON: what this is, and in which version of it. */
const HEAD = { kind: 'helios', version: 1 }

/** What stands before the first record, and how each is written; texts end in a line feed. */
export function printer(format: Format, kinds: readonly Kind[]): { readonly head: string; print(record: Record): string } {
  if (format === 'json') return { head: `${JSON.stringify(HEAD)}\n`, print: ({ kind, values }) => `${JSON.stringify({ kind, ...values })}\n` }
  // Those of users first: they are what people look at.
  const columns = [...new Set([USER, ...kinds].flatMap(({ fields }) => fields.map(({ name }) => name)))]
  return {
    head: `${['kind', ...columns].join(',')}\n`,
    print: ({ kind, values }) => `${[kind, ...columns.map((name) => printCell(values[name]))].join(',')}\n`,
  }
}

/** Without what would be there anyway. */
export function withoutMissing(fields: readonly Field[], values: Values): Values {
  return Object.fromEntries(fields.filter(({ name, missing }) => values[name] !== missing).map(({ name }) => [name, values[name]!]))
}

/** Nothing stands for what is missing; an empty text has quotes. */
function printCell(value: Value | undefined): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') return String(value)
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

/** What a file says, record by record; a problem in the place of one that cannot be read. */
export type Read = { readonly line: number } & ({ readonly record: Record } | { readonly reason: string; readonly mend: string } | { readonly head: true })

/** Reads a file, chunk by chunk of text. Nothing of the values is checked. */
export async function* read(format: Format, chunks: AsyncIterable<string>): AsyncGenerator<Read> {
  const rows: Rows = format === 'json' ? jsonLines(chunks) : csvRows(chunks)
  for await (const row of rows) {
    if ('reason' in row) yield row
    else yield toRecord(row.line, row.values, row.columns)
  }
}

function toRecord(line: number, { kind, ...values }: Values, columns?: readonly string[]): Read {
  const record = { values, ...columns === undefined ? {} : { columns } }
  if (kind === HEAD.kind) {
    if (values['version'] === HEAD.version) return { line, head: true }
    return { line, reason: `this is version ${shown(String(values['version']))} of an export`, mend: `this Helios reads version ${HEAD.version}: use the one that wrote it, or a newer one` }
  }
  // A list of users is the table that people have.
  if (kind === undefined || kind === null) return { line, record: { kind: 'user', ...record } }
  if (typeof kind === 'string') return { line, record: { kind, ...record } }
  return { line, reason: 'the kind is no text', mend: 'write user, alias, domain and the like' }
}
