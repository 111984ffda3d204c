/** `helios plugin new`: a plugin to begin with, its test and its page. */
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Section } from '../../../protocol/spp/list.ts'
import { printHook } from '../../../protocol/spp/transcript-words.ts'
import { fileFailure, refusal } from '../../accounts/errors.ts'
import { asOwner, makeDirectory } from '../../accounts/ownership.ts'
import { LANGUAGES, scaffold, type Language, type NewFile } from '../../lab/scaffold.ts'
import { bundledPlugins } from '../../lab/target.ts'
import type { Io } from '../command.ts'
import { existingHome } from '../home.ts'
import { writeEditorFiles } from './editor.ts'
import { readHook } from './workbench.ts'

interface NewOptions {
  readonly lang: Language
  readonly hook: Section
}

export function registerNew(noun: Command, io: Io): void {
  noun.command('new').description('write a new plugin into the home, with a test and a page; nothing is overwritten')
    .argument('<name>', 'letters, digits, "-" and "_"', readName)
    .addOption(new Option('--lang <language>', 'what to write it in').choices(LANGUAGES).default('ts'))
    .option('--hook <name>', 'when it is asked', readHook, 'rcpt')
    .action(async (name: string, { lang, hook }: NewOptions) => {
      const { home } = await existingHome(io)
      if (lang === 'ts' && bundledPlugins().some((bundled) => bundled.name === name)) {
        throw refusal('plugin-exists', `a bundled plugin is called ${name}, and yours would take its place`, 'choose another name')
      }
      const { files, tryWith } = scaffold(name, lang, hook)
      write(home, files)
      for (const path of [...files.map((file) => file.path), ...writeEditorFiles(home)]) io.out(path)
      const section = lang === 'ts' ? '' : ` --section ${printHook(hook)}`
      io.out(`next: helios plugin test ${name}`)
      io.out(`      helios plugin try ${name} ${tryWith}`)
      io.out(`      helios plugin enable ${name}${section}`)
    })
}

/** All of them or none. Throws HeliosError. */
function write(home: string, files: readonly NewFile[]): void {
  asOwner(home, () => writeAll(home, files))
}

function writeAll(home: string, files: readonly NewFile[]): void {
  const there = files.find(({ path }) => existsSync(join(home, path)))
  if (there !== undefined) {
    throw refusal('plugin-exists', `${join(home, there.path)} is there already`, 'choose another name: nothing is overwritten')
  }
  const begun: string[] = []
  try {
    makeDirectory(home, join(home, 'plugins'))
    for (const { path, content, executable } of files) {
      const file = join(home, path)
      // With `wx` this one is ours or nobody's.
      const fd = openSync(file, 'wx', executable ? 0o755 : 0o644)
      begun.push(file)
      try {
        writeFileSync(fd, content)
      } finally {
        closeSync(fd)
      }
    }
  } catch (cause) {
    for (const file of begun) rmSync(file, { force: true })
    throw fileFailure('plugin-new', `cannot write into ${join(home, 'plugins')}`, cause)
  }
}

function readName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(text)) return text
  throw new InvalidArgumentError('Write letters, digits, "-" and "_", a letter or digit first.')
}
