/** `helios plugin enable` and `disable`: the lines of the plugin list. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readControl } from '../../../config/control.ts'
import { parsePluginList, type Section } from '../../../protocol/spp/list.ts'
import { printHook } from '../../../protocol/spp/transcript-words.ts'
import { textOf } from '../../../protocol/text.ts'
import { fileFailure, refusal } from '../../accounts/errors.ts'
import { exclusively } from '../../accounts/file-lock.ts'
import { replaceFile } from '../../accounts/replace-file.ts'
import { HeliosError } from '../../error.ts'
import { whyNotExecutable } from '../../host/children/executable.ts'
import { disableLines, enableLine, type ListChange, type ListEdit } from '../../lab/list-edit.ts'
import { findTarget, identityOf, type Target } from '../../lab/target.ts'
import { printable } from '../../trace/printable.ts'
import type { Io } from '../command.ts'
import { existingHome } from '../home.ts'
import { hooksOf, readHook, withLab } from './workbench.ts'

interface EnableOptions {
  readonly section?: Section
  readonly shadow?: boolean
}

const NEXT = 'it counts from the next connection on'

export function registerEnable(noun: Command, io: Io): void {
  noun.command('enable').description('let a plugin decide: its line in the plugin list')
    .argument('<plugin>', 'its name, its file, or a shell line such as \':echo N\'; options may stand before it, as in the list')
    .option('--section <name>', 'when it is asked (default: whenever it has something to do)', readHook)
    .option('--shadow', 'ask and record it, but do not obey it')
    .action((word: string, { section, shadow = false }: EnableOptions) => withLab(io, async ({ settings: { home }, control, lab }) => {
      const target = findTarget(word, { home, cwd: io.cwd })
      requireLine(target, home)
      const sections = hooksOf(target.name, await lab.declared(target), section, '--section')
      // As the server would load it: what would fail there is told here.
      for (const each of sections) await lab.line(target, each)
      const { file } = control.smtpplugins
      const means = meaning(target, home)
      const { content, changes } = await editList(home, file, (before) => enableAll(before, sections, target, shadow, means))
      for (const each of sections) {
        const change = changes.find((found) => found.section === each)
        if (change !== undefined) io.out(changed(file, change))
        else io.out(`${file}:${lineOf(content, each, means)}: [${printHook(each)}] ${printable(target.text)} was there already`)
      }
      if (changes.length > 0) io.out(NEXT)
    }))
}

export function registerDisable(noun: Command, io: Io): void {
  noun.command('disable').description('do not ask a plugin any more: its lines in the plugin list are commented out')
    .argument('<plugin>', 'its name, its file, or its line without options')
    .option('--section <name>', 'of this section only', readHook)
    .action(async (word: string, { section }: EnableOptions) => {
      const { home } = await existingHome(io)
      const { control } = await readControl(home)
      const { file } = control.smtpplugins
      const means = meaningOf(word, home, io.cwd)
      const chosen = section === undefined ? {} : { section }
      const { changes } = await editList(home, file, (before) => disableLines(before, { means, ...chosen }))
      for (const change of changes) io.out(changed(file, change))
      const there = section === undefined ? '' : ` in [${printHook(section)}]`
      io.out(changes.length > 0 ? NEXT : `${printable(word)} is not enabled${there}: nothing was changed`)
    })
}

/** Changes the list while nobody else does, in one step. Rejects with HeliosError. */
async function editList(home: string, file: string, edit: (content: string) => ListEdit): Promise<ListEdit> {
  const path = resolve(home, file)
  return exclusively(home, () => {
    let content: string
    try {
      content = textOf(readFileSync(path))
    } catch (cause) {
      throw fileFailure('plugin-list', `cannot read ${path}`, cause)
    }
    const edited = edit(content)
    if (edited.changes.length === 0) return edited
    try {
      replaceFile(home, path, edited.content)
    } catch (cause) {
      throw fileFailure('plugin-list', `cannot change ${path}`, cause)
    }
    return edited
  })
}

/** In several sections, one after the other; earlier line numbers follow what is inserted above them. */
function enableAll(
  content: string, sections: readonly Section[], target: Target, shadow: boolean, means: (text: string) => boolean,
): ListEdit {
  const { options: { shadow: asked = false, ...options }, text } = target
  const changes: ListChange[] = []
  let edited = content
  for (const section of sections) {
    const before = edited.split('\n').length
    const step = enableLine(edited, { section, text, options, shadow: shadow || asked, means })
    const added = step.content.split('\n').length - before
    const [change] = step.changes
    edited = step.content
    if (change === undefined) continue
    for (const [index, earlier] of changes.entries()) {
      if (earlier.line >= change.line) changes[index] = { ...earlier, line: earlier.line + added }
    }
    changes.push(change)
  }
  return { content: edited, changes }
}

const DONE: Readonly<Record<ListChange['kind'], string>> = {
  added: 'added', uncommented: 'no longer commented out', changed: 'changed', commented: 'commented out',
}

function changed(file: string, { kind, line, section, text }: ListChange): string {
  return `${file}:${line}: [${printHook(section)}] ${printable(text)} ${DONE[kind]}`
}

function lineOf(content: string, section: Section, means: (text: string) => boolean): number {
  return parsePluginList(content).entries.find((entry) => entry.section === section && means(entry.text))?.line ?? 0
}

function meaning(target: Target, home: string): (text: string) => boolean {
  const wanted = identityOf(target.text, home)
  return (text) => text === target.text || identityOf(text, home) === wanted
}

/** Also for a plugin whose file is gone: its line is what must be found. */
function meaningOf(word: string, home: string, cwd: string): (text: string) => boolean {
  try {
    return meaning(findTarget(word, { home, cwd }), home)
  } catch (cause) {
    if (!(cause instanceof HeliosError) || cause.code !== 'unknown-plugin') throw cause
    const forms = new Set([word, `plugins/${word}`, ...['ts', 'sh', 'py'].map((end) => `plugins/${word}.${end}`)])
    return (text) => forms.has(text)
  }
}

/** What the list can name, and the server could start. Throws HeliosError. */
function requireLine({ kind, text }: Target, home: string): void {
  const [entry, ...more] = parsePluginList(`[rcpt]\n${text}`).entries
  if (entry?.text !== text || more.length > 0 || Object.keys(entry.options).length > 0) {
    throw refusal('plugin-line', `the list cannot name ${JSON.stringify(text)}: a line of it would mean something else`,
      'give the file a name that begins with a letter and does not end in a blank')
  }
  const why = kind === 'program' ? whyNotExecutable(text, home) : undefined
  if (why === undefined) return
  throw refusal('plugin-line', `${text} cannot be executed: ${why}`,
    `chmod +x ${text} and see that its first line names the interpreter, such as #!/bin/sh`)
}
