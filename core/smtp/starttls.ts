/** STARTTLS (RFC 3207), and the session once the handshake is done. */
import { tlsVariables, type TlsFacts } from '../tls/facts.ts'
import type { Dialogue } from './dialogue.ts'
import { replyAndSecure, type Reply } from './reply.ts'

export function starttls(dialogue: Dialogue, argument: string): Reply {
  if (dialogue.session.tls !== undefined) return dialogue.refuse('503 this connection has TLS already (#5.5.1)', 'built-in: order')
  if (!dialogue.offers.starttls) return dialogue.refuse('502 unimplemented (#5.5.1)', 'built-in: unknown command')
  if (argument !== '') return dialogue.refuse('501 STARTTLS takes no argument (#5.5.4)', 'built-in: syntax')
  return dialogue.say(replyAndSecure('220 ready for tls'))
}

/** TLS is on, by STARTTLS or from the beginning: what the client said in the clear is forgotten (RFC 3207 4.2). */
export function secured(dialogue: Dialogue, facts: TlsFacts): void {
  const { protocol, cipher, serverName, client } = facts
  dialogue.session.secure({ protocol, cipher }, tlsVariables(facts))
  dialogue.trace.add({
    event: 'tls', protocol, cipher,
    ...(serverName === undefined ? {} : { serverName }), ...(client === undefined ? {} : { client: client.subject, verified: client.verified }),
  })
}
