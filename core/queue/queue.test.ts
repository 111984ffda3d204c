import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, readFile, rename, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, mock, test } from 'node:test'
import type { FileSystem } from '../message/file-system.ts'
import type { SpoolWriter } from '../message/spool-types.ts'
import type { NewTraceEvent } from '../trace/types.ts'
import type { Deliver, DeliveryResult, QueueSettings } from './types.ts'
import { nodeFileSystem } from '../message/file-system.ts'
import { queuePlaces } from '../message/places.ts'
import { createSpool } from '../message/spool.ts'
import { insertField } from '../plugin/message.ts'
import { DeliveryError } from '../plugin/world.ts'
import { Queue } from './queue.ts'
import { parseState } from './state-file.ts'

const START = 1_700_000_000_000
const settings: QueueSettings = { lifetimeSeconds: 604_800, concurrency: 10 }
const delivered: DeliveryResult = { status: 'delivered', text: 'did 1+0+0' }

let home: string
let clock: number
let lines: { readonly level: string; readonly text: string; readonly fields: Readonly<Record<string, unknown>> }[]
let events: NewTraceEvent[]
let opened: Queue[]

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'helios-queue-'))
  clock = START
  lines = []
  events = []
  opened = []
  mock.timers.enable({ apis: ['setTimeout'] })
})
afterEach(async () => {
  mock.timers.reset()
  for (const queue of opened) await queue.close(1000)
  await rm(home, { recursive: true })
})

const at = (level: string) => (fields: Readonly<Record<string, unknown>>, text: string): void => void lines.push({ level, text, fields })
const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
const texts = (level: string): string[] => lines.filter((line) => line.level === level).map((line) => line.text)

async function open(deliver: Deliver, options: { readonly settings?: QueueSettings; readonly fs?: FileSystem } = {}): Promise<Queue> {
  const queue = await Queue.open({
    home, deliver, log, now: () => clock, settings,
    trace: { session: (id) => ({ id, add: (event) => void events.push(event), flush() {} }), close: async () => undefined },
    ...options,
  })
  opened.push(queue)
  return queue
}

async function accept(queue: Queue, recipients: readonly string[]): Promise<string> {
  const spool = createSpool({ home, now: () => clock, log, accepted: (id, envelope, size) => queue.add(id, envelope, size) })
  const writer = await spool.create()
  await writer.write(Buffer.from('Subject: x\n\nbody\n'))
  await writer.commit({
    reversePath: 'from@x', recipients, env: {}, sessionId: 'session1', receivedAt: clock, parameters: {},
    edits: [insertField('X-Edit', 'seen')],
  })
  return writer.id
}

