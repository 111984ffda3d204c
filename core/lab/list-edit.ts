/** Changes of single lines of the plugin list. Every other line, remarks and all, stays as it is, to the byte. */
import { parsePluginList, type LineOptions, type Section } from '../../protocol/spp/list.ts'
import { printOptions } from '../../protocol/spp/options.ts'

export interface ListEdit {
  readonly content: string
  /** In the order of the file; empty when there was nothing to do. */
  readonly changes: readonly ListChange[]
}

export interface ListChange {
  readonly kind: 'added' | 'uncommented' | 'changed' | 'commented'
  /** Of the new content, 1-based. */
  readonly line: number
  readonly section: Section
  /** The line as it is now. */
  readonly text: string
}

export interface Enabling {
  readonly section: Section
  /** The plugin as a new line names it. */
  readonly text: string
  /** Those a line gets; what a line has besides stays, `shadow` excepted. */
  readonly options: LineOptions
  readonly shadow: boolean
  /** Does a line's text mean this plugin? */
  readonly means: (text: string) => boolean
}

/**
 * Makes the plugin's line in a section count: an enabled line gets the options, else the first line of the section that is
 * commented out loses its `#`, else a line is added behind the section's last one, or with the section at the end.
 */
export function enableLine(content: string, enabling: Enabling): ListEdit {
  const { section, means } = enabling
  const lines = content.split('\n')
  const sections = sectionsOf(lines)
  const enabled = entriesOf(content).filter((entry) => entry.section === section)
  const there = enabled.find(({ text }) => means(text))
  if (there !== undefined) {
    return replace(lines, there.line, section, 'changed', lineOf(there.text, there.options, enabling) ?? lines[there.line - 1]!)
  }
  for (const [index, raw] of lines.entries()) {
    const entry = sections[index] === section ? commentedOut(raw) : undefined
    if (entry !== undefined && means(entry.text)) {
      return replace(lines, index + 1, section, 'uncommented', lineOf(entry.text, entry.options, enabling) ?? entry.raw)
    }
  }
  const line = joined(enabling.text, withShadow(enabling.options, enabling.shadow))
  const last = enabled.at(-1)?.line ?? sections.findIndex((found, index) => found === section && lines[index]!.startsWith('[')) + 1
  if (last > 0) return insert(lines, last, section, [line])
  const before = lines.at(-1) === '' ? lines.length - 1 : lines.length
  const header = [`[${section === 'message' || section === 'deliver' ? '+' : ''}${section}]`, line]
  return insert(lines, before, section, before === 0 || lines[before - 1]!.trim() === '' ? header : ['', ...header])
}

/** Comments out every line that means the plugin, in one section or in all. */
export function disableLines(content: string, { section, means }: Partial<Pick<Enabling, 'section'>> & Pick<Enabling, 'means'>): ListEdit {
  const lines = content.split('\n')
  const changes: ListChange[] = []
  for (const entry of entriesOf(content)) {
    if ((section !== undefined && entry.section !== section) || !means(entry.text)) continue
    const text = `#${lines[entry.line - 1]!}`
    lines[entry.line - 1] = text
    changes.push({ kind: 'commented', line: entry.line, section: entry.section, text })
  }
  return { content: lines.join('\n'), changes }
}

/** Enabled lines, but for those that hold a NUL: they are several, and not for a program to change. */
function entriesOf(content: string) {
  const lines = content.split('\n')
  return parsePluginList(content).entries.filter(({ line }) => !lines[line - 1]!.includes('\0'))
}

/** The section of each line; undefined where lines are never run. */
function sectionsOf(lines: readonly string[]): readonly (Section | undefined)[] {
  let section: Section | undefined
  return lines.map((line) => {
    if (line.startsWith('[')) section = parsePluginList(`${line}\nprobe`).entries[0]?.section
    return section
  })
}

/** The plugin line behind one or more `#`, if that is what stands there. */
function commentedOut(line: string) {
  if (!line.startsWith('#') || line.includes('\0')) return undefined
  const raw = line.replace(/^[# \t]+/, '')
  const entry = raw.startsWith('[') ? undefined : parsePluginList(`[rcpt]\n${raw}`).entries[0]
  return entry === undefined ? undefined : { raw, text: entry.text, options: entry.options }
}

/** The line with the wanted options; undefined when it has them. */
function lineOf(text: string, options: LineOptions, wanted: Enabling): string | undefined {
  const now = withShadow({ ...options, ...wanted.options }, wanted.shadow)
  return printOptions(now) === printOptions(options) ? undefined : joined(text, now)
}

function withShadow(options: LineOptions, shadow: boolean): LineOptions {
  return { ...options, shadow }
}

function joined(text: string, options: LineOptions): string {
  const token = printOptions(options)
  return token === '' ? text : `${token} ${text}`
}

function replace(lines: readonly string[], line: number, section: Section, kind: ListChange['kind'], text: string): ListEdit {
  if (lines[line - 1] === text) return { content: lines.join('\n'), changes: [] }
  return { content: lines.with(line - 1, text).join('\n'), changes: [{ kind, line, section, text }] }
}

/** @param after 1-based line behind which the new ones come; the last of them is the plugin's */
function insert(lines: readonly string[], after: number, section: Section, added: readonly string[]): ListEdit {
  const all = lines.toSpliced(after, 0, ...added)
  // A last line without its end gets one, or the new line would be part of it.
  if (all.at(-1) !== '') all.push('')
  return { content: all.join('\n'), changes: [{ kind: 'added', line: after + added.length, section, text: added.at(-1)! }] }
}
