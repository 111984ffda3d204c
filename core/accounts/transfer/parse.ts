/** Lines of JSON and rows of CSV out of a stream of text, with the line on which each begins. */
import { shown } from './check.ts'
import type { Values } from './record.ts'

/** `columns`: all that the file speaks of, where that is not for each row to say. */
export type Rows = AsyncIterable<{ readonly line: number } & ({ readonly values: Values; readonly columns?: readonly string[] } | { readonly reason: string; readonly mend: string })>

/** Characters that one row may have: a file of another kind shall not fill the memory. */
const LONGEST = 1024 * 1024

/** What is said of a longer one. Nothing behind it is read. */
export const TOO_LONG = { reason: `this row is longer than ${LONGEST} characters`, mend: 'see that this is the file you mean, and that each quote has its counterpart' }

/** Whole lines without their line feeds, numbered from 1; undefined in the place of one that is too long, which is the last. */
export async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<readonly [line: number, text: string | undefined]> {
  let rest = ''
  let line = 0
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const text of lines) {
      yield [++line, text.length > LONGEST ? undefined : text]
      if (text.length > LONGEST) return
    }
    if (rest.length > LONGEST) {
      yield [++line, undefined]
      return
    }
  }
  if (rest !== '') yield [++line, rest]
}

export async function* jsonLines(chunks: AsyncIterable<string>): Rows {
  for await (const [line, text] of linesOf(chunks)) {
    if (text === undefined) yield { line, ...TOO_LONG }
    if (text === undefined || text.trim() === '') continue
    yield { line, ...readObject(line === 1 ? text.replace(/^\ufeff/, '') : text) }
  }
}

function readObject(text: string): { readonly values: Values } | { readonly reason: string; readonly mend: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { reason: 'this is no JSON', mend: 'write one object on each line' }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { reason: 'this is no object', mend: 'write one object on each line, such as {"kind":"user","login":"ann","domain":"example.org"}' }
  const nested = Object.entries(value).find(([, each]) => typeof each === 'object' && each !== null)
  if (nested !== undefined) return { reason: `${shown(nested[0])} is a list or an object`, mend: 'write a text, a number, true, false or null' }
  return { values: value as Values }
}

/** The first row names the columns. A cell of nothing is not there; one of two quotes is an empty text. */
export async function* csvRows(chunks: AsyncIterable<string>): Rows {
  let names: readonly string[] | undefined
  for await (const [line, text] of recordsOf(chunks)) {
    if (text === undefined) {
      yield { line, ...TOO_LONG }
      return
    }
    const cells = cellsOf(text)
    if (cells === undefined) yield { line, reason: 'the quotes of a cell do not fit together', mend: 'quote the whole cell, and write a quote in it twice' }
    if (cells === undefined && names === undefined) return
    if (cells === undefined || (cells.length === 1 && cells[0] === undefined)) continue
    if (names === undefined) {
      names = cells.map((cell, index) => (index === 0 ? cell?.replace(/^\ufeff/, '') : cell)?.trim() ?? '')
      const wrong = names.find((name, index) => !/^[a-z][a-z0-9_]*$/.test(name) || names!.indexOf(name) !== index)
      if (wrong === undefined) continue
      yield { line, reason: wrong === '' ? 'a column has no name' : `${shown(wrong)} is no name of a column, or stands there twice`, mend: 'write the names of the columns in the first row, such as kind,login,domain,password' }
      return
    }
    if (cells.length !== names.length) {
      yield { line, reason: `${cells.length} cells for ${names.length} columns`, mend: 'quote a cell that has a comma or a line end in it' }
      continue
    }
    yield { line, columns: names, values: Object.fromEntries(cells.flatMap((cell, index) => cell === undefined ? [] : [[names![index]!, cell]])) }
  }
}

/** Lines, or several where a quoted cell goes on: there the quotes are not even. Undefined in the place of a row that is too long, which is the last. */
async function* recordsOf(chunks: AsyncIterable<string>): AsyncGenerator<readonly [line: number, text: string | undefined]> {
  let open: { readonly line: number; readonly texts: string[]; length: number } | undefined
  for await (const [line, text] of linesOf(chunks)) {
    if (text === undefined) {
      yield [open?.line ?? line, undefined]
      return
    }
    const whole = open ?? { line, texts: [], length: 0 }
    whole.texts.push(text)
    whole.length += text.length + 1
    // Each line is looked at once, however many a cell has.
    const isEven = (text.match(/"/g)?.length ?? 0) % 2 === 0
    open = isEven === (open === undefined) ? undefined : whole
    if (open === undefined) yield [whole.line, whole.texts.join('\n').replace(/\r$/, '')]
    else if (whole.length > LONGEST) {
      yield [whole.line, undefined]
      return
    }
  }
  if (open !== undefined) yield [open.line, open.texts.join('\n')]
}

const CELL = /(?:"([^"]*(?:""[^"]*)*)"|([^,"]*))(?:,|$)/gy

/** Undefined for quotes that RFC 4180 does not have. */
function cellsOf(text: string): readonly (string | undefined)[] | undefined {
  const cells: (string | undefined)[] = []
  for (CELL.lastIndex = 0; ;) {
    const found = CELL.exec(text)
    if (found === null) return undefined
    const [whole, quoted, plain] = found
    cells.push(quoted?.replaceAll('""', '"') ?? (plain === '' ? undefined : plain))
    if (!whole.endsWith(',')) return cells
    // After the last comma there is one more cell, of nothing.
    if (CELL.lastIndex === text.length) return [...cells, undefined]
  }
}
