/** Where plugins are enabled: the lines of every list that some client could get. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Control } from '../../config/control.ts'
import { parsePluginList, type ListEntry } from '../../protocol/spp/list.ts'
import { textOf } from '../../protocol/text.ts'
import { identityOf } from './target.ts'

export interface ListedLine extends ListEntry {
  /** As an operator names it. */
  readonly file: string
  /** What the line means (target.ts). */
  readonly identity: string
}

/** Enabled lines of the list, and of those that access rules name, in the order of the files. Never throws. */
export function listedLines(control: Control): readonly ListedLine[] {
  const { file, content } = control.smtpplugins
  const lists = new Map([[file, content ?? '']])
  for (const { variables } of control.tcprules.rules) {
    const named = new Map(variables).get('SPPCONFFILE')
    if (named !== undefined && named !== '' && !lists.has(named)) lists.set(named, readOptional(resolve(control.home, named)))
  }
  return [...lists].flatMap(([name, text]) =>
    parsePluginList(text).entries.map((entry) => ({ ...entry, file: name, identity: identityOf(entry.text, control.home) })))
}

function readOptional(path: string): string {
  try {
    return textOf(readFileSync(path))
  } catch {
    return ''
  }
}
