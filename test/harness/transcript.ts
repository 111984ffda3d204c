/**
 * Dialogues as one reads them. A line that begins with `> ` is sent, with CRLF; neighbouring ones go out in one
 * write. One with `< ` is what must come, to the byte and with CRLF; `= close` is the end of the connection.
 * Backslash escapes: \r \n \t \\ \0 \xHH. Short words, as in spp-protocol 15:
 *
 *   > M   MAIL FROM:<a@b.example>       < G   the greeting
 *   > U   RCPT TO:<u@local.example>     < K   the reply to EHLO in compat mode
 *   > F   RCPT TO:<u@far.example>       < Q   250 ok <time> qp <id>
 *   > B   DATA, 354, a short message, Q
 */
import assert from 'node:assert/strict'
import type { SmtpClient } from '../client/smtp-client.ts'

const SENT: Readonly<Record<string, string>> = {
  M: 'MAIL FROM:<a@b.example>', U: 'RCPT TO:<u@local.example>', F: 'RCPT TO:<u@far.example>',
}
const B = ['> DATA', '< 354 go ahead', '> Subject: b', '> ', '> body', '> .', '< Q']
/** What `B` sends, as it is stored. */
export const B_CONTENT = 'Subject: b\n\nbody\n'

const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  G: ['220 test.example ESMTP'],
  K: ['250-test.example', '250-PIPELINING', '250 8BITMIME'],
}
const QUEUED = /^250 ok [0-9]+ qp [!-~]+\r\n$/

/**
 * Plays it. At the end nothing more must come: a QUIT is answered next, unless the dialogue ended in `= close`.
 * Rejects with an assertion that shows what was said.
 */
export async function play(client: SmtpClient, dialogue: readonly string[]): Promise<void> {
  let toSend = ''
  for (const step of [...dialogue.flatMap((line) => (line === '> B' ? B : [line])), ...farewell(dialogue)]) {
    if (step.startsWith('> ')) {
      const text = step.slice(2)
      toSend += `${SENT[text] ?? unescape(text)}\r\n`
      continue
    }
    if (toSend !== '') client.send(toSend)
    toSend = ''
    if (step === '= close') assert.equal(await client.rest(), '', `the end of the connection was expected\n${client.transcript}`)
    else if (step.startsWith('< ')) await expect(client, step.slice(2))
    else throw new Error(`no step of a dialogue: ${step}`)
  }
}

async function expect(client: SmtpClient, text: string): Promise<void> {
  if (text === 'Q') {
    const line = await client.line()
    assert.match(line, QUEUED, client.transcript)
    return
  }
  for (const line of EXPECTED[text] ?? [unescape(text)]) {
    const came = await client.line()
    assert.equal(came, `${line}\r\n`, `expected ${JSON.stringify(`${line}\r\n`)}\n${client.transcript}`)
  }
}

function farewell(dialogue: readonly string[]): readonly string[] {
  return dialogue.at(-1) === '= close' ? [] : ['> QUIT', '< 221 test.example', '= close']
}

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '\\': '\\', '0': '\0' }

function unescape(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (whole, hex: string | undefined, letter: string | undefined) =>
    hex !== undefined ? String.fromCharCode(Number.parseInt(hex, 16)) : ESCAPES[letter!] ?? whole)
}
