/**
 * Programs whose environment, name or command has bytes that are not UTF-8. Node writes every string it gives to
 * execve as UTF-8, so these go through a small `/bin/sh` that reads its script from fd 0, rebuilds the bytes
 * with printf and becomes `env -i NAME=value… program`: only env takes names that are no shell identifiers.
 */
import { existsSync } from 'node:fs'
import { bytesOf } from '../../../protocol/text.ts'
import { withoutSearch } from './executable.ts'
import type { WireJob } from './wire.ts'

/** True when something of the job cannot be given to Node's spawn as it is. */
export function needsWrapper(job: WireJob): boolean {
  return !job.text.isWellFormed() || job.env.some((pair) => !pair.isWellFormed())
}

/** Where env stands, or undefined on a system without it. */
export function findEnv(): string | undefined {
  return ['/usr/bin/env', '/bin/env'].find((path) => existsSync(path))
}

/**
 * The script, in ASCII. The program's standard input, where the job names one, is expected on fd 3.
 * Command substitution drops line ends from the end of a value, so a dot stands there until it is taken off.
 */
export function wrapperScript(job: WireJob, env: string): string {
  const words = [...job.env, ...command(job)]
  return [
    // execve's refusal (E2BIG) must not look like the program's own status
    "trap 'exit 120' 0",
    'LC_ALL=C',
    'set --',
    ...words.flatMap(addWord),
    `exec ${env} -i -- "$@" ${job.stdin === undefined ? '</dev/null' : '<&3 3<&-'}`,
    '',
  ].join('\n')
}

function command(job: WireJob): readonly string[] {
  if (job.form === 'shell') return ['/bin/sh', '-c', job.text]
  const file = withoutSearch(job.text)
  // env would take such a name for another variable
  return file.includes('=') ? ['/bin/sh', '-c', 'exec "$0"', file] : [file]
}

function addWord(word: string): readonly string[] {
  // oxlint-disable-next-line no-control-regex -- what a shell takes literally between single quotes
  if (/^[\x01-\x7f]*$/.test(word)) return [`set -- "$@" '${word.replaceAll("'", "'\\''")}'`]
  return [`word=$(printf '${octal(word)}.')`, 'set -- "$@" "${word%.}"']
}

function octal(word: string): string {
  let out = ''
  for (const byte of bytesOf(word)) out += `\\${byte.toString(8).padStart(3, '0')}`
  return out
}
