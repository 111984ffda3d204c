/**
 * Where Helios' own files stand: in a checkout the sources (`.ts`), in an installed package `dist/` (`.js`).
 * The one file that knows the difference; everything that starts or imports a file by name asks here.
 */
import { dirname, join } from 'node:path'

/** `.ts` in a checkout, `.js` in an installed package. */
export const extension: '.ts' | '.js' = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'

/** The directory that holds `core/`, `plugins/` and `config/` as they run: the checkout, or the package's `dist/`. */
export const codeRoot = dirname(import.meta.dirname)

/** The directory of package.json, absolute. */
export function packageRoot(): string {
  return extension === '.ts' ? codeRoot : dirname(codeRoot)
}

/** One folder per bundled plugin, absolute. */
export const bundledPluginsDir = join(codeRoot, 'plugins')

/** The control files that `helios init` writes, absolute. */
export const defaultsDir = join(codeRoot, 'config', 'defaults')

/**
 * The absolute path of one of our own modules, for starting or importing it by name.
 * @param module its path in the house without extension, such as `core/plugin/index`
 */
export function moduleFile(module: string): string {
  return join(codeRoot, ...module.split('/')) + extension
}

/** The absolute path of one of our own modules that is plain JavaScript wherever it stands. @param module as for `moduleFile` */
export function plainFile(module: string): string {
  return join(codeRoot, ...module.split('/')) + '.js'
}
