import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { openChannel, type Channel } from './channel.ts'

interface Stage {
  readonly channel: Channel<unknown>
  readonly received: readonly unknown[]
  readonly closed: readonly (string | undefined)[]
  readonly written: readonly string[]
  give(...chunks: readonly string[]): void
  readonly pipe: Duplex
}

function open(maxLine = 1000): Stage {
  const received: unknown[] = []
  const closed: (string | undefined)[] = []
  const written: string[] = []
  const pipe = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString())
      done()
    },
  })
  const channel = openChannel<unknown, unknown>(pipe, maxLine, {
    received: (value) => void received.push(value), closed: (reason) => void closed.push(reason),
  })
  return { channel, received, closed, written, pipe, give: (...chunks) => chunks.forEach((chunk) => pipe.emit('data', Buffer.from(chunk))) }
}

test('lines come whole, however they are cut', () => {
  const { received, give } = open()
  give('{"a":1}\n{"b"', ':"é', '\\udce9"}\n', '3\n4\n', '5')
  assert.deepEqual(received, [{ a: 1 }, { b: 'é\udce9' }, 3, 4])
})

test('values of one turn leave in one write', async () => {
  const { channel, written } = open()
  channel.send({ a: 'é' })
  channel.send({ b: '\udce9' })
  assert.deepEqual(written, [])
  await new Promise(setImmediate)
  assert.deepEqual(written, ['{"a":"é"}\n{"b":"\\udce9"}\n'])
  channel.send(1)
  channel.sendNow(2)
  assert.deepEqual(written.slice(1), ['1\n2\n'])
})

test('a line that is too long, or no JSON, ends the channel once', () => {
  const long = open(10)
  long.give('12345', '678901', '2')
  assert.deepEqual(long.closed, ['a line of more than 10 bytes'])
  const wrong = open()
  wrong.give('1\nnonsense\n2\n')
  assert.deepEqual(wrong.received, [1])
  assert.deepEqual(wrong.closed, ['not JSON: nonsense'])
  wrong.channel.sendNow(1)
  assert.deepEqual(wrong.written, [])
})

test('the other side ends', async () => {
  const { closed, pipe } = open()
  pipe.push(null)
  await new Promise(setImmediate)
  assert.deepEqual(closed, [undefined])
})
