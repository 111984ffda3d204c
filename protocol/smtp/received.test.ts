import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf } from '../text.ts'
import { printDate, receivedField, type ReceivedFacts } from './received.ts'

const facts: ReceivedFacts = {
  remoteHost: undefined, helo: undefined, remoteInfo: undefined, remoteIp: '192.0.2.7', local: 'mx.example', protocol: 'SMTP',
  date: new Date('2026-11-03T09:05:07.999Z'),
}

test('with everything and with nothing', () => {
  assert.equal(
    receivedField({ ...facts, remoteHost: 'client.example', helo: 'me', remoteInfo: 'joe', protocol: 'ESMTPA' }),
    'Received: from client.example (HELO me) (joe@192.0.2.7)\n  by mx.example with ESMTPA; 3 Nov 2026 09:05:07 -0000\n',
  )
  assert.equal(
    receivedField({ ...facts, remoteIp: undefined, local: undefined }),
    'Received: from unknown (unknown)\n  by unknown with SMTP; 3 Nov 2026 09:05:07 -0000\n',
  )
})

test('the HELO name stands there only when it differs, whatever the case', () => {
  const from = (remoteHost: string | undefined, helo: string): string => receivedField({ ...facts, remoteHost, helo }).split('\n')[0]!
  assert.equal(from('Client.example', 'cLIENT.example'), 'Received: from Client.example (192.0.2.7)')
  assert.equal(from(undefined, 'UNKNOWN'), 'Received: from unknown (192.0.2.7)')
  assert.equal(from(undefined, ''), 'Received: from unknown (HELO ) (192.0.2.7)')
})

test('each byte that could break the field is a question mark', () => {
  const field = receivedField({ ...facts, helo: 'a_b\r\nX: [é]', remoteInfo: '(x) y', remoteIp: '::1' })
  assert.equal(field.split('\n')[0], 'Received: from unknown (HELO a?b??X:?????) (?x??y@::1)')
})

test('no facts add a line or a byte beyond ASCII', () => {
  const text = fc.option(fc.uint8Array({ maxLength: 30 }).map(textOf), { nil: undefined })
  fc.assert(fc.property(text, text, text, text, text, (remoteHost, helo, remoteInfo, remoteIp, local) => {
    const field = receivedField({ ...facts, remoteHost, helo, remoteInfo, remoteIp, local })
    assert.match(field, /^Received: from [!-~]* (\(HELO [!-~]*\) )?\([!-~]*\)\n {2}by [!-~]* with SMTP; 3 Nov 2026 09:05:07 -0000\n$/)
  }))
})

test('dates are UTC', () => {
  assert.equal(printDate(new Date('2027-01-31T23:30:00-01:00')), '1 Feb 2027 00:30:00 -0000')
})
