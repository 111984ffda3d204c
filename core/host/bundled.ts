/**
 * What the folders of bundled plugins hold besides the plugin: `schema.ts`, the tables it owns, and `cli.ts`, verbs it
 * adds to the `helios` command. Found by looking, so that a folder that is deleted takes all of it along.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HeliosError } from '../error.ts'
import { bundledPluginsDir, extension } from '../paths.ts'
import type { Table } from '../plugin/table.ts'
import type { Verbs } from '../plugin/verbs.ts'

/** One plugin's word on something. */
export interface Owned<T> {
  /** The folder's name. */
  readonly plugin: string
  readonly value: T
}

/** Where the folders are looked for. Default: this installation's. */
export type Folders = string

/** The tables of all bundled plugins. Rejects with HeliosError `plugin-load` when the installation is damaged. */
export async function bundledTables(folders: Folders = bundledPluginsDir): Promise<readonly Table[]> {
  const owned = await exported<readonly Table[]>(folders, 'schema', 'tables')
  return owned.flatMap(({ plugin, value }) => value.map((table) => checkTable(plugin, table)))
}

/** The verbs of all bundled plugins, by folder. Rejects with HeliosError `plugin-load` when the installation is damaged. */
export async function bundledVerbs(folders: Folders = bundledPluginsDir): Promise<readonly Owned<Verbs>[]> {
  return exported<Verbs>(folders, 'cli', 'verbs')
}

async function exported<T>(folders: string, file: string, name: string): Promise<readonly Owned<T>[]> {
  if (!existsSync(folders)) return []
  const plugins = readdirSync(folders).toSorted().filter((plugin) => existsSync(join(folders, plugin, file + extension)))
  return Promise.all(plugins.map(async (plugin) => ({ plugin, value: await load<T>(join(folders, plugin, file + extension), name) })))
}

async function load<T>(file: string, name: string): Promise<T> {
  try {
    const module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>
    if (module[name] !== undefined) return module[name] as T
  } catch (cause) {
    throw damaged(`${file} does not load: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  }
  throw damaged(`${file} exports no ${name}`)
}

const NAME = /^[a-z][a-z0-9_]{0,30}$/

/** A table is its plugin's by its name, so two plugins never write to one. */
function checkTable(plugin: string, table: Table): Table {
  const own = plugin.replaceAll('-', '_')
  if (table.name !== own && !table.name.startsWith(`${own}_`)) {
    throw damaged(`the plugin ${plugin} declares the table ${table.name}, which must be named ${own} or begin with ${own}_`)
  }
  const wrong = [table.name, ...Object.keys(table.columns)].find((name) => !NAME.test(name))
  if (wrong !== undefined) throw damaged(`the plugin ${plugin} names a table or column "${wrong}": small letters, digits and _ only`)
  return table
}

function damaged(message: string, cause?: unknown): HeliosError {
  return new HeliosError('plugin-load', message, { fault: 'plugin', mend: 'mend the file, or delete the plugin\'s folder', cause })
}