/** Waits until it holds: the disk works in real time, whatever the clock of the test. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!await holds()) await new Promise((resolve) => {
    setImmediate(resolve)
  })
}
const empty = (queue: Queue) => () => queue.status().messages === 0
const resting = (queue: Queue) => () => queue.list().every((message) => message.nextAttempt !== undefined)
const files = async (): Promise<Record<string, string[]>> => {
  const { tmp, msg, state, failed, corrupt } = queuePlaces(home)
  const [a, b, c, d, e] = await Promise.all([tmp, msg, state, failed, corrupt].map((path) => readdir(path)))
  return { tmp: a!, msg: b!, state: c!, failed: d!, corrupt: e! }
}
const refused = (code: string): Promise<never> => Promise.reject(Object.assign(new Error(`${code}: refused`), { code }))
const nothing = { tmp: [], msg: [], state: [], failed: [], corrupt: [] }

function advance(seconds: number): void {
  clock += seconds * 1000
  mock.timers.tick(seconds * 1000)
}

test('what a process accepted that ended before it could say so is found by its mark, and what it had begun is removed', async () => {
  const seen: string[] = []
  const queue = await open(async (message) => {
    seen.push(message.id)
    return delivered
  })
  const lost: string[] = []
  const begun: SpoolWriter[] = []
  const write = async (process: string, how: 'commit' | 'leave', accepted: (id: string) => void): Promise<void> => {
    const writer = await createSpool({ home, now: () => clock, log, process, accepted }).create()
    await writer.write(Buffer.alloc(100_000, 'x'))
    if (how === 'commit') {
      await writer.commit({ reversePath: '', recipients: ['to@x'], env: {}, sessionId: 's', receivedAt: clock, parameters: {}, edits: [] })
    } else {
      await writer.message().file()
      begun.push(writer)
    }
  }
  await write('dead01', 'commit', (id) => lost.push(id))
  await write('dead01', 'leave', () => {})
  await write('alive1', 'commit', () => {})
  await write('alive1', 'leave', () => {})
  assert.equal((await files())['tmp']!.length, 2)
  await queue.adopt('dead01')
  // A line that came late, or a second look, is no second message.
  queue.addStored(lost[0]!)
  await queue.adopt('dead01')
  await until(empty(queue))
  assert.deepEqual(seen, lost)
  const left = await files()
  assert.deepEqual(left['tmp']!.map((name) => name.slice(-6)), ['alive1'])
  assert.deepEqual(left['msg']!.map((name) => name.slice(-6)), ['alive1'], 'another process is going to say so itself')
  for (const writer of begun) await writer.abort()
})

test('a message that is known already is not taken over again', async () => {
  let deliveries = 0
  const queue = await open(async () => {
    deliveries += 1
    return { status: 'later', text: 'not now' }
  })
  const id = await accept(queue, ['to@x'])
  queue.add(id, { reversePath: '', recipients: ['to@x', 'other@x'], sessionId: 's', receivedAt: clock }, 1)
  queue.addStored(id)
  await until(resting(queue))
  assert.equal(deliveries, 1)
})

test('a message is delivered to each recipient and then gone, with qmail\'s log lines and the events of its session', async () => {
  const got: string[] = []
  const queue = await open(async (message, envelope, recipient) => {
    const content = Buffer.concat(await Array.fromAsync(message.content())).toString()
    got.push(`${envelope.reversePath} ${recipient} ${content}`)
    return { ...delivered, decidedBy: 'control/smtpplugins:3' }
  })
  const id = await accept(queue, ['a b@x', 'b@x'])
  await until(empty(queue))
  assert.deepEqual(got.toSorted(), ['a b@x', 'b@x'].map((to) => `from@x ${to} X-Edit: seen\nSubject: x\n\nbody\n`))
  await until(async () => JSON.stringify(await files()) === JSON.stringify(nothing))
  assert.deepEqual(texts('info').toSorted(), [
    `new msg ${id}`, `info msg ${id}: bytes 17 from <from@x> qp ${id} uid ${process.getuid?.()}`,
    `starting delivery 1: msg ${id} to local a_b@x`, `starting delivery 2: msg ${id} to local b@x`,
    'delivery 1: success: did_1+0+0', 'delivery 2: success: did_1+0+0', `end msg ${id}`,
  ].toSorted())
  assert.deepEqual(events[0], {
    event: 'delivery', id, to: 'a b@x', status: 'delivered', text: 'did 1+0+0', ms: 0, decidedBy: 'control/smtpplugins:3',
  })
})

test('the retry schedule is qmail\'s, to the second', async () => {
  const attempts: number[] = []
  const queue = await open(async () => {
    attempts.push((clock - START) / 1000)
    return attempts.length < 6 ? { status: 'later', text: '451 busy' } : delivered
  })
  await accept(queue, ['a@x'])
  for (const gap of [100, 300, 500, 700, 900]) {
    await until(resting(queue))
    advance(gap - 1)
    assert.ok(resting(queue)())
    advance(1)
  }
  await until(empty(queue))
  assert.deepEqual(attempts, [0, 100, 400, 900, 1600, 2500])
})

test('recipients that are done stay done: after a restart, a torn state line, and to the last', async () => {
  const tried: string[] = []
  const only = (good: string): Deliver => async (_, __, recipient) => {
    tried.push(recipient)
    return recipient === good ? delivered : { status: 'later', text: '451' }
  }
  const first = await open(only('a@x'))
  const id = await accept(first, ['a@x', 'b@x', 'c@x', 'a@x'])
  await until(resting(first))
  await first.close(1000)
  await appendFile(join(queuePlaces(home).state, id), '{"recipient":2,"address":"c@x","status":"do')
  tried.length = 0
  const second = await open(only('b@x'))
  assert.deepEqual(second.list()[0]?.recipients.map((recipient) => recipient.status), ['done', 'waiting', 'waiting', 'done'])
  assert.equal(second.status().recipientsWaiting, 2)
  await until(resting(second))
  await second.close(1000)
  assert.deepEqual(tried.toSorted(), ['b@x', 'c@x'])
  const third = await open(only('c@x'))
  await until(empty(third))
  await until(async () => (await files())['state']!.length === 0)
  assert.deepEqual(await files(), nothing)
})

test('who fails for good is written down, and the message is kept', async () => {
  const queue = await open(async (_, __, recipient) => {
    if (recipient === 'thrown@x') throw new DeliveryError('550 no such user', { permanent: true })
    return recipient === 'no@x' ? { status: 'failed', text: '550 no (#5.1.1)' } : delivered
  })
  const id = await accept(queue, ['yes@x', 'no@x', 'thrown@x'])
  await until(empty(queue))
  assert.deepEqual(await files(), { ...nothing, failed: [id, `${id}.state`] })
  assert.equal(queue.status().failed, 1)
  const state = parseState(await readFile(join(queuePlaces(home).failed, `${id}.state`), 'utf8'))
  assert.deepEqual(state.map(({ address, status, text }) => [address, status, text]).toSorted(), [
    ['no@x', 'failed', '550 no (#5.1.1)'], ['thrown@x', 'failed', '550 no such user'], ['yes@x', 'done', 'did 1+0+0'],
  ])
  assert.equal(texts('error').length, 1)
  assert.match(texts('error')[0]!, /gave up on 2 of 3 recipients \(no@x: 550_no_\(#5\.1\.1\); thrown@x: 550_no_such_user\)/)
  assert.match(texts('error')[0]!, /the message is kept as .*failed/)
  await queue.close(1000)
  const again = await open(async () => delivered)
  assert.deepEqual(again.status(), { messages: 0, recipientsWaiting: 0, oldest: undefined, failed: 1, corrupt: 0 })
})

test('after the lifetime an attempt is the last', async () => {
  const queue = await open(async () => ({ status: 'later', text: '451 busy' }), { settings: { ...settings, lifetimeSeconds: 99 } })
  await accept(queue, ['a@x'])
  await until(resting(queue))
  advance(100)
  await until(empty(queue))
  assert.equal(lines.find((line) => line.level === 'info' && line.text.startsWith('delivery 2'))?.text,
    "delivery 2: failure: 451_busy/I'm_not_going_to_try_again;_this_message_has_been_in_the_queue_too_long.")
  assert.equal(queue.status().failed, 1)
})

test('whatever a delivery throws is "later", and flush tries at once', async () => {
  let calls = 0
  const queue = await open(() => {
    calls += 1
    if (calls === 1) throw new Error('boom')
    if (calls === 2) return Promise.reject(new DeliveryError('451 full (#4.2.2)'))
    return Promise.resolve(delivered)
  })
  await accept(queue, ['a@x'])
  await until(resting(queue))
  assert.match(texts('warn')[0]!, /delivery to a@x broke: boom; it is tried again later/)
  queue.flush()
  await until(resting(queue))
  assert.equal(queue.list()[0]?.recipients[0]?.text, '451 full (#4.2.2)')
  queue.flush()
  await until(empty(queue))
})

test('no more deliveries at a time than allowed, each once', async () => {
  let running = 0
  let most = 0
  const got: string[] = []
  const queue = await open(async (_, __, recipient) => {
    most = Math.max(most, ++running)
    got.push(recipient)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    running -= 1
    return delivered
  }, { settings: { ...settings, concurrency: 3 } })
  const recipients = Array.from({ length: 30 }, (_, i) => `list${i}@x`)
  await accept(queue, recipients)
  await accept(queue, ['one@x'])
  await until(empty(queue))
  assert.equal(most, 3)
  assert.deepEqual(got.toSorted(), [...recipients, 'one@x'].toSorted())
})

test('a file that is slow to let go of ends each attempt once, and each recipient is tried once', async () => {
  const fs: FileSystem = {
    ...nodeFileSystem,
    unlink: async (path) => {
      if (path.includes('.view')) for (let i = 0; i < 20; i++) await new Promise((resolve) => {
        setImmediate(resolve)
      })
      await nodeFileSystem.unlink(path)
    },
  }
  const got: string[] = []
  const queue = await open(async (message, _, recipient) => {
    got.push(`${message.id} ${recipient} ${(await readFile(await message.file())).length}`)
    return delivered
  }, { fs, settings: { ...settings, concurrency: 2 } })
  const recipients = Array.from({ length: 7 }, (_, i) => `list${i}@x`)
  const ids = [await accept(queue, recipients), await accept(queue, recipients), await accept(queue, ['one@x'])]
  await until(empty(queue))
  assert.equal(got.length, 15)
  assert.equal(new Set(got).size, 15)
  assert.deepEqual(texts('info').filter((text) => text.startsWith('end msg')).toSorted(), ids.map((id) => `end msg ${id}`).toSorted())
  await until(async () => JSON.stringify(await files()) === JSON.stringify(nothing))
})

test('messages take turns: a long list of recipients does not hold up others', async () => {
  const got: string[] = []
  let begin: () => void
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const queue = await open(async (_, __, recipient) => {
    await begun
    got.push(recipient)
    return delivered
  }, { settings: { ...settings, concurrency: 1 } })
  await accept(queue, Array.from({ length: 20 }, (_, i) => `list${i}@x`))
  await accept(queue, ['two@x'])
  await accept(queue, ['three@x'])
  begin!()
  await until(empty(queue))
  assert.deepEqual(got.slice(0, 5), ['list0@x', 'list1@x', 'two@x', 'three@x', 'list2@x'])
})

test('a queue that is closed waits for what runs, starts nothing new, and forgets nothing', async () => {
  const going: (() => void)[] = []
  const queue = await open((_, __, ___, signal) => new Promise((resolve, reject) => {
    going.push(() => resolve(delivered))
    signal.addEventListener('abort', () => reject(new Error('stopped')))
  }), { settings: { ...settings, concurrency: 2 } })
  for (let i = 0; i < 3; i++) await accept(queue, ['a@x'])
  await until(() => going.length === 2)
  const closed = queue.close(60_000)
  going[0]!()
  await until(async () => (await files())['msg']!.length === 2)
  mock.timers.tick(60_000)
  await closed
  assert.equal(going.length, 2)
  await until(() => lines.some((line) => line.text.includes('stopped')))
  const next = await open(async () => delivered)
  await until(empty(next))
  assert.deepEqual(await files(), nothing)
})

test('what is damaged is set aside and told, what is no message is left alone, and the rest is delivered', async () => {
  const [good, cut, junk] = [await acceptAlone(), await acceptAlone(), await acceptAlone()]
  const { msg, tmp, state } = queuePlaces(home)
  await truncate(join(msg, cut), 20)
  await writeFile(join(msg, junk), 'junk '.repeat(100))
  await writeFile(join(msg, 'README'), 'not a message')
  await writeFile(join(tmp, 'half'), '')
  await writeFile(join(state, good.replace(/.$/, '_')), '')
  const got: string[] = []
  const queue = await open(async (message) => {
    got.push(message.id)
    return delivered
  })
  await until(empty(queue))
  assert.deepEqual(got, [good])
  assert.deepEqual(await files(), { ...nothing, msg: ['README'], corrupt: [cut, junk].toSorted() })
  assert.equal(queue.status().corrupt, 2)
  assert.match(texts('error')[0]!, /this is not a whole message: .*; it is kept as .*queue\/corrupt\/.*look at it and at the disk/)
  assert.match(texts('warn')[0]!, /README has no message's name and is left alone/)

  async function acceptAlone(): Promise<string> {
    const before = await open(async () => delivered, { settings: { ...settings, concurrency: 0 } })
    const id = await accept(before, ['a@x'])
    await before.close(0)
    return id
  }
})

test('a file damaged, removed or unreadable while it waits: set aside, forgotten, tried again', async () => {
  let refuse = 0
  const fs: FileSystem = {
    ...nodeFileSystem,
    open: (path, how) => refuse-- > 0 && path.includes('/msg/') ? refused('EMFILE') : nodeFileSystem.open(path, how),
  }
  let answer: DeliveryResult = { status: 'later', text: '451' }
  const queue = await open(async () => answer, { fs })
  const [damaged, removed, unreadable] = await Promise.all([['a@x', 'b@x'], ['a@x'], ['a@x', 'b@x']].map((to) => accept(queue, to)))
  await until(resting(queue))
  const { msg } = queuePlaces(home)
  await truncate(join(msg, damaged!), 3)
  await unlink(join(msg, removed!))
  refuse = 5
  answer = delivered
  queue.flush()
  await until(resting(queue))
  refuse = 0
  queue.flush()
  await until(empty(queue))
  await until(async () => (await files())['msg']!.length === 0)
  assert.equal(queue.status().corrupt, 1)
  assert.ok(texts('warn').some((text) => text.includes('EMFILE')))
  assert.ok(lines.some((line) => line.text.includes(removed!) && line.text.includes('so it is forgotten')))
  assert.ok(lines.some((line) => line.text === `end msg ${unreadable}`))
})

test('a message that cannot be read at start stays and is read later', async () => {
  const before = await open(async () => delivered, { settings: { ...settings, concurrency: 0 } })
  await accept(before, ['a@x'])
  await before.close(0)
  let refuse = true
  const fs: FileSystem = {
    ...nodeFileSystem,
    open: (path, how) => refuse && path.includes('/msg/') ? refused('EIO') : nodeFileSystem.open(path, how),
  }
  const queue = await open(async () => delivered, { fs })
  assert.equal(queue.status().messages, 1)
  refuse = false
  advance(100)
  await until(empty(queue))
  assert.equal(queue.status().messages, 0)
})

test('a finished message that cannot be removed is not delivered again, not even after a restart', async () => {
  let calls = 0
  let refuse = true
  const fs: FileSystem = {
    ...nodeFileSystem,
    unlink: (path) => refuse && path.includes('/msg/') ? refused('EIO') : nodeFileSystem.unlink(path),
  }
  const deliver: Deliver = async () => {
    calls += 1
    return delivered
  }
  const queue = await open(deliver, { fs })
  await accept(queue, ['a@x'])
  await until(() => queue.list()[0]?.nextAttempt !== undefined)
  await queue.close(1000)
  const next = await open(deliver, { fs })
  await until(resting(next))
  refuse = false
  next.flush()
  await until(empty(next))
  assert.equal(calls, 1)
  await until(async () => (await files())['state']!.length === 0)
  assert.deepEqual(await files(), nothing)
})

test('an end that could not be written down is written down later', async () => {
  let refuse = 1
  const fs: FileSystem = {
    ...nodeFileSystem,
    open: (path, how) => how === 'append' && refuse-- > 0 ? refused('ENOSPC') : nodeFileSystem.open(path, how),
  }
  const tried: string[] = []
  const deliver: Deliver = async (_, __, recipient) => {
    tried.push(recipient)
    return recipient === 'a@x' ? delivered : { status: 'later', text: '451' }
  }
  const queue = await open(deliver, { fs })
  await accept(queue, ['a@x', 'b@x'])
  await until(resting(queue))
  await queue.close(1000)
  assert.ok(texts('warn').some((text) => text.includes('cannot write to')))
  tried.length = 0
  await until(resting(await open(deliver)))
  assert.deepEqual(tried, ['b@x'])
})

test('a move to failed/ that a crash cut in half is finished at start', async () => {
  const queue = await open(async () => ({ status: 'failed', text: '550' }))
  const id = await accept(queue, ['a@x'])
  await until(empty(queue))
  await queue.close(1000)
  const { failed, state, msg } = queuePlaces(home)
  await rename(join(failed, `${id}.state`), join(state, id))
  await (await open(async () => delivered)).close(1000)
  assert.deepEqual(await files(), { ...nothing, failed: [id, `${id}.state`] })
  await rename(join(failed, `${id}.state`), join(state, id))
  await rename(join(failed, id), join(msg, id))
  const third = await open(async () => delivered)
  await until(empty(third))
  assert.deepEqual(await files(), { ...nothing, failed: [id, `${id}.state`] })
})

test('a home that is not there is an operator\'s fault, said so', async () => {
  await assert.rejects(Queue.open({ home: join(home, 'missing'), deliver: async () => delivered, now: Date.now, log, settings }),
    { name: 'HeliosError', code: 'queue-unusable', fault: 'operator' })
})
