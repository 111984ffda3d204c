/**
 * What a handler returns. Commands are plain data; these functions only spell them.
 * Texts carry their own reply code, as in qmail-spp: `error('550 no (#5.7.1)')`.
 */
import type { Command } from '../../protocol/spp/command.ts'

/** Refuse with this reply: a 4xx asks the client to come back, a 5xx never. */
export const error = (text: string): Command => ({ kind: 'E', text })
/** Send this reply and end the connection. */
export const hangUp = (text: string): Command => ({ kind: 'R', text })
/** End the connection without a word; in `+message`: answer 250 and discard. */
export const drop = (): Command => ({ kind: 'D' })
/** This hook is done: later lines are not asked, built-in checks still apply. */
export const done = (): Command => ({ kind: 'N' })
/** This hook is done and the built-in check is skipped (at RCPT this permits relaying); in `+deliver`: delivered. */
export const ok = (): Command => ({ kind: 'O' })
/** No qmail-spp hook is asked any more in this connection. */
export const acceptAll = (): Command => ({ kind: 'A' })
/** A line of the reply, before the last one, such as `250-hello`. */
export const print = (text: string): Command => ({ kind: 'P', text })
/** Add a header line to the message of this transaction. */
export const header = (text: string): Command => ({ kind: 'H', text })
/** Replace the address of the current MAIL or RCPT. */
export const changeAddress = (address: string): Command => ({ kind: 'C', address })
/** Set a variable of the session environment, seen by all later plugins of the session. */
export const set = (name: string, value: string): Command => ({ kind: 'S', name, value })
/** Unset a variable of the session environment. */
export const unset = (name: string): Command => ({ kind: 'U', name })
/** Refuse the next (and every later) MAIL, RCPT or DATA of the session with this reply. */
export const defer = (phase: 'mail' | 'rcpt' | 'data', text: string): Command =>
  ({ kind: phase === 'mail' ? 'LM' : phase === 'rcpt' ? 'LR' : 'LD', text })

export type { Command } from '../../protocol/spp/command.ts'
