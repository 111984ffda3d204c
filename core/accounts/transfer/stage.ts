/**
 * Where the rows of a file wait until all of them are checked: a database of SQLite's own in a file without a name, so that a file of any
 * size needs little memory, may come through a pipe, and may have its rows in any order.
 */
import { DatabaseSync } from 'node:sqlite'
import type { Kind } from './kinds.ts'
import type { Row } from './check.ts'

export interface Staged {
  /** 1-based line of the file. */
  readonly line: number
  readonly row: Row
}

/** An alias in the way of mail: from an address to another one. */
export interface Step {
  readonly from: string
  readonly to: string
  /** 0 for one that the database has. */
  readonly line: number
}

/** Characters. */
const LONGEST_BATCH = 1024 * 1024

export class Stage {
  readonly #database = new DatabaseSync('')
  readonly #insert
  readonly #step

  constructor() {
    this.#database.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
      CREATE TABLE rows (kind TEXT, place TEXT, line INTEGER, row TEXT, PRIMARY KEY (kind, place)) WITHOUT ROWID;
      CREATE TABLE steps ("from" TEXT, "to" TEXT, line INTEGER, PRIMARY KEY ("from", "to")) WITHOUT ROWID;
      BEGIN`)
    this.#insert = this.#database.prepare('INSERT INTO rows VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
    this.#step = this.#database.prepare('INSERT INTO steps VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
  }

  /** The line on which a row with this key stands already; undefined: there was none. */
  add(kind: Kind, { line, row }: Staged): number | undefined {
    const place = placeOf(kind, row)
    if (this.#insert.run(kind.name, place, line, JSON.stringify(row)).changes > 0) return undefined
    return Number(this.#database.prepare('SELECT line FROM rows WHERE kind = ? AND place = ?').get(kind.name, place)!['line'])
  }

  count(kind: Kind): number {
    return Number(this.#database.prepare('SELECT count(*) AS n FROM rows WHERE kind = ?').get(kind.name)!['n'])
  }

  /** True when the file has a row with the values of this one in its key. */
  has(kind: Kind, row: Row): boolean {
    return this.#database.prepare('SELECT 1 FROM rows WHERE kind = ? AND place = ?').get(kind.name, placeOf(kind, row)) !== undefined
  }

  /** The rows of a kind by their keys, so many at a time; fewer where they are long, for a server takes no statement of any length. */
  *batches(kind: Kind, size: number): Generator<readonly Staged[]> {
    const next = this.#database.prepare('SELECT place, line, row FROM rows WHERE kind = ? AND place > ? ORDER BY place LIMIT ?')
    for (let last = ''; ;) {
      const rows = next.all(kind.name, last, size)
      if (rows.length === 0) return
      let length = 0
      const taken = rows.filter((row, index) => {
        length += String(row['row']).length
        return index === 0 || length <= LONGEST_BATCH
      })
      yield taken.map(({ line, row }) => ({ line: Number(line), row: JSON.parse(String(row)) as Row }))
      last = String(taken.at(-1)!['place'])
    }
  }

  /** Values that a column of the kind has, each with the first line it stands on. */
  *distinct(kind: Kind, column: string): Generator<readonly [value: string, line: number]> {
    const rows = this.#database.prepare('SELECT row ->> ? AS value, min(line) AS line FROM rows WHERE kind = ? GROUP BY 1').iterate(`$.${column}`, kind.name)
    for (const { value, line } of rows) yield [String(value), Number(line)]
  }

  addStep({ from, to, line }: Step): void {
    this.#step.run(from, to, line)
  }

  /** The first line of the file on which this address is an alias. */
  lineOfAlias(address: string): number | undefined {
    const line = this.#database.prepare('SELECT min(line) AS line FROM steps WHERE "from" = ? AND line > 0').get(address)!['line']
    return line === null ? undefined : Number(line)
  }

  /**
   * Steps of the file that begin and end at one and the same address, so that mail would go round, and ways with more than `deepest` steps behind one
   * another, which may begin with what the database has. Each line once.
   */
  *endless(deepest: number): Generator<Step & { readonly isCircle: boolean }> {
    // Ended there, for all ways through a long row of aliases are more than anybody waits for. `own`: the first step is of the file;
    // `line` is that of the way's first step that is.
    const rows = this.#database.prepare(`WITH RECURSIVE walk (start, first, line, own, at, depth) AS (
        SELECT "from", "to", line, line > 0, "to", 1 FROM steps WHERE "to" IN (SELECT "from" FROM steps)
        UNION SELECT start, first, iif(walk.line > 0, walk.line, steps.line), own, "to", depth + 1 FROM walk JOIN steps ON "from" = at WHERE at <> start AND depth <= ?)
      SELECT start, first, line, max(own * (1 + (at = start))) AS weight FROM walk
        WHERE line > 0 AND (own AND at = start OR depth > ?) GROUP BY line ORDER BY line`).iterate(deepest, deepest)
    for (const { start, first, line, weight } of rows) yield { from: String(start), to: String(first), line: Number(line), isCircle: weight === 2 }
  }

  close(): void {
    this.#database.close()
  }
}

/** Rows with equal keys have it in common, and rows of a kind stand in its order. */
export function placeOf({ key }: Kind, row: Row): string {
  return JSON.stringify(key.map((column) => row[column]))
}
