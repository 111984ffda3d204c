/**
 * The heart of the house: what one hook's lines answered becomes one verdict. `settle` is pure and turns
 * one line's run into what it changes and where it leads; `askChain` walks the lines in file order.
 * Spec: spp-protocol 5, 6, 9; where a listener is not in compat mode, design's hardenings apply.
 */
import type { Command } from '../../protocol/spp/command.ts'
import { checkCommand, trimTrailingCr } from '../../protocol/spp/harden.ts'
import { printCommand } from '../../protocol/spp/output.ts'
import { editProblem } from '../message/edits.ts'
import type { Edit } from '../plugin/message.ts'
import type { Hook } from '../plugin/plugin.ts'
import { hookEvent, recordAsked } from '../trace/types.ts'
import type { Fault, HookRequest, Line, RunResult, Verdict } from './types.ts'

/** What commands act on: the part of a session that outlives a hook (spp-protocol 9). */
export interface SppState {
  /** No qmail-spp hook is asked any more (`NOSPP`, `A`). */
  off: boolean
  setVariable(name: string, value: string): void
  unsetVariable(name: string): void
  addHeader(hook: Hook, text: string): void
  deferError(kind: 'LM' | 'LR' | 'LD', text: string): void
  changeAddress(hook: 'mail' | 'rcpt', address: string): void
}

/** What one line's run amounts to. */
export interface Settlement {
  /** Commands that change the session, in order. */
  readonly apply: readonly Command[]
  readonly replies: readonly string[]
  readonly outcome: 'next' | Verdict['kind']
  readonly edits: readonly Edit[]
  /** The run's failure, or what hardening found in its answer. */
  readonly fault?: Fault
}

const GO_ON: Verdict = { kind: 'go-on', replies: [] }
const NOTHING: Settlement = { apply: [], replies: [], outcome: 'next', edits: [] }
const PLUS_HOOKS: ReadonlySet<Hook> = new Set<Hook>(['message', 'deliver'])

/**
 * Asks the lines of one hook and applies what they answer to the state. Answers at once when no line waits.
 * Never rejects: a line that throws is that line's fault.
 */
export function askChain(lines: readonly Line[], request: HookRequest, state: SppState, compat: boolean): Verdict | Promise<Verdict> {
  if (lines.length === 0 || (state.off && !PLUS_HOOKS.has(request.hook))) return GO_ON
  return walk(lines, 0, request, state, compat, [], [])
}

function walk(
  lines: readonly Line[], from: number, request: HookRequest, state: SppState, compat: boolean, replies: string[], edits: Edit[],
): Verdict | Promise<Verdict> {
  for (let index = from; index < lines.length; index++) {
    const line = lines[index]!
    const started = performance.now()
    const result = runLine(line, request)
    if (result instanceof Promise) {
      return result.catch(thrown).then((late) =>
        take(line, late, started) ?? walk(lines, index + 1, request, state, compat, replies, edits))
    }
    const verdict = take(line, result, started)
    if (verdict !== undefined) return verdict
  }
  return { kind: 'go-on', replies, edits }

  function take(line: Line, result: RunResult, started: number): Verdict | undefined {
    const ms = performance.now() - started
    if (saysNothing(result)) {
      recordAsked(request.trace, line, ms)
      return undefined
    }
    const settled = settle(line, result, compat)
    record(line, result, settled, request, ms)
    for (const command of settled.apply) apply(command, request.hook, state)
    replies.push(...settled.replies)
    edits.push(...settled.edits)
    return settled.outcome === 'next' ? undefined : { kind: settled.outcome, replies, edits, line }
  }
}

/** Most lines most of the time: nothing to settle. */
function saysNothing({ commands, edits, fault, reply, exit, complaint }: RunResult): boolean {
  return commands.length === 0 && fault === undefined && reply === undefined && edits === undefined && exit === undefined && complaint === undefined
}

function runLine(line: Line, request: HookRequest): RunResult | Promise<RunResult> {
  try {
    return line.run(request)
  } catch (cause) {
    return thrown(cause)
  }
}

function thrown(cause: unknown): RunResult {
  return { commands: [], fault: { kind: 'threw', detail: cause instanceof Error ? cause.message : String(cause) } }
}

/** Pure: from one run to what it changes and where it leads. */
export function settle(line: Line, result: RunResult, compat: boolean): Settlement {
  const settled = compat && !PLUS_HOOKS.has(line.hook) ? settleAsOriginal(line, result) : settleHardened(line, result)
  return line.options.shadow === true
    ? { ...NOTHING, ...(settled.fault === undefined ? {} : { fault: settled.fault }) }
    : settled
}

/** To the letter of spp-protocol 6: commands have taken effect before the child's fate is looked at. */
function settleAsOriginal(line: Line, result: RunResult): Settlement {
  const read = interpret(line.hook, result)
  if (result.fault === undefined) return read
  return fail(line, result.fault, read.apply, read.replies)
}

