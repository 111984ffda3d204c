/** What the host itself goes by is read once, when the connection begins (spp-protocol 8.3): a plugin's `S` changes it for other plugins only. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOfData } from '../../core/smtp/data.ts'
import { fakeDialogue, type Run } from './fakes.ts'

const CHANGES: Run = () => ({
  commands: [
    ...['RELAYCLIENT', 'SPPCONFFILE', 'NOSPP'].map((name) => ({ kind: 'S' as const, name, value: 'x' })),
    { kind: 'S', name: 'TCPREMOTEIP', value: '192.0.2.9' }, { kind: 'U', name: 'TCPREMOTEHOST' },
  ],
})

test('the Received field and the envelope\'s start show what the connection began with, the environment what plugins made of it', async () => {
  const { dialogue, spool } = fakeDialogue({ lines: { helo: [CHANGES] }, env: { TCPREMOTEHOST: 'client.example' } })
  for (const line of ['HELO x', 'MAIL FROM:<a@b.example>', 'RCPT TO:<u@local.example>', 'DATA']) await dialogue.command(line)
  assert.match((await endOfData(dialogue, { bareLf: false, hops: 0 })).text, /^250 /)
  const [{ envelope, content }] = spool.stored as [typeof spool.stored[0]]
  assert.match(content, /^Received: from client\.example \(HELO x\) \(127\.0\.0\.1\)\n/)
  assert.deepEqual(envelope.start, { TCPREMOTEIP: '127.0.0.1', TCPREMOTEHOST: 'client.example' })
  assert.equal(envelope.env['TCPREMOTEIP'], '192.0.2.9')
  assert.equal(envelope.env['RELAYCLIENT'], 'x')
})

test('RELAYCLIENT set by a plugin relays nothing', async () => {
  const { dialogue } = fakeDialogue({ lines: { helo: [CHANGES] } })
  for (const line of ['HELO x', 'MAIL FROM:<a@b.example>']) await dialogue.command(line)
  assert.match((await dialogue.command('RCPT TO:<u@far.example>')).text, /^553 /)
})

test('a client cannot make the server gather recipients without end, even where no limit is set', async () => {
  const { dialogue } = fakeDialogue({ limits: { recipients: 0 } })
  await dialogue.command('MAIL FROM:<a@b.example>')
  dialogue.session.recipients = Array<string>(9_999).fill('u@local.example')
  assert.match((await dialogue.command('RCPT TO:<u@local.example>')).text, /^250 /)
  assert.equal((await dialogue.command('RCPT TO:<u@local.example>')).text, '452 too many recipients (#4.5.3)\r\n')
  assert.match((await dialogue.command('DATA')).text, /^354 /, 'the others are served')
})
