/** Kysely over a pool of our own: its compilers for MySQL and PostgreSQL, our connections. */
import {
  CompiledQuery, MysqlAdapter, MysqlIntrospector, MysqlQueryCompiler, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler,
  type DatabaseConnection, type Dialect, type Driver, type QueryResult,
} from 'kysely'
import type { Lease, Pool } from './pool.ts'
import type { ServerDriver } from './server.ts'

export function serverDialect(driver: ServerDriver, pool: Pool): Dialect {
  if (driver === 'mysql') return {
    createAdapter: () => new MysqlAdapter(), createDriver: () => new PoolDriver(pool),
    createIntrospector: (db) => new MysqlIntrospector(db), createQueryCompiler: () => new MysqlQueryCompiler(),
  }
  return {
    createAdapter: () => new PostgresAdapter(), createDriver: () => new PoolDriver(pool),
    createIntrospector: (db) => new PostgresIntrospector(db), createQueryCompiler: () => new PostgresQueryCompiler(),
  }
}

class PoolDriver implements Driver {
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }

  async init(): Promise<void> {
    // Connections are made when somebody asks.
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return new LeasedConnection(await this.#pool.acquire())
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    ;(connection as LeasedConnection).lease.release()
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  async destroy(): Promise<void> {
    this.#pool.close()
  }
}

class LeasedConnection implements DatabaseConnection {
  readonly lease: Lease

  constructor(lease: Lease) {
    this.lease = lease
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, affected } = await this.lease.query(sql, parameters, false)
    return { rows: rows as unknown as R[], ...(affected === undefined ? {} : { numAffectedRows: BigInt(affected) }) }
  }

  // oxlint-disable-next-line require-yield -- the interface wants a generator, and nothing here streams
  async * streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('account queries are not streamed: read them in pages')
  }
}
