import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaultsDir } from '../paths.ts'
import type { Hook } from '../plugin/plugin.ts'
import { doubtScript } from './script-doubts.ts'

const reasons = (source: string, hook: Hook = 'rcpt'): readonly string[] => doubtScript(source, hook).map(({ line, reason }) => `${line}: ${reason}`)

test('an E or R without a code is a doubt, with its line', () => {
  assert.deepEqual(reasons('#!/bin/sh\n\necho "Error: no such user"\n'), [
    '3: "Error: no such user" is read as the command E with the rest as reply, which has no 4xx or 5xx code: a failure of the plugin',
  ])
  assert.equal(reasons("print('R')").length, 1)
  assert.equal(reasons('echo EError: $x').length, 1)
})

test('words that happen to begin with a command are doubts', () => {
  for (const source of [
    'echo "Done"', 'echo Done', "print('OK')", 'printf "All fine\\n"', 'puts "Not listed"', 'echo -n "Processing"', 'echo "Loaded"',
    'echo "Starting up"', 'echo "Checking ann"', 'echo "Hello there"', 'console.log("Deferred")', '[ -n "$X" ] && echo "OK"',
    'if x; then echo "OK"; fi',
  ]) {
    assert.equal(doubtScript(source, 'rcpt').length, 1, source)
  }
})

test('our own sections have consequences of their own', () => {
  for (const [hook, word, consequence] of [
    ['connection', 'Done', 'hangs up'], ['data', 'Done', 'hangs up'], ['message', 'Done', 'answers 250 and throws the message away'],
    ['deliver', 'Done', 'delivers nothing, and the message waits'], ['rcpt', 'OK', 'permits relaying'], ['message', 'OK', 'takes the message'],
    ['deliver', 'OK', 'says that the message is delivered'], ['message', 'All fine', 'takes the message'], ['deliver', 'All fine', 'delivers nothing'],
    ['message', 'Not listed', 'takes the message'], ['deliver', 'Not listed', 'not its own'],
  ] as const) {
    const [reason = ''] = reasons(`echo "${word}"`, hook)
    assert.ok(reason.includes(consequence), `${hook} ${word}: ${reason}`)
    if (hook === 'message' || hook === 'deliver') assert.ok(reason.includes(`in [+${hook}] `), reason)
  }
})

test('commands as they should be are none', () => {
  for (const source of [
    'echo "E550 no (#5.7.1)"', "print('R421 later')", 'echo E451-more', 'echo D', 'echo "A"',
    'printf "N\\n"', 'print("O")', 'echo "P250-hello"', 'echo "LR550 no"', 'echo SFOO=bar',
    'echo "Sfoo=bar"', 'echo "Cann@example.org"', 'echo "HX-Spam: yes"', 'echo "Hx-spam: yes"', 'echo "UFOO"',
    'echo "550 no"', 'echo "E$CODE $TEXT"', 'echo "$answer"', "print(f'E{code} no')", 'puts "E#{x}"',
  ]) assert.deepEqual(reasons(source), [], source)
})

test('what does not reach the server is none', () => {
  for (const source of [
    'echo "Done" >&2', 'echo "Done" >> /var/log/x', 'echo "Done" | logger', 'print("Done", file=sys.stderr)', '# echo "Done"',
    '// console.log("Done")', 'x=$(echo "Done")', 'grep Done file',
  ]) {
    assert.deepEqual(reasons(source), [], source)
  }
})

test('the example plugins of a new home raise none', () => {
  const directory = join(defaultsDir, 'plugins')
  for (const name of readdirSync(directory)) assert.deepEqual(reasons(readFileSync(join(directory, name), 'utf8')), [], name)
})
