/** Databases on real servers for tests: each of its own, with one user who reads and one who writes. */
import { describe } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { mariadb, postgresql, type DatabaseServer } from './database-server.ts'

/** Starts each server that is installed, and describes these stories for it, under the name of its driver. */
export async function onServers(stories: (server: DatabaseServer) => void): Promise<void> {
  for (const server of [await mariadb(), await postgresql()]) if (server !== undefined) describe(server.driver, () => stories(server))
}

let databases = 0

/** A new empty database on the server, with users `reader` (SELECT alone) and `writer`. */
export async function newDatabase(server: DatabaseServer): Promise<string> {
  databases += 1
  // No word of SQL's.
  const name = `t${process.pid}-${databases}`
  if (server.driver === 'mysql') {
    await server.admin([
      `CREATE DATABASE \`${name}\``, "CREATE USER IF NOT EXISTS reader@localhost IDENTIFIED BY 'read only', writer@localhost IDENTIFIED BY 'writ''er'",
      `GRANT SELECT ON \`${name}\`.* TO reader@localhost`, `GRANT ALL ON \`${name}\`.* TO writer@localhost`,
    ])
  } else {
    await server.admin([
      "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'reader') THEN CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN; END IF; END $$",
      `CREATE DATABASE "${name}" OWNER writer`,
    ])
    await server.admin(['ALTER DEFAULT PRIVILEGES FOR ROLE writer, root GRANT SELECT ON TABLES TO reader'], name)
  }
  return name
}

/** The lines of qmailconfig for it. */
export function connectionLines(server: DatabaseServer, dbname: string): readonly string[] {
  return [
    `dbdriver ${server.driver}`, `connectionstring user=reader password='read only' dbname=${dbname} host=${server.host}`,
    `popconnectionstring user=writer password='writ\\'er' dbname=${dbname} host='${server.host}'`,
  ]
}

/** Asks until there is an answer; only a hang meets the end. */
export async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      if (tries > 300) throw error
      await pause(100)
    }
  }
}
