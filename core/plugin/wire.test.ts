import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { wireStream } from './wire.ts'

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text, 'latin1')
}

test('each LF goes out as a CRLF, and no other byte is touched', async () => {
  const got: Buffer[] = []
  const sink = new Writable({ highWaterMark: 1, write: (chunk: Buffer, _encoding, done) => { got.push(chunk); setImmediate(done) } })
  const finished = new Promise((resolve) => sink.once('finish', resolve))
  wireStream(chunks('a\nb\r', '\n\n\xe9', '')).pipe(sink)
  await finished
  assert.equal(Buffer.concat(got).toString('latin1'), 'a\r\nb\r\r\n\r\n\xe9')
})

test('a long message leaves no listeners behind', async () => {
  const sink = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => { setImmediate(done) } })
  const most = { drain: 0, close: 0, error: 0 }
  sink.on('newListener', (event: string) => {
    if (event in most) most[event as keyof typeof most] = Math.max(most[event as keyof typeof most], sink.listenerCount(event) + 1)
  })
  const finished = new Promise((resolve) => sink.once('finish', resolve))
  wireStream(chunks(...Array<string>(50).fill('x'))).pipe(sink)
  await finished
  assert.deepEqual(most, { drain: 1, close: 1, error: 1 })
})

test('no more is read than the sink wants, and nothing once it is gone', async () => {
  let read = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        read++
        yield Buffer.from('x')
      }
    } finally {
      read = -read
    }
  }
  const sink = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => read < 5 ? done() : done(new Error('enough')) })
  const closed = new Promise((resolve) => sink.on('error', () => undefined).once('close', resolve))
  wireStream(endless()).pipe(sink)
  await closed
  while (read > 0) await new Promise(setImmediate)
  assert.ok(read >= -7, String(read))
})

test('a message that cannot be read is reported', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('x')
    throw new Error('no such file')
  }
  const stream = wireStream(broken())
  const reason = new Promise((resolve) => stream.on('error', resolve))
  stream.pipe(new Writable({ write: (_chunk, _encoding, done) => done() }))
  assert.match(String(await reason), /no such file/)
})
