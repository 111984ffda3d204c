/** What a handler returned, taken apart: commands and edits, or what is wrong with it. Nothing is trusted to have its type. */
import type { Command } from '../../../protocol/spp/command.ts'
import type { Edit } from '../../plugin/message.ts'
import type { Hook } from '../../plugin/plugin.ts'
import type { RunResult } from '../types.ts'

type Fields = Readonly<Record<string, unknown>>

/** Never throws. Edits are an answer to `message` only. */
export function readAnswer(answer: unknown, hook: Hook): RunResult {
  if (answer === undefined) return NOTHING
  const commands: Command[] = []
  const edits: Edit[] = []
  for (const part of Array.isArray(answer) ? (answer as readonly unknown[]) : [answer]) {
    if (isCommand(part)) commands.push(part)
    else if (hook === 'message' && isEdit(part)) edits.push(part)
    else return bad(part, hook)
  }
  return edits.length === 0 ? { commands } : { commands, edits }
}

const NOTHING: RunResult = { commands: [] }

function bad(part: unknown, hook: Hook): RunResult {
  const what = hook === 'message' ? 'neither a command nor an edit' : isEdit(part) ? 'an edit, which only [+message] takes' : 'no command'
  return { commands: [], fault: { kind: 'bad-command', detail: `it answered ${shown(part)}, which is ${what}` } }
}

function isCommand(part: unknown): part is Command {
  if (!isFields(part)) return false
  switch (part['kind']) {
    case 'A': case 'N': case 'O': case 'D':
      return true
    case 'E': case 'R': case 'P': case 'H': case 'LM': case 'LR': case 'LD':
      return typeof part['text'] === 'string'
    case 'C':
      return typeof part['address'] === 'string'
    case 'S':
      return typeof part['name'] === 'string' && typeof part['value'] === 'string'
    case 'U':
      return typeof part['name'] === 'string'
    default:
      return false
  }
}

function isEdit(part: unknown): part is Edit {
  if (!isFields(part)) return false
  const index = part['index']
  const indexed = index === undefined || (Number.isInteger(index) && (index as number) >= 0)
  switch (part['edit']) {
    case 'insert':
      return typeof part['name'] === 'string' && typeof part['value'] === 'string' && (part['at'] === 'top' || part['at'] === 'bottom')
    case 'remove':
      return typeof part['name'] === 'string' && indexed
    case 'replace':
      return typeof part['name'] === 'string' && typeof part['value'] === 'string' && indexed
    case 'reversePath':
      return typeof part['address'] === 'string'
    case 'recipients':
      return Array.isArray(part['addresses']) && part['addresses'].every((address) => typeof address === 'string')
    default:
      return false
  }
}

function isFields(part: unknown): part is Fields {
  return typeof part === 'object' && part !== null
}

function shown(part: unknown): string {
  try {
    return (JSON.stringify(part) ?? String(part)).slice(0, 100)
  } catch {
    return typeof part
  }
}
