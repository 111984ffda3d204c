/** Doubts about listeners: who cannot log in there, and who may say too much. */
import { isLoopback, type Network } from '../protocol/network.ts'
import type { Problem } from './problem.ts'
import type { ListenerSettings, Settings } from './settings.ts'

export function checkExposure({ listeners, file }: Pick<Settings, 'listeners' | 'file'>): readonly Problem[] {
  return listeners.flatMap((listener, index) => doubtsOf(listener).map(({ reason, mend }): Problem =>
    ({ severity: 'warning', file: file ?? 'settings', reason: `listeners[${index}]: ${reason}`, mend })))
}

function doubtsOf({ service, host, tls, auth, proxy, xclient }: ListenerSettings): readonly Pick<Problem, 'reason' | 'mend'>[] {
  const doubts: Pick<Problem, 'reason' | 'mend'>[] = []
  if (service === 'submission' && auth === false) {
    doubts.push({ reason: 'nobody can log in here, and whoever has no RELAYCLIENT must: "auth" is false', mend: 'leave "auth" out, or write "service": "smtp"' })
  } else if (service === 'submission' && tls === false && auth !== false && auth.when === 'tls') {
    doubts.push({
      reason: 'nobody can log in here, and whoever has no RELAYCLIENT must: logins need TLS, and this listener has none',
      mend: 'write "tls": "starttls", or "auth": "always" where TLS ends in front of this server',
    })
  }
  // Behind a proxy, which a listener for the world is not, TLS may have ended.
  if (auth !== false && auth.when === 'always' && tls === false && proxy.length === 0 && xclient.length === 0 && !isLoopback(host)) {
    doubts.push({ reason: 'passwords come in the clear, for whoever is on the way to read', mend: 'write "tls": "starttls", and leave "auth": "always" out' })
  }
  for (const [name, networks] of [['proxy', proxy], ['xclient', xclient]] as const) {
    if (networks.some(isEverybody)) {
      doubts.push({
        reason: `"${name}" is everybody, so every client may say which address it comes from${name === 'xclient' ? ', and whose login it has' : ''}: no rule or limit means anything then`,
        mend: 'name the addresses of your proxies only',
      })
    }
  }
  return doubts
}

const isEverybody = ({ bits }: Network): boolean => bits === 0
