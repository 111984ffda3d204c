/** `helios plugin list` and `show`: what there is, what it is for, and where it is enabled. */
import type { Command } from 'commander'
import { readControl } from '../../../config/control.ts'
import { printOptions } from '../../../protocol/spp/options.ts'
import { printHook } from '../../../protocol/spp/transcript-words.ts'
import { HeliosError } from '../../error.ts'
import type { Declared } from '../../lab/lab.ts'
import { listedLines, type ListedLine } from '../../lab/listed.ts'
import { readPage, summaryOf } from '../../lab/page.ts'
import { loadBundled } from '../../host/runtimes/load-trusted.ts'
import { bundledPlugins, findTarget, identityOf, ownPlugins, type Target } from '../../lab/target.ts'
import { printable } from '../../trace/printable.ts'
import type { Io } from '../command.ts'
import { existingHome } from '../home.ts'
import { table } from '../table.ts'
import { endSoon, withLab } from './workbench.ts'

export function registerList(noun: Command, io: Io): void {
  noun.command('list').description('show bundled plugins and the home\'s, and where each is enabled').option('--json', 'as JSON')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const { home } = await existingHome(io)
      const { control } = await readControl(home)
      const lines = listedLines(control)
      const targets = [...ownPlugins(home), ...bundledPlugins()]
      const known = new Set(targets.map(({ text }) => identityOf(text, home)))
      const rows = await Promise.all(targets.map((target) => describe(target, lines, home)))
      // Shell lines, programs elsewhere, and what is listed and not there.
      const others = new Map(lines.filter(({ identity }) => !known.has(identity)).map((line) => [line.identity, line]))
      for (const [identity, { text }] of others) {
        rows.push({ name: text, from: 'the list', summary: '', enabled: lines.filter((line) => line.identity === identity).map(where) })
      }
      if (json === true) return io.out(JSON.stringify(rows, undefined, 2))
      const cells = rows.map(({ name, from, enabled, summary }) => [name, from, enabled.join(', ') || '-', summary].map(printable))
      for (const line of table([['PLUGIN', 'FROM', 'ENABLED', 'WHAT FOR'], ...cells])) io.out(line)
    })
}

interface Row {
  readonly name: string
  readonly from: string
  readonly enabled: readonly string[]
  readonly summary: string
}

async function describe(target: Target, lines: readonly ListedLine[], home: string): Promise<Row> {
  const identity = identityOf(target.text, home)
  // Of the home nothing is run to be listed: its pages say what plugins are for.
  const bundled = target.bundled ? await loadBundled(target.name) : undefined
  return {
    name: target.text, from: target.bundled ? 'bundled' : 'home', summary: bundled?.summary ?? summaryOf(readPage(target) ?? '') ?? '',
    enabled: lines.filter((line) => line.identity === identity).map(where),
  }
}

function where({ file, line, section, options }: ListedLine): string {
  const token = printOptions(options)
  return `${file}:${line} [${printHook(section)}]${token === '' ? '' : ` ${token}`}`
}

export function registerShow(noun: Command, io: Io): void {
  noun.command('show').description('show a plugin\'s page: what it is for, when it is asked, its settings and control files')
    .argument('<plugin>', 'its name or its file').option('--json', 'as JSON')
    .action(async (word: string, { json }: { readonly json?: boolean }) => {
      await withLab(io, async ({ settings: { home }, control, lab }) => {
        const target = findTarget(word, { home, cwd: io.cwd })
        const enabled = listedLines(control).filter(({ identity }) => identity === identityOf(target.text, home))
        // A page is there to be read even where the plugin does not load.
        const found = await lab.declared({ ...target, options: { ...enabled[0]?.options, ...target.options } }).catch(failure)
        const page = readPage(target)
        const [declared, trouble] = found instanceof HeliosError ? [undefined, found] : [found, undefined]
        if (json === true) {
          const { name, file, bundled } = target
          const shown = { name, file, bundled, ...declared, trouble: trouble?.message, enabled: enabled.map(where), page }
          return io.out(JSON.stringify(shown, undefined, 2))
        }
        for (const line of story(target, declared, enabled, trouble)) io.out(printable(line))
        if (page !== undefined) for (const line of ['', ...page.trimEnd().split('\n')]) io.out(printable(line))
      })
      endSoon()
    })
}

function failure(cause: unknown): HeliosError {
  if (cause instanceof HeliosError) return cause
  throw cause
}

function story(
  target: Target, declared: Declared | undefined, enabled: readonly ListedLine[], trouble: HeliosError | undefined,
): readonly string[] {
  const rows: (readonly [string, string])[] = [['file', `${target.file ?? target.text}${target.bundled ? ' (bundled)' : ''}`]]
  if (trouble !== undefined) rows.push(['trouble', `${trouble.message} (${trouble.mend})`])
  else if (declared === undefined) rows.push(['kind', 'a program: asked in whatever section its line stands'])
  else {
    rows.push(['sections', declared.hooks.map((hook) => `[${printHook(hook)}]`).join(' ')])
    for (const { name, about, form } of declared.settings) rows.push(['setting', `${name}: ${about} (${form})`])
    for (const { name, about } of declared.control) rows.push(['control', `control/${name}: ${about}`])
    if (declared.needs.length > 0) rows.push(['needs', declared.needs.join(' ')])
    if (declared.replaces.length > 0) rows.push(['replaces', `the built-in check ${declared.replaces.join(' ')}`])
  }
  for (const line of enabled) rows.push(['enabled', where(line)])
  if (enabled.length === 0) rows.push(['enabled', 'nowhere'])
  const title = declared === undefined ? target.name : `${target.name}: ${declared.summary}`
  return [title, ...rows.map(([what, text]) => `  ${what.padEnd(8)} ${text}`)]
}
