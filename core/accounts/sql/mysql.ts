/** MySQL and MariaDB through mysql2, which is loaded at the first connection only. */
import { readFileSync } from 'node:fs'
import type { Connection as MysqlConnection, ConnectionOptions } from 'mysql2'
import type { Connection } from '../../../protocol/qmail/qmailconfig.ts'
import { within, type Answer, type Limits, type OpenWire, type Row, type Wire } from './wire.ts'

export const openMysql: OpenWire = async (to, limits, lost) => {
  const { createConnection } = await import('mysql2')
  const connection = createConnection(optionsFor(to))
  const wire = new MysqlWire(connection, lost)
  await within(limits.connect, connected(connection), () => {
    wire.destroy()
    return new Error(`no connection within ${limits.connect / 1000} s`)
  }).catch((error: unknown) => {
    wire.destroy()
    throw error
  })
  await prepareSession(wire, limits)
  return wire
}

function optionsFor(to: Connection): ConnectionOptions {
  const place = to.host.startsWith('/') ? { socketPath: to.host } : { host: to.host, port: to.port ?? 3306 }
  const ca = to.rootCertificates === undefined ? {} : { ca: readFileSync(to.rootCertificates) }
  return {
    ...place, user: to.user, database: to.dbname, charset: 'utf8mb4', dateStrings: true, supportBigNumbers: true, enableKeepAlive: true,
    // Our own bound holds for the whole greeting; this one would only see the TCP part of it.
    connectTimeout: 0, maxPreparedStatements: 100,
    // Else an object in a value's place would be written as names and values of its own, and be true of every row.
    stringifyObjects: true,
    ...(to.password === undefined ? {} : { password: to.password }),
    ...(to.tls === 'off' ? {} : { ssl: { ...ca, rejectUnauthorized: to.tls === 'verified' } }),
  }
}

function connected(connection: MysqlConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.connect((error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}

/** Dates in UTC; a text that is too long is an error and never cut: half a password hash would lock its user out. */
async function prepareSession(wire: Wire, limits: Limits): Promise<void> {
  await wire.query("SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'", [], false)
  if (limits.query === 0) return
  // MariaDB's name for it, in seconds; MySQL has another, in milliseconds. The server then gives up as we do.
  await wire.query(`SET SESSION max_statement_time = ${limits.query / 1000}`, [], false)
    .catch(() => wire.query(`SET SESSION max_execution_time = ${limits.query}`, [], false)).catch(() => undefined)
}

class MysqlWire implements Wire {
  readonly #connection: MysqlConnection
  readonly #lost: () => void
  #ended = false

  constructor(connection: MysqlConnection, lost: () => void) {
    this.#connection = connection
    this.#lost = lost
    connection.on('error', () => this.destroy())
    connection.on('end', () => this.destroy())
  }

  query(sql: string, parameters: readonly unknown[], prepared: boolean): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const done = (error: unknown, result: unknown): void => {
        if (error === null || error === undefined) resolve(answerOf(result))
        else reject(error as Error)
      }
      if (prepared) this.#connection.execute(sql, [...parameters] as (string | number)[], done)
      else this.#connection.query(sql, [...parameters], done)
    })
  }

  destroy(): void {
    if (this.#ended) return
    this.#ended = true
    this.#connection.destroy()
    this.#lost()
  }
}

function answerOf(result: unknown): Answer {
  if (Array.isArray(result)) return { rows: result as readonly Row[], affected: undefined }
  return { rows: [], affected: (result as { readonly affectedRows: number }).affectedRows }
}
