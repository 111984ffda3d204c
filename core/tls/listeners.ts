/** The certificates of all listeners, as one generation has them. */
import type { Control } from '../../config/control.ts'
import type { Problem } from '../../config/problem.ts'
import type { ListenerSettings, Settings } from '../../config/settings.ts'
import type { TlsOptions } from '../../protocol/qmail/stunnel.ts'
import { loadCertificates, type Certificates, type LoadedCertificates } from './certificates.ts'

export const STUNNEL_FILE = 'control/smtpconfig-stunnel'

export interface ListenerCertificates {
  /** In the order of the listeners; undefined for one without TLS, and for all when there is an error among the problems. */
  readonly certificates: readonly (Certificates | undefined)[]
  readonly problems: readonly Problem[]
  /** What was read besides the control directory, absolute. */
  readonly files: readonly string[]
}

/** Reads what the listeners' TLS needs; each set of files once. Never rejects. */
export async function loadListenerCertificates(
  settings: Pick<Settings, 'home' | 'listeners' | 'file'>, control: Pick<Control, 'tls'>, now: number,
): Promise<ListenerCertificates> {
  const loads = new Map<TlsOptions, Promise<LoadedCertificates>>()
  const load = (options: TlsOptions, file: string): Promise<LoadedCertificates> => {
    const known = loads.get(options) ?? loadCertificates(options, { home: settings.home, file }, now)
    loads.set(options, known)
    return known
  }
  const shared = control.tls ?? { pairs: [] }
  const loaded = await Promise.all(settings.listeners.map(async ({ tls }) => {
    if (tls === false) return undefined
    return tls.options === undefined ? load(shared, STUNNEL_FILE) : load(tls.options, settings.file ?? 'settings')
  }))
  const all = await Promise.all(loads.values())
  const problems = [...all.flatMap((each) => each.problems), ...doubts(settings.listeners, control)]
  return { certificates: loaded.map((each) => each?.certificates), problems, files: [...new Set(all.flatMap(({ files }) => files))] }
}

function doubts(listeners: readonly ListenerSettings[], { tls }: Pick<Control, 'tls'>): Problem[] {
  if (tls === undefined || tls.pairs.length === 0 || listeners.some((listener) => listener.tls !== false && listener.tls.options === undefined)) return []
  return [{
    severity: 'warning', file: STUNNEL_FILE, reason: 'no listener uses this certificate, for none has "tls" without certificates of its own',
    mend: 'write "tls": "starttls" for a listener in the settings, or remove the file',
  }]
}
