/** `helios plugin test`: runs a plugin's test file. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { readControl } from '../../../config/control.ts'
import { ConfigError } from '../../../config/error.ts'
import { parseTranscript, type Transcript } from '../../../protocol/spp/transcript.ts'
import { textOf } from '../../../protocol/text.ts'
import { refusal } from '../../accounts/errors.ts'
import { findTarget, type Target } from '../../lab/target.ts'
import { runTranscript, type CaseResult } from '../../lab/test.ts'
import { becomeOwner } from '../../server/user.ts'
import { printable } from '../../trace/printable.ts'
import type { Io } from '../command.ts'
import { existingHome } from '../home.ts'
import { counted } from '../table.ts'
import { endSoon } from './workbench.ts'

export function registerTest(noun: Command, io: Io, exit: (status: number) => void): void {
  noun.command('test').description('run a plugin\'s test file; exit status 1 when a case fails')
    .argument('<plugin>', 'its name, its file, or a shell line such as \':echo N\'; options may stand before it, as in the list')
    .argument('[file]', 'the test file (default: NAME.test.txt beside the plugin)')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nA plugin in TypeScript is run in this process, whatever its line in the list says: test only what you trust.')
    .action(async (word: string, given: string | undefined, options: { readonly json?: boolean }) => {
      const settings = await existingHome(io)
      becomeOwner(settings.home)
      const target = findTarget(word, { home: settings.home, cwd: io.cwd })
      const path = given === undefined ? testFileOf(target) : resolve(io.cwd, given)
      const file = near(io.cwd, path)
      const { control } = await readControl(settings.home)
      const results = await runTranscript(readTranscript(path, file), target, { settings, control })
      const failed = results.filter(({ passed }) => !passed).length
      if (failed > 0) exit(1)
      if (options.json === true) io.out(JSON.stringify({ plugin: target.text, file, cases: results }, undefined, 2))
      else {
        for (const result of results) for (const line of report(file, result)) io.out(line)
        io.out(`${printable(target.text)}: ${counted(results.length, 'case')}, ${failed === 0 ? 'all passed' : `${failed} failed`}`)
      }
      endSoon()
    })
}

/** Where a plugin's test file stands. Throws HeliosError where there is none. */
function testFileOf({ file, name, text }: Target): string {
  if (file === undefined) {
    throw refusal('test-file', 'a shell line has no test file of its own', 'name one behind it')
  }
  const path = join(dirname(file), `${name}.test.txt`)
  if (existsSync(path)) return path
  throw refusal('test-file', `${text} has no test file: there is no ${path}`,
    'write one (docs/testing-plugins.md says how), or name it behind the plugin')
}

function readTranscript(path: string, file: string): Transcript {
  let content: string
  try {
    content = textOf(readFileSync(path))
  } catch (cause) {
    throw refusal('test-file', `cannot read ${file}: ${(cause as Error).message}`, 'name a test file')
  }
  const { transcript, problems } = parseTranscript(content)
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => ({ severity: 'error', file, ...problem })))
  if (transcript.cases.length > 0) return transcript
  // A test that tests nothing must not pass.
  throw refusal('test-file', `${file} holds no case`, 'docs/testing-plugins.md says how to write one')
}

function report(file: string, { line, title, passed, expected, got, remarks }: CaseResult): readonly string[] {
  if (passed) return [`ok      ${printable(title)}`]
  return [
    `FAILED  ${printable(title)} (${printable(file)}:${line})`,
    ...expected.map((text) => `  expected  ${printable(text)}`),
    ...got.map((text) => `  got       ${printable(text)}`),
    ...remarks.map((text) => `            ${printable(text)}`),
  ]
}

function near(cwd: string, path: string): string {
  const way = relative(cwd, path)
  return way.startsWith('..') ? join(dirname(path), basename(path)) : way
}
