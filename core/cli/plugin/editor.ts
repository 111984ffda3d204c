/** What an editor needs to know the plugin API in a home, where there is no node_modules. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asOwner, makeDirectory } from '../../accounts/ownership.ts'
import { defaultsDir } from '../../paths.ts'

/**
 * Writes `plugins/helios.d.ts`, anew where it is not this version's, and `plugins/tsconfig.json` where there is none.
 * @param home absolute path
 * @returns what was written, relative to the home. Throws the file system's error.
 */
export function writeEditorFiles(home: string): readonly string[] {
  makeDirectory(home, join(home, 'plugins'))
  const declarations = readFileSync(join(defaultsDir, 'editor', 'helios.d.ts.txt'), 'utf8')
  const written: string[] = []
  if (readOptional(join(home, 'plugins', 'helios.d.ts')) !== declarations) written.push(write(home, 'plugins/helios.d.ts', declarations))
  // The operator's from the first day on: it may have been changed.
  if (!existsSync(join(home, 'plugins', 'tsconfig.json'))) {
    written.push(write(home, 'plugins/tsconfig.json', readFileSync(join(defaultsDir, 'editor', 'tsconfig.json'), 'utf8')))
  }
  return written
}

function write(home: string, name: string, content: string): string {
  asOwner(home, () => writeFileSync(join(home, name), content))
  return name
}

function readOptional(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
