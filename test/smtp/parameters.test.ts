/** What MAIL and RCPT say of reports and TLS reaches the envelope that is stored. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOfData } from '../../core/smtp/data.ts'
import { fakeDialogue } from './fakes.ts'

test('parameters are kept with the message, and belong to it alone', async () => {
  const { dialogue, spool } = fakeDialogue()
  dialogue.session.tls = { protocol: 'TLSv1.3', cipher: 'x' }
  assert.match((await dialogue.command('EHLO x')).text, /^250-REQUIRETLS\r\n/m)
  const send = async (...lines: readonly string[]): Promise<void> => {
    for (const line of lines) assert.match((await dialogue.command(line)).text, /^250 /, line)
    await dialogue.command('DATA')
    assert.match((await endOfData(dialogue, { bareLf: false, hops: 0 })).text, /^250 /)
  }
  await send('MAIL FROM:<a@b.example> RET=HDRS ENVID=QQ314 REQUIRETLS BODY=8BITMIME', 'RCPT TO:<u@local.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x@y.example', 'RCPT TO:<v@local.example>')
  await send('MAIL FROM:<a@b.example>', 'RCPT TO:<v@local.example>')
  const [first, second] = spool.stored.map(({ envelope }) => envelope)
  assert.deepEqual(first!.parameters, { BODY: '8BITMIME', REQUIRETLS: true, RET: 'HDRS', ENVID: 'QQ314' })
  assert.deepEqual(first!.recipientParameters, [{ NOTIFY: 'SUCCESS,FAILURE', ORCPT: 'rfc822;x@y.example' }, {}])
  assert.deepEqual(second!.parameters, {})
  assert.equal(second!.recipientParameters, undefined)
})

test('a refused RCPT leaves nothing behind', async () => {
  const { dialogue, spool } = fakeDialogue()
  for (const line of ['EHLO x', 'MAIL FROM:<a@b.example>', 'RCPT TO:<u@far.example> NOTIFY=NEVER', 'RCPT TO:<u@local.example>', 'DATA']) await dialogue.command(line)
  await endOfData(dialogue, { bareLf: false, hops: 0 })
  assert.equal(spool.stored[0]!.envelope.recipientParameters, undefined)
})

test('REQUIRETLS is not for a session in the clear, and compat knows none of it', async () => {
  const { dialogue } = fakeDialogue()
  assert.doesNotMatch((await dialogue.command('EHLO x')).text, /REQUIRETLS/)
  assert.equal((await dialogue.command('MAIL FROM:<> REQUIRETLS')).text, '555 parameter REQUIRETLS is not known here (#5.5.4)\r\n')
  const { dialogue: compat } = fakeDialogue({ compat: true })
  assert.match((await compat.command('MAIL FROM:<> RET=nonsense')).text, /^250 /)
})
