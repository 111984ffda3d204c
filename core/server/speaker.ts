/** What a session begins with when a proxy speaks for its client (XCLIENT). */
import type { Speaker } from '../../protocol/smtp/xclient.ts'
import type { SmtpSession } from '../smtp/session.ts'

/** Gives the environment the client's name as the proxy knows it. Rules for names do not go by it: they want a confirmed one. */
export function speakFor(env: Record<string, string>, { name }: Speaker): void {
  if (name === null) delete env['TCPREMOTEHOST']
  else if (name !== undefined) env['TCPREMOTEHOST'] = name
}

/** What the client said to the proxy. */
export function spokenFor(session: SmtpSession, { helo, login, extended }: Speaker, userOf: (name: string) => string): void {
  if (typeof helo === 'string') {
    session.helo = helo
    session.env['SMTPHELOHOST'] = helo
  }
  if (extended !== undefined) session.extended = extended
  if (typeof login === 'string') {
    session.auth = { user: userOf(login), method: 'XCLIENT' }
    session.env['SMTPAUTHUSER'] = login
    session.env['SMTPAUTHMETHOD'] = 'XCLIENT'
    session.grantRelay(login)
  }
}
