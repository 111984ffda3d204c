import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command } from 'commander'
import { alias } from './alias.ts'
import type { Io } from './command.ts'
import { db } from './db.ts'
import { domain } from './domain.ts'
import { dotqmail } from './dotqmail.ts'
import { addExamples, EXAMPLES } from './examples.ts'
import { finger } from './finger.ts'
import { notify } from './notify.ts'
import { exporting, importing } from './transfer.ts'
import { user } from './user.ts'

const NOUNS = [domain, user, alias, dotqmail, notify, finger, exporting, importing, db]

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (part) => { text += part } }).outputHelp()
  return text
}

test('every verb that looks after accounts has --json, and examples that begin as it is called', () => {
  const program = new Command('helios')
  for (const noun of NOUNS) noun.register(program, {} as Io, () => undefined)
  addExamples(program)
  const verbs = program.commands.flatMap((noun) => noun.commands.length === 0 ? [[noun.name(), noun] as const] : noun.commands.map((verb) => [`${noun.name()} ${verb.name()}`, verb] as const))
  assert.deepEqual(verbs.map(([words]) => words).toSorted(), Object.keys(EXAMPLES).toSorted())
  for (const [words, verb] of verbs) {
    assert.ok(verb.options.some(({ long }) => long === '--json'), words)
    const shown = /\nExamples?:\n((?: {2}.*\n)+)$/.exec(helpOf(verb))?.[1]
    assert.deepEqual(shown?.trimEnd().split('\n').filter((line) => !new RegExp(`^  (?:echo .* \\| )?helios ${words}`).test(line)), [], words)
  }
})
