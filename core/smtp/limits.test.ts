import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEFAULT_LIMITS } from '../../config/limits.ts'
import { Conduct, mayPipeline, Pace } from './limits.ts'

describe('conduct', () => {
  const conduct = (limits = {}): Conduct => new Conduct({ limits: { ...DEFAULT_LIMITS, errors: 2, junkCommands: 3, ...limits } })

  test('after so many errors the next command is the last', () => {
    const client = conduct()
    client.answered('250-a\r\n550 b\r\n')
    client.answered('250-4\r\n250 5\r\n')
    assert.equal(client.tooMuch('MAIL', false), undefined)
    client.answered('451 x\r\n')
    assert.equal(client.tooMuch('QUIT', false)!.limit, 'errors')
  })

  test('commands that bring no mail', () => {
    const client = conduct()
    for (const verb of ['EHLO', 'MAIL', 'RCPT', 'RSET', 'DATA', 'QUIT']) assert.equal(client.tooMuch(verb, false), undefined)
    assert.equal(client.tooMuch('MAIL', true), undefined, 'one that opens what is open')
    assert.equal(client.tooMuch('NOOP', false)!.limit, 'junkCommands')
  })

  test('a message that was accepted wipes the slate', () => {
    const client = conduct()
    for (let round = 0; round < 10; round++) {
      client.answered('550 b\r\n')
      for (const verb of ['NOOP', 'RSET', 'EHLO']) assert.equal(client.tooMuch(verb, false), undefined)
      client.mailed()
    }
  })

  test('0 is no limit', () => {
    const client = conduct({ errors: 0, junkCommands: 0 })
    for (let round = 0; round < 1000; round++) {
      client.answered('550 b\r\n')
      assert.equal(client.tooMuch('NOOP', false), undefined)
    }
  })
})

test('what may be sent behind a command', () => {
  for (const verb of ['MAIL', 'RCPT', 'RSET', 'NOOP', 'VRFY', 'QUIT', 'FOO', '']) assert.ok(mayPipeline(verb, true), verb)
  for (const verb of ['EHLO', 'HELO', 'DATA', 'AUTH']) assert.ok(!mayPipeline(verb, true), verb)
  for (const verb of ['MAIL', 'RCPT', 'NOOP', 'EHLO', 'DATA']) assert.ok(!mayPipeline(verb, false), `${verb} without EHLO`)
  assert.ok(mayPipeline('QUIT', false), 'nothing behind it is read')
})

describe('pace', () => {
  const pace = (limits = {}): Pace => new Pace({ limits: { ...DEFAULT_LIMITS, commandSeconds: 10, dataSeconds: 20, dataRate: 100, ...limits } })

  test('a command must be whole in time, however it trickles in', () => {
    const client = pace()
    assert.equal(client.overdue(1e9), undefined, 'it is not the client\'s turn')
    client.command(5000)
    client.received(1, 14_000)
    assert.equal(client.overdue(15_000), undefined)
    assert.equal(client.overdue(15_001), 'commandSeconds')
  })

  test('content may pause, but not trickle for ever', () => {
    const client = pace()
    client.content(0)
    assert.equal(client.overdue(20_000), undefined)
    // Half of the rate: each second costs half a second of the 20, which are used up after 40.
    let now = 0
    while (client.overdue(now) === undefined) client.received(50, now += 1000)
    assert.equal(client.overdue(now), 'dataRate')
    assert.equal(now, 41_000)
  })

  test('who is fast enough is never late', () => {
    const client = pace()
    client.content(0)
    for (let now = 0; now < 3_600_000; now += 1000) {
      client.received(101, now)
      assert.equal(client.overdue(now), undefined)
    }
  })

  test('a burst saves up no more than one pause', () => {
    const client = pace()
    client.content(0)
    client.received(1_000_000_000, 0)
    assert.equal(client.overdue(20_001), 'dataRate')
  })

  test('a slow disk is not the client\'s fault', () => {
    const client = pace()
    client.content(0)
    client.worked(60_000)
    assert.equal(client.overdue(79_000), undefined)
    assert.equal(client.overdue(80_001), 'dataRate')
  })

  test('0 is no limit', () => {
    const client = pace({ commandSeconds: 0, dataSeconds: 0 })
    client.command(0)
    assert.equal(client.overdue(1e12), undefined)
    client.content(0)
    assert.equal(client.overdue(1e12), undefined)
  })
})
