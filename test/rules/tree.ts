/** The files a rule looks at: what git tracks or would track, or, outside a checkout, everything that is not built or installed. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'

const NOT_OURS = new Set(['.git', 'node_modules', 'dist', 'coverage'])

/** Paths of all files, relative to the root, with `/`, sorted. */
export function listFiles(root: string): readonly string[] {
  const files = isCheckout(root) ? listWithGit(root) : walk(root, '')
  return files.toSorted()
}

/** The file's text, or undefined when it is not text (it has a NUL in its first 8 KiB). */
export function readText(root: string, file: string): string | undefined {
  const bytes = readFileSync(join(root, file))
  return bytes.subarray(0, 8192).includes(0) ? undefined : bytes.toString('utf8')
}

function isCheckout(root: string): boolean {
  if (!existsSync(join(root, '.git'))) return false
  try {
    const top = execFileSync('git', ['rev-parse', '--show-toplevel'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return realpathSync(top.trim()) === realpathSync(root)
  } catch {
    return false
  }
}

function listWithGit(root: string): readonly string[] {
  const out = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024,
  })
  // A file deleted but not yet committed is still listed.
  const isThere = (file: string): boolean => statSync(join(root, file), { throwIfNoEntry: false })?.isFile() === true
  return [...new Set(out.split('\0'))].filter((file) => file !== '' && isThere(file))
}

function walk(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return []
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    return entry.isDirectory() ? walk(root, path) : entry.isFile() ? [path] : []
  })
}
