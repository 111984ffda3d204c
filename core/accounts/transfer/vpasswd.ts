/**
 * vpopmail's list of a domain's users, the file `vpasswd` in the domain's directory: `name:password:uid:flags:comment:directory:quota`, and in
 * some installations the password in clear text behind it, which is not looked at. The password is a text of crypt(3).
 */
import { shown } from './check.ts'
import { linesOf, TOO_LONG } from './parse.ts'
import type { Read } from './record.ts'

/** Bits of the fourth field: no POP3, no IMAP, mail is bounced. */
const CLOSED = 0x02 | 0x08 | 0x10

/** Users of a domain. */
export async function* readVpasswd(chunks: AsyncIterable<string>, domain: string): AsyncGenerator<Read> {
  for await (const [line, raw] of linesOf(chunks)) {
    if (raw === undefined) yield { line, ...TOO_LONG }
    const text = (raw ?? '').replace(/\r$/, '')
    if (text === '') continue
    const [login = '', password = '', , flags = '', , , limit = '', ...more] = text.split(':')
    const quota = readQuota(limit)
    if (text.split(':').length < 7 || more.length > 1 || !/^\d*$/.test(flags)) {
      yield { line, reason: 'this is no line of a vpasswd file', mend: 'it has seven fields with colons between them: name:password:uid:flags:comment:directory:quota' }
    } else if (quota === undefined) {
      yield { line, reason: `${shown(limit)} is no quota`, mend: 'write NOQUOTA, or bytes such as 10485760S' }
    } else {
      // Nothing of it is open: that is what disabled means here. Other bits have no counterpart.
      const enabled = (Number(flags) & CLOSED) !== CLOSED
      yield { line, record: { kind: 'user', values: { login, domain, password: password === '' ? null : password, quota, enabled } } }
    }
  }
}

/** Bytes, 0 for none; undefined for what is none. A limit of messages (`1000C`) has no counterpart. */
function readQuota(text: string): number | undefined {
  if (text === '' || text === 'NOQUOTA') return 0
  let bytes = 0
  for (const part of text.split(',')) {
    const [, number, unit = '', isCount] = /^(\d{1,15})(?:([KMG]?)B?S?|(C))$/i.exec(part) ?? []
    if (number === undefined) return undefined
    if (isCount === undefined) bytes = Number(number) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit.toUpperCase())
  }
  return bytes
}
