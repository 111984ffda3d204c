/** A new plugin with its test and its page: small, and true from the first moment. */
import type { Hook } from '../plugin/plugin.ts'
import { printTranscript } from '../../protocol/spp/transcript-print.ts'
import { NOTHING_GIVEN, type Given, type Transcript } from '../../protocol/spp/transcript.ts'
import { printHook } from '../../protocol/spp/transcript-words.ts'

export const LANGUAGES = ['ts', 'sh', 'python'] as const
export type Language = (typeof LANGUAGES)[number]

export interface NewFile {
  /** Relative to the home. */
  readonly path: string
  readonly content: string
  readonly executable: boolean
}

export interface Scaffold {
  /** The plugin first. */
  readonly files: readonly NewFile[]
  /** Options of `helios plugin try` that make it answer. */
  readonly tryWith: string
}

/** What a hook's example looks at, and what it says. */
interface Example {
  /** The variable of programs and of tests. */
  readonly variable: string
  /** Where programs are told the same under another name. */
  readonly programVariable?: string
  /** The same for a handler. */
  readonly field: string
  readonly bad: string
  readonly good: string
  /** As a program prints it. */
  readonly command: string
  readonly does: string
  readonly tryWith: string
}

const SENDER = {
  variable: 'SMTPMAILFROM', field: 'session.reversePath', bad: 'nobody@far.example', good: 'joe@far.example',
  command: 'E550 sorry, not from nobody (#5.7.1)', does: 'Refuses mail from nobody@far.example.', tryWith: '--from nobody@far.example',
} satisfies Example
const RECIPIENT = {
  variable: 'SMTPRCPTTO', field: 'session.recipient', bad: 'nobody@local.example', good: 'joe@local.example',
  command: 'E550 sorry, nobody is not here (#5.1.1)', does: 'Refuses mail for nobody@local.example.', tryWith: '--to nobody@local.example',
} satisfies Example

const EXAMPLES: Readonly<Record<Hook, Example>> = {
  connection: {
    variable: 'TCPREMOTEIP', field: 'session.client.ip', bad: '192.0.2.66', good: '192.0.2.1',
    command: 'R554 sorry, not from there (#5.7.1)', does: 'Sends the client at 192.0.2.66 away.', tryWith: '--ip 192.0.2.66',
  },
  helo: {
    variable: 'SMTPHELOHOST', field: 'session.helo', bad: 'nobody.example', good: 'mail.far.example',
    command: 'E550 sorry, nobody is called that (#5.7.1)', does: 'Refuses clients that call themselves nobody.example.',
    tryWith: '--helo nobody.example',
  },
  auth: {
    variable: 'SMTPAUTHUSER', field: 'session.auth?.user', bad: 'nobody@local.example', good: 'joe@local.example',
    command: 'E535 sorry, nobody may not log in (#5.7.8)', does: 'Refuses the login of nobody@local.example.',
    tryWith: '--to nobody@local.example',
  },
  mail: SENDER, data: SENDER, message: SENDER,
  rcpt: RECIPIENT, pass: RECIPIENT, deliver: { ...RECIPIENT, programVariable: 'RECIPIENT', does: 'Bounces mail for nobody@local.example.' },
}

/** Its files, none of which is written yet. */
export function scaffold(name: string, language: Language, hook: Hook): Scaffold {
  const example = EXAMPLES[hook]
  const file = `${name}${ENDS[language]}`
  const text = language === 'ts' ? name : `plugins/${file}`
  const plugin = PLUGINS[language](name, hook, example)
  return {
    tryWith: `--hook ${printHook(hook)} ${example.tryWith}`,
    files: [
      { path: `plugins/${file}`, content: plugin, executable: language !== 'ts' },
      { path: `plugins/${name}.test.txt`, content: printTranscript(testOf(hook, example)), executable: false },
      { path: `plugins/${name}.md`, content: pageOf(name, text, hook, example), executable: false },
    ],
  }
}

const ENDS: Readonly<Record<Language, string>> = { ts: '.ts', sh: '.sh', python: '.py' }

const PLUGINS: Readonly<Record<Language, (name: string, hook: Hook, example: Example) => string>> = {
  ts: (name, hook, { field, bad, command, does }) => `/** ${does} */
import { definePlugin, ${command.startsWith('R') ? 'hangUp' : 'error'} } from 'helios-mail/plugin'

export default definePlugin({
  name: '${name}',
  summary: '${does}',
  ${hook}: ({ session }) =>
    ${field} === '${bad}' ? ${command.startsWith('R') ? 'hangUp' : 'error'}('${command.slice(1)}') : undefined,
})
`,
  sh: (_name, _hook, { variable, programVariable = variable, bad, command, does }) => `#!/bin/sh
# ${does}
case "$${programVariable}" in
  ${bad}) echo '${command}' ;;
esac
`,
  python: (_name, _hook, { variable, programVariable = variable, bad, command, does }) => `#!/usr/bin/env python3
"""${does}"""
import os

if os.environ.get("${programVariable}") == "${bad}":
    print("${command}")
`,
}

function testOf(hook: Hook, { variable, bad, good, command, does }: Example): Transcript {
  const given = (value: string): Given => ({ ...NOTHING_GIVEN, env: [[variable, value]] })
  return {
    always: { ...NOTHING_GIVEN, hook },
    cases: [
      { line: 0, title: lower(does), given: given(bad), expected: { answer: [command] } },
      { line: 0, title: 'has nothing against anybody else', given: given(good), expected: { answer: [] } },
    ],
  }
}

function lower(sentence: string): string {
  return sentence[0]!.toLowerCase() + sentence.slice(1).replace(/\.$/, '')
}

function pageOf(name: string, text: string, hook: Hook, { does, command }: Example): string {
  return `# ${name}

${does}

## Switch it on

\`control/smtpplugins\`:

    [${printHook(hook)}]
    ${text}

## Replies

| reply | when |
|---|---|
| \`${command.slice(1)}\` | always, for now |

## Test it

    helios plugin test ${name}
`
}
