/** XCLIENT: from the networks a listener names, the session begins anew as that of somebody else (Postfix's XCLIENT_README). */
import { parseXclient } from '../../protocol/smtp/xclient.ts'
import type { Dialogue } from './dialogue.ts'
import type { Reply } from './reply.ts'

export function xclient(dialogue: Dialogue, argument: string): Reply {
  const { session } = dialogue
  if (!mayXclient(dialogue)) return dialogue.refuse('550 XCLIENT is not for you (#5.7.0)', 'built-in: xclient of the listener')
  if (session.open) return dialogue.refuse('503 a message is under way (#5.5.1)', 'built-in: order')
  const speaker = parseXclient(argument)
  if (speaker === undefined) return dialogue.refuse('501 these attributes are not understood (#5.5.4)', 'built-in: syntax')
  // The greeting of the new session is the reply.
  return { text: '', next: 'restart', speaker }
}

/** Not under TLS: its facts are the proxy's and not the client's. */
export function mayXclient({ xclient: named, session }: Dialogue): boolean {
  return named && session.tls === undefined
}
