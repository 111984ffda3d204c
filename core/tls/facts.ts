/** What a finished handshake says of the connection, and the variables that plugins see of it. */
import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

export interface TlsFacts {
  /** `TLSv1.3`. */
  readonly protocol: string
  /** OpenSSL's name of the suite. */
  readonly cipher: string
  /** What the client asked for (RFC 6066 3). */
  readonly serverName?: string
  /** The client's certificate, where one was asked for and shown. */
  readonly client?: { readonly subject: string; readonly sha256: string; readonly verified: boolean }
}

export function factsOf(socket: TLSSocket): TlsFacts {
  const { servername } = socket
  const shown = socket.getPeerX509Certificate()
  return {
    protocol: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher()?.name ?? 'unknown',
    ...(typeof servername === 'string' && servername !== '' ? { serverName: servername } : {}),
    ...(shown === undefined ? {} : {
      client: {
        subject: shown.subject.replaceAll('\n', ', '), sha256: createHash('sha256').update(shown.raw).digest('hex'), verified: socket.authorized,
      },
    }),
  }
}

export const TLS_VARIABLES = ['SSL_PROTOCOL', 'SSL_CIPHER', 'SSL_TLS_SNI_SERVERNAME', 'SSL_CLIENT_VERIFY', 'SSL_CLIENT_S_DN', 'SSL_PEER_CERT_SUBJECT', 'SSL_PEER_CERT_HASH'] as const
export type TlsVariables = Readonly<Partial<Record<typeof TLS_VARIABLES[number], string>>>

/**
 * Variables as tcpserver's successors for TLS name them: sslserver of ucspi-ssl, which took Apache's names (`SSL_PROTOCOL`,
 * `SSL_CIPHER`, `SSL_CLIENT_*`), and s6-tlsd (`SSL_TLS_SNI_SERVERNAME`, `SSL_PEER_CERT_*`). What the client wrote holds no NUL.
 */
export function tlsVariables({ protocol, cipher, serverName, client }: TlsFacts): TlsVariables {
  return {
    SSL_PROTOCOL: protocol, SSL_CIPHER: cipher,
    ...(serverName === undefined ? {} : { SSL_TLS_SNI_SERVERNAME: clean(serverName) }),
    ...(client === undefined ? { SSL_CLIENT_VERIFY: 'NONE' } : {
      SSL_CLIENT_VERIFY: client.verified ? 'SUCCESS' : 'FAILED',
      SSL_CLIENT_S_DN: clean(client.subject), SSL_PEER_CERT_SUBJECT: clean(client.subject), SSL_PEER_CERT_HASH: `SHA256:${client.sha256}`,
    }),
  }
}

function clean(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is replaced
  return text.replace(/[\x00-\x1f\x7f]/g, '?')
}
