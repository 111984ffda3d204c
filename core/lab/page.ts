/** The page that stands beside a plugin. */
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Target } from './target.ts'

/** The page's text: `README.md` of a plugin that is a folder, else `NAME.md` beside the file. Undefined where there is none. */
export function readPage({ file, name }: Target): string | undefined {
  if (file === undefined) return undefined
  const isFolder = /^index\.[jt]s$/.test(basename(file))
  try {
    return readFileSync(join(dirname(file), isFolder ? 'README.md' : `${name}.md`), 'utf8')
  } catch {
    return undefined
  }
}

/** Its first sentence on one line, without the heading. */
export function summaryOf(page: string): string | undefined {
  return page.split(/\n[ \t]*\n/).map((block) => block.trim()).find((block) => block !== '' && !block.startsWith('#'))
    ?.replace(/\s*\n\s*/g, ' ').replace(/(?<=[.!?]) .*$/, '')
}
