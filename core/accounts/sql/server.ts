/** From the configuration to connections: which servers, in which role, with which patience. */
import type { QmailConfig } from '../../../protocol/qmail/qmailconfig.ts'
import { openMysql } from './mysql.ts'
import { Pool } from './pool.ts'
import { openPostgresql } from './postgresql.ts'
import type { Limits } from './wire.ts'

export type ServerDriver = Exclude<QmailConfig['driver'], 'sqlite'>

export interface ServerPoolOptions {
  /** `write`: popconnectionstring. */
  readonly role: 'read' | 'write'
  /** See `PoolOptions`. */
  readonly most?: number
  /** Instead of those of the configuration. */
  readonly limits?: Limits
}

/** Nobody is asked before the first question. */
export function serverPool(config: QmailConfig, driver: ServerDriver, { role, most, limits = limitsOf(config) }: ServerPoolOptions): Pool {
  return new Pool({
    open: driver === 'mysql' ? openMysql : openPostgresql, limits, ...(most === undefined ? {} : { most }),
    servers: role === 'read' ? config.connections : config.popConnections,
  })
}

export function limitsOf({ connectionTimeout, queryTimeout }: QmailConfig): Limits {
  return { connect: connectionTimeout * 1000, query: queryTimeout * 1000 }
}
