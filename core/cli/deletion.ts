/** Deleting says what it will delete, and wants `--yes` when mail would go. */
import type { Deletion } from '../api/index.ts'
import { refusal } from '../accounts/errors.ts'
import type { Io } from './command.ts'
import { printable } from '../trace/printable.ts'
import { counted } from './table.ts'

/** What would go, or has gone, in lines. */
export function describeDeletion({ users, messages, aliases, kept }: Deletion): readonly string[] {
  return [
    ...users.map(({ login, domain }) => `user ${login}@${domain}`),
    ...(messages === 0 ? [] : [counted(messages, 'message')]),
    ...aliases.map((alias) => `where alias ${alias} leads here`),
    ...kept.map((home) => `(kept: ${home}, which is not below the mail directory)`),
  ].map(printable)
}

/** Throws HeliosError `not-confirmed` when mail or several users would go and nobody said `--yes`. */
export function requireYes(io: Io, what: string, deletion: Deletion, yes: boolean): void {
  if (yes || (deletion.messages === 0 && deletion.users.length <= 1)) return
  for (const line of describeDeletion(deletion)) io.err(`would delete: ${line}`)
  throw refusal('not-confirmed', `deleting ${what} takes ${counted(deletion.users.length, 'user')} and ${counted(deletion.messages, 'message')} along; nothing was deleted`, 'add --yes if that is meant')
}