/** A failed run leaves nothing behind, and what no client should be sent is a failure of the plugin. */
function settleHardened(line: Line, result: RunResult): Settlement {
  if (result.fault !== undefined) return fail(line, result.fault, [], [])
  const commands = result.commands.map(trimTrailingCr)
  for (const command of commands) {
    const reason = checkCommand(command, line.hook)
    if (reason !== undefined) {
      return fail(line, { kind: 'bad-command', detail: `${printCommand(command)}: ${reason}` }, [], [])
    }
  }
  for (const edit of result.edits ?? []) {
    const reason = editProblem(edit)
    if (reason !== undefined) return fail(line, { kind: 'bad-command', detail: reason }, [], [])
  }
  return interpret(line.hook, { ...result, commands })
}

function interpret(hook: Hook, result: RunResult): Settlement {
  const apply: Command[] = []
  const replies: string[] = []
  const fields: string[] = []
  const reached = (outcome: Settlement['outcome']): Settlement =>
    ({ apply, replies, outcome, edits: [...(result.edits ?? []), ...fieldEdits(fields)] })
  if (result.reply !== undefined) {
    replies.push(...result.reply.split('\n'))
    return reached('refuse')
  }
  for (const command of result.commands) {
    switch (command.kind) {
      case 'P':
        replies.push(command.text)
        break
      case 'H':
        if (hook === 'message') fields.push(command.text)
        else apply.push(command)
        break
      case 'E':
        replies.push(command.text)
        return reached('refuse')
      case 'R':
        replies.push(command.text)
        return reached('hang-up')
      case 'D':
        return reached('hang-up')
      case 'A':
        apply.push(command)
        return reached('go-on')
      case 'N':
        return reached(hook === 'deliver' ? 'next' : 'go-on')
      case 'O':
        return reached('skip-checks')
      default:
        apply.push(command)
    }
  }
  return reached('next')
}

/** `H` lines of `+message` as insertions at the top that come out in the order they were given. */
function fieldEdits(lines: readonly string[]): Edit[] {
  const fields: string[] = []
  for (const line of lines) {
    if (/^[ \t]/.test(line) && fields.length > 0) fields.push(`${fields.pop()}\n${line}`)
    else fields.push(line)
  }
  return fields.reverse().map((field) => {
    const colon = field.indexOf(':')
    return { edit: 'insert', name: field.slice(0, colon), value: field.slice(colon + 1), at: 'top' }
  })
}

function fail(line: Line, fault: Fault, apply: readonly Command[], replies: readonly string[]): Settlement {
  switch (line.options.onerror ?? 'tempfail') {
    case 'open':
      return { apply, replies, outcome: 'next', edits: [], fault }
    case 'refuse':
      return { apply, replies: [...replies, faultReply(line, fault, '554', '#5.3.0')], outcome: 'refuse', edits: [], fault }
    case 'tempfail':
      return { apply, replies: [...replies, faultReply(line, fault, '451', '#4.3.0')], outcome: 'refuse', edits: [], fault }
  }
}

/** The original's words where it has them (spp-protocol 6), else words of their kind. */
function faultReply(line: Line, fault: Fault, code: string, status: string): string {
  return `${code} qmail-spp failure: ${line.text}: ${FAULT_WORDS[fault.kind]} (${status})`
}

export const FAULT_WORDS: Readonly<Record<Fault['kind'], string>> = {
  'crashed': 'child crashed',
  'cannot-execute': "can't execute",
  'cannot-start': 'fork() failed',
  'timed-out': 'timed out',
  'too-much-output': 'too much output',
  'bad-command': 'bad command',
  'threw': 'failed',
  'unavailable': 'unavailable',
}

function apply(command: Command, hook: Hook, state: SppState): void {
  switch (command.kind) {
    case 'A':
      if (!PLUS_HOOKS.has(hook)) state.off = true
      return
    case 'S':
      return state.setVariable(command.name, command.value)
    case 'U':
      return state.unsetVariable(command.name)
    case 'H':
      return state.addHeader(hook, command.text)
    case 'C':
      if (hook === 'mail' || hook === 'rcpt') state.changeAddress(hook, command.address)
      return
    case 'LM': case 'LR': case 'LD':
      return state.deferError(command.kind, command.text)
  }
}

function record(line: Line, result: RunResult, settled: Settlement, request: HookRequest, ms: number): void {
  const commands = result.reply === undefined ? result.commands.map(printCommand) : result.reply.split('\n')
  if (settled.fault === undefined && result.exit === undefined && result.complaint === undefined && line.options.shadow !== true) {
    return recordAsked(request.trace, line, ms, commands)
  }
  request.trace.add({
    ...hookEvent(line, ms, commands),
    ...(settled.fault === undefined ? {} : { fault: settled.fault.kind, detail: settled.fault.detail }),
    ...(result.exit === undefined ? {} : { exit: result.exit }),
    ...(result.complaint === undefined ? {} : { complaint: result.complaint }),
  })
}
