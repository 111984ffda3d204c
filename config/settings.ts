/**
 * The settings file (`helios.config.json` or `.yaml`): what needs a restart to change.
 * Everything else stands in the home's control directory.
 */
import type { Network } from '../protocol/network.ts'
import type { Mechanism } from '../protocol/sasl/mechanisms.ts'
import type { TlsOptions } from '../protocol/qmail/stunnel.ts'
import type { Limits } from './limits.ts'

export interface ListenerTls {
  /** `implicit`: TLS from the first byte (RFC 8314). `starttls`: begun by the client's STARTTLS (RFC 3207). */
  readonly mode: 'implicit' | 'starttls'
  /** The listener's own certificates; undefined: those of control/smtpconfig-stunnel. */
  readonly options: TlsOptions | undefined
}

export interface ListenerAuth {
  /** `tls`: once TLS is on. `always`: in the clear as well. */
  readonly when: 'tls' | 'always'
  /** In the order of EHLO. */
  readonly mechanisms: readonly Mechanism[]
}

export interface ListenerSettings {
  readonly service: 'smtp' | 'submission'
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** `qmail-spp`: to the byte as the original, without our hardenings. */
  readonly compat: 'qmail-spp' | false
  readonly tls: ListenerTls | false
  /** Whether clients may log in. On a submission listener they must. */
  readonly auth: ListenerAuth | false
  /** Proxies: each of their connections begins with a PROXY header, which says who the client is. */
  readonly proxy: readonly Network[]
  /** Clients that may speak for others by XCLIENT. */
  readonly xclient: readonly Network[]
}

export interface DnsSettings {
  /** Addresses of name servers, with a port where it is not 53: `192.0.2.53`, `[2001:db8::53]:5353`. Empty: the system's. */
  readonly servers: readonly string[]
  /** Seconds one question may take in all. */
  readonly timeoutSeconds: number
  /** Memory that kept replies may take. */
  readonly cacheBytes: number
  /** What the lines of one hook may ask together; each half of what those before it left. */
  readonly questionsPerHook: number
  /** Seconds that the questions of one hook may take together; those of a line half of what the lines before it left. */
  readonly secondsPerHook: number
}

export interface Settings {
  /** Absolute path of the home. */
  readonly home: string
  readonly listeners: readonly ListenerSettings[]
  /** User to become after binding when started as root; undefined: stay. */
  readonly user: string | undefined
  /** Server processes that serve sessions; 1: the server itself does. */
  readonly workers: number
  /** Seconds without a word after which one of several processes is taken for stuck and replaced. */
  readonly stuckSeconds: number
  readonly trace: {
    readonly enabled: boolean
    /** Bytes all trace files together may take. */
    readonly maxBytes: number
    /** Free bytes on the disk below which the trace stops. */
    readonly minFreeBytes: number
  }
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly pretty: boolean | 'auto' }
  readonly dns: DnsSettings
  readonly limits: Limits
  /** Where plugins' memory is: `store.db` in the home, the server that the accounts are on, or the process itself. */
  readonly store: 'file' | 'accounts' | 'memory'
  /** `detect`: a program's first output line that looks like a 4xx or 5xx reply refuses. `off`: as the original. */
  readonly replyDialect: 'detect' | 'off'
  /** Path of the file the settings came from; undefined: defaults only. */
  readonly file: string | undefined
}
