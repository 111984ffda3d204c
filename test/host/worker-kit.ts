/** Worker lines without a server: small programs of spp/2 in sh, and how they answered. */
import type { TestContext } from 'node:test'
import { workerLine, type WorkerOptions } from '../../core/host/runtimes/worker.ts'
import type { HookRequest, Line, RunResult } from '../../core/host/types.ts'
import type { Command } from '../../protocol/spp/command.ts'
import { startKit, type Kit } from './children-kit.ts'
import { entryOf, requestOf } from './runtimes-kit.ts'

/**
 * A worker that reads each request into its variables and runs `body` for it. `$1` and so on are the pairs, `$hook` the hook,
 * `$n` the number of the request, `$$` its process.
 */
export function looping(body: string): string {
  const readPairs = 'while read -r pair && [ "$pair" ]; do set -- "$@" "$pair"; done'
  return `:echo spp/2; n=0; while read -r hook; do set --; ${readPairs}; n=$((n+1)); ${body}; echo .; done`
}

/** Shell text that puts the value of a variable of the request into `$v`. */
export function valueOf(name: string): string {
  return `for pair do case $pair in ${name}=*) v=\${pair#*=} ;; esac; done`
}

/** As a body: with X=slow it writes its process id to `pid` and waits for a file `go`; then it answers with `text`. */
export function slowly(text: string): string {
  return `${valueOf('X')}; [ "$v" != slow ] || { echo $$ >pid; while [ ! -e go ]; do sleep 0.02; done; }; echo "${text}"`
}

export interface WorkerStage extends Kit {
  /** The line of `[helo]` unless another section is named; `text` has its options in front. */
  line(text: string, options?: Partial<WorkerOptions>, section?: string): Line
}

export async function workerStage(t: TestContext): Promise<WorkerStage> {
  const kit = await startKit(t)
  return {
    ...kit,
    line: (text, options = {}, section = 'helo') => workerLine({
      entry: entryOf(section, text), file: 'control/smtpplugins', home: kit.home, broker: kit.broker, log: kit.log, ...options,
    }),
  }
}

/** Asks with these variables. */
export async function ask(line: Line, env: Readonly<Record<string, string>> = {}, more: Partial<HookRequest> = {}): Promise<RunResult> {
  return line.run({ ...requestOf(line.hook, { env }), ...more })
}

export function print(text: string): Command {
  return { kind: 'P', text }
}

/** The text of the one `P` it answered; a fault is an error. */
export async function said(line: Line, env?: Readonly<Record<string, string>>): Promise<string> {
  const { commands, fault } = await ask(line, env)
  const [first] = commands
  if (fault !== undefined || first?.kind !== 'P') throw new Error(`no P but ${JSON.stringify({ commands, fault })}`)
  return first.text
}
