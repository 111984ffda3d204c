import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { pipeSink, readTracePipe } from './pipe.ts'

function reading(mostBytes = 1000): { readonly pipe: PassThrough; readonly taken: string[] } {
  const pipe = new PassThrough()
  const taken: string[] = []
  readTracePipe(pipe, mostBytes, (lines) => taken.push(lines.toString()))
  return { pipe, taken }
}

test('lines come whole, however they were cut', async () => {
  const { pipe, taken } = reading()
  for (const piece of ['{"a"', ':1}\n{"b":2}\n{', '"c"', ':3}\n', '{"d":']) pipe.write(piece)
  pipe.end()
  await new Promise((resolve) => { pipe.once('close', resolve) })
  assert.deepEqual(taken, ['{"a":1}\n{"b":2}\n', '{"c":3}\n'], 'the last one was not finished')
})

test('a line without an end costs no memory, and the next one is read', async () => {
  const { pipe, taken } = reading(10)
  for (const piece of ['012345', '678901', '234567', '\n{"a":1}\n', '{"b":2}\n']) pipe.write(piece)
  pipe.end()
  await new Promise((resolve) => { pipe.once('close', resolve) })
  assert.deepEqual(taken, ['{"b":2}\n'])
})

test('a sink waits while nobody reads, and not for one that has gone', async () => {
  const pipe = new PassThrough({ highWaterMark: 10 })
  const sink = pipeSink(pipe)
  await sink.append(Buffer.from('short\n'))
  let done = false
  const waiting = sink.append(Buffer.from('longer than the pipe\n')).then(() => { done = true })
  await new Promise((resolve) => { setImmediate(resolve) })
  assert.equal(done, false)
  pipe.resume()
  await waiting
  pipe.pause()
  const last = sink.append(Buffer.from('longer than the pipe\n'))
  pipe.destroy()
  await last
  await sink.append(Buffer.from('more\n'))
  await sink.close()
})
