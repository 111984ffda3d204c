/** Answers about accounts in the words of a trace. */
import type { Login } from './world.ts'

export function printAliases(aliases: readonly string[]): string {
  return aliases.length === 0 ? 'none' : aliases.join(' ')
}

export function printLogins(logins: readonly Login[]): string {
  return logins.length === 0 ? 'none' : logins.map(({ account, at }) => `${account} at ${at}`).join(', ')
}
