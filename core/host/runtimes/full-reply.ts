/** The dialect from before the letter commands: a program prints a whole reply, or exits non-zero. Spec: spp-protocol 11, rules 1 to 6. */
import { checkCommand } from '../../../protocol/spp/harden.ts'
import { isReplyDialect } from '../../../protocol/spp/output.ts'
import { textOf } from '../../../protocol/text.ts'
import type { Hook } from '../../plugin/plugin.ts'
import type { Fault } from '../types.ts'

export interface FullReplyMode {
  readonly exit: number
  /** The line says `protocol=reply`; otherwise only what looks like a refusal is one. */
  readonly legacy: boolean
  readonly compat: boolean
  readonly hook: Hook
}

export type FullReply = {
  /** Output that changes nothing, for the log. */
  readonly discarded?: string
} & (
  /** `reply` is what refuses, its lines joined by LF. */
  | { readonly kind: 'reply'; readonly reply: string }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'accept' }
  /** Not this dialect: the output is commands. */
  | { readonly kind: 'none' }
)

/** Reads the output of a program that ended by itself, with a status other than 120 (rule 5 is the same as spp-protocol 6). */
export function readReply(output: Uint8Array, mode: FullReplyMode): FullReply {
  const refusal = isReplyDialect(output)
  if (refusal !== undefined) return refuse(refusal, mode)
  if (!mode.legacy) return { kind: 'none' }
  const lines = printedLines(output)
  if (mode.exit === 0) {
    return lines.length === 0 ? { kind: 'accept' } : { kind: 'accept', discarded: `it accepted, and printed ${JSON.stringify(lines[0])}` }
  }
  if (lines.length > 0) return refuse(lines, mode)
  return { kind: 'fault', fault: { kind: 'crashed', detail: `it ended with status ${mode.exit} and printed no reply` } }
}

function refuse(lines: readonly string[], mode: FullReplyMode): FullReply {
  const wrong = mode.compat ? undefined : faultIn(lines, mode.hook)
  return wrong === undefined
    ? { kind: 'reply', reply: lines.join('\n') }
    : { kind: 'fault', fault: { kind: 'bad-command', detail: wrong } }
}

function faultIn(lines: readonly string[], hook: Hook): string | undefined {
  for (const [index, text] of lines.entries()) {
    const wrong = checkCommand({ kind: index === lines.length - 1 ? 'E' : 'P', text }, hook)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function printedLines(output: Uint8Array): string[] {
  return textOf(output).split('\n').map((line) => line.replace(/\r$/, '')).filter((line) => line !== '')
}
