/**
 * Documentation pages as tests read them: fenced blocks with the HTML comment that stands before them, and links.
 *
 *   <!-- test -->               the block is a shell script that must succeed, run in the page's scratch directory
 *   <!-- test waits -->         … run again until it succeeds and prints what the next block shows
 *   <!-- test fails -->         … that must fail
 *   <!-- test background -->    … that keeps running; the next block waits until it listens
 *   <!-- write NAME -->         the block is put into that file of the scratch directory; executable when it begins with #!
 *   <!-- file NAME -->          the block is that file of the checkout, to the byte
 *   <!-- output -->             what the block before it printed: whole lines that follow one another; `…` stands for any text,
 *                               alone on a line for any lines; times, ids and the like may differ
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..', '..')

export interface Block {
  /** The comment's words; undefined for a block without one. */
  readonly mark: string | undefined
  readonly language: string
  readonly text: string
  /** 1-based line of the fence. */
  readonly line: number
}

export interface Page {
  /** Relative to the checkout. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
}

const FENCED = /(?:^<!-- ([a-z][^>\n]*?) -->\n)?^```([a-z]*)\n(.*?)^```$/gms

/** README.md and every page below docs/. */
export function readPages(): readonly Page[] {
  return ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT }).toSorted()].map(readPage)
}

export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const blocks = [...text.matchAll(FENCED)].map((match): Block => ({
    mark: match[1], language: match[2]!, text: match[3]!, line: text.slice(0, match.index).split('\n').length + (match[1] === undefined ? 0 : 1),
  }))
  return { path, text, blocks }
}

/** Targets of a page's links, with their line. Code is no link. */
export function linksOf({ text }: Page): readonly { readonly target: string; readonly line: number }[] {
  const prose = text.replace(/^```.*?^```$/gms, (block) => block.replace(/[^\n]/g, ' ')).replace(/`[^`\n]*`/g, (code) => ' '.repeat(code.length))
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({ target: match[1]!, line: prose.slice(0, match.index).split('\n').length }))
}

/** The anchors GitHub gives a page's headings. */
export function anchorsOf({ text }: Page): ReadonlySet<string> {
  const prose = text.replace(/^```.*?^```$/gms, '')
  return new Set([...prose.matchAll(/^#+ +(.*)$/gm)].map((match) => match[1]!.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')))
}
