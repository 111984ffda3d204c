/** PostgreSQL through pg, which is loaded at the first connection only. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Client, ClientConfig, QueryResult } from 'pg'
import type { Connection } from '../../../protocol/qmail/qmailconfig.ts'
import { within, type Answer, type Limits, type OpenWire, type Row, type Wire } from './wire.ts'

export const openPostgresql: OpenWire = async (to, limits, lost) => {
  const { default: pg } = await import('pg')
  const client = new pg.Client(optionsFor(to, limits, pg.types.getTypeParser(BYTES)))
  const wire = new PostgresqlWire(client, lost)
  const late = (): Error => {
    wire.destroy()
    return new Error(`no connection within ${limits.connect / 1000} s`)
  }
  try {
    await within(limits.connect, client.connect(), late)
    // Not as start-up parameters, which poolers in between refuse.
    await within(limits.connect, wire.query("SET TIME ZONE 'UTC'", [], false), late)
  } catch (error) {
    wire.destroy()
    throw error
  }
  return wire
}

function optionsFor(to: Connection, limits: Limits, bytesOf: (text: string) => unknown): ClientConfig {
  const ca = to.rootCertificates === undefined ? {} : { ca: readFileSync(to.rootCertificates, 'utf8') }
  return {
    host: to.host, port: to.port ?? 5432, user: to.user, database: to.dbname, application_name: 'helios', keepAlive: true,
    types: { getTypeParser: (type: number) => (type === BYTES ? bytesOf : parserOf(type)) as never },
    ...(to.password === undefined ? {} : { password: to.password }),
    ...(limits.query === 0 ? {} : { statement_timeout: limits.query }),
    ssl: to.tls === 'off' ? false : { ...ca, rejectUnauthorized: to.tls === 'verified' },
  }
}

/** Object ids of types (pg_type.dat): boolean, bytea, and integers and numbers of all sizes. Dates stay text. */
const BOOLEAN = 16
const BYTES = 17
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 1700])

function parserOf(type: number): (text: string) => unknown {
  if (type === BOOLEAN) return (text) => text === 't'
  return NUMBERS.has(type) ? Number : String
}

class PostgresqlWire implements Wire {
  readonly #client: Client
  readonly #lost: () => void
  readonly #names = new Map<string, string>()
  #ended = false

  constructor(client: Client, lost: () => void) {
    this.#client = client
    this.#lost = lost
    client.on('error', () => this.destroy())
    client.on('end', () => this.destroy())
  }

  async query(sql: string, parameters: readonly unknown[], prepared: boolean): Promise<Answer> {
    const name = prepared ? this.#nameOf(sql) : undefined
    const result: QueryResult<Row> = await this.#client.query({ text: sql, values: [...parameters], ...(name === undefined ? {} : { name }) })
    return { rows: result.rows ?? [], affected: result.command === 'SELECT' ? undefined : result.rowCount ?? 0 }
  }

  destroy(): void {
    if (this.#ended) return
    this.#ended = true
    // `end` would wait for the server to say good-bye, and a server that hangs does not.
    ;(this.#client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }).connection.stream.destroy()
    this.#lost()
  }

  #nameOf(sql: string): string {
    const known = this.#names.get(sql) ?? `helios_${createHash('sha256').update(sql).digest('hex').slice(0, 32)}`
    this.#names.set(sql, known)
    return known
  }
}
