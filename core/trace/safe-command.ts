/** Command lines without their secrets, for the log and the trace. */

/** RFC 4954 4: the mechanism may be shown. What else follows AUTH may be a password in base64. */
const MECHANISM = /plain|login|cram-md5|digest-md5|scram-[a-z0-9-]+|xoauth2|oauthbearer|external|gssapi|ntlm|anonymous/
const AUTH = new RegExp(`^\\s*auth(?:\\s+(${MECHANISM.source})\\b)?\\s*(.*)$`, 'is')
/** A client that was refused AUTH may send its next line anyway: one word of base64 where a command should be. */
const BASE64 = /^\s*[A-Za-z0-9+/]{8,}={0,2}\s*$/
/** AUTH misspelt, and what other protocols call it: the verb may be shown. */
const NEARLY = /^\s*([a-z-]*auth[a-z0-9-]*|pass(?:word|wd)?|apop)\b(.*)$/is
/** Nearly all lines, which hold none. */
const COMMON = /^(?:MAIL|RCPT|DATA|RSET|NOOP|QUIT|EHLO|HELO)(?: |$)/i
const VERBS = /^\s*(starttls|xforward)\s*$/i

/** The line with the arguments of AUTH, and lines that look like an answer to it, replaced by their length. */
export function safeCommand(line: string): string {
  if (COMMON.test(line)) return line
  const auth = AUTH.exec(line)
  if (auth !== null && /^\s*auth(?![a-z0-9])/i.test(line)) return ['AUTH', auth[1], hidden(auth[2] ?? '')].filter(Boolean).join(' ')
  const nearly = NEARLY.exec(line)
  if (nearly !== null) return [nearly[1], hidden(nearly[2]!.trim())].filter(Boolean).join(' ')
  return BASE64.test(line) && !VERBS.test(line) ? hidden(line.trim()) : line
}

function hidden(secret: string): string {
  return secret === '' ? '' : `[${secret.length} characters hidden]`
}
