/** Loads plugins into this process: the bundled ones, and an operator's own that a line marks `trusted`. */
import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HeliosError } from '../../error.ts'
import { bundledPluginsDir, extension, moduleFile } from '../../paths.ts'
import type { Plugin } from '../../plugin/plugin.ts'
import { whatIsWrong } from './plugin-shape.ts'

/** What a plugin anywhere imports, and the module that it gets: ours, so that `instanceof` holds on both sides. */
const DOORS: ReadonlyMap<string, string> = new Map([
  ['helios-mail/plugin', pathToFileURL(moduleFile('core/plugin/index')).href],
  ['helios-mail/plugin/testing', pathToFileURL(moduleFile('core/plugin/testing/index')).href],
])

let doorsOpen = false

/**
 * Imports an operator's plugin natively. An edit is seen after a restart: what is imported stays imported.
 * @param file absolute path of a `.ts` or `.js` module whose default export is a plugin
 * Rejects with HeliosError (`plugin-load`, `plugin-shape`).
 */
export async function loadTrusted(file: string): Promise<Plugin> {
  openDoors()
  return load(file)
}

/** The bundled plugin of this name, or undefined when there is none. Rejects as `loadTrusted`, when the installation is damaged. */
export async function loadBundled(name: string): Promise<Plugin | undefined> {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name)) return undefined
  const file = join(bundledPluginsDir, name, `index${extension}`)
  return existsSync(file) ? load(file) : undefined
}

/** `helios-mail/plugin` means this installation, wherever the plugin stands: a home has no node_modules. */
function openDoors(): void {
  if (doorsOpen) return
  doorsOpen = true
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const url = DOORS.get(specifier)
      return url === undefined ? nextResolve(specifier, context) : { url, shortCircuit: true }
    },
  })
}

async function load(file: string): Promise<Plugin> {
  let module: { readonly default?: unknown }
  try {
    module = (await import(pathToFileURL(file).href)) as { readonly default?: unknown }
  } catch (cause) {
    throw new HeliosError('plugin-load', `${file} does not load: ${cause instanceof Error ? cause.message : String(cause)}`, {
      fault: 'plugin', mend: 'mend the file; it must be TypeScript that Node runs as it stands (no enum, no namespace)', cause,
    })
  }
  const wrong = whatIsWrong(module.default)
  if (wrong === undefined) return module.default as Plugin
  throw new HeliosError('plugin-shape', `${file}: ${wrong}`, {
    fault: 'plugin', mend: 'write `export default definePlugin({ name, summary, rcpt: … })`',
  })
}
