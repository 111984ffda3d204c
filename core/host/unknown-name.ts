/** What to say of a plugin name that nobody has. */
import { existsSync, readdirSync } from 'node:fs'
import { nearest } from '../../protocol/nearest.ts'
import { HeliosError } from '../error.ts'
import { bundledPluginsDir } from '../paths.ts'

/** For a word of the plugin list without a slash that is neither a plugin's name nor a program in the home. */
export function unknownName(text: string): HeliosError {
  const names = existsSync(bundledPluginsDir) ? readdirSync(bundledPluginsDir).filter((name) => /^[a-z0-9]/.test(name)).toSorted() : []
  const near = nearest(text.replace(/\.php$/, ''), names)
  const all = `bundled are ${names.join(', ')}; a program of yours is named by its path, such as plugins/${text}`
  return new HeliosError('no-plugin', `there is no plugin ${text}, bundled or in plugins/, and no such program in the home`, {
    fault: 'operator', mend: near === undefined ? all : `did you mean ${near}?`,
  })
}
