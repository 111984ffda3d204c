/** Why a handshake failed, for people: OpenSSL names a line of its own code. */

const PLAIN: Readonly<Record<string, string>> = {
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client knows no version of TLS that is allowed here',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what the client sends is no TLS',
  ERR_SSL_HTTP_REQUEST: 'what the client sends is HTTP and no TLS',
  ERR_SSL_NO_SHARED_CIPHER: 'the client knows no cipher that is allowed here',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'the client shows no certificate, and this listener wants one',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the client does not trust the certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the client does not take the certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the client does not take the certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the client says that the certificate has expired',
  ECONNRESET: 'the client left',
}

/** @param error of a TLS socket; those of OpenSSL have a code and a reason of a few words */
export function handshakeFault({ code, reason, message }: Error & { readonly code?: string; readonly reason?: string }): string {
  return (code === undefined ? undefined : PLAIN[code]) ?? reason ?? message
}
