/**
 * SIGKILL at random moments while messages are accepted and delivered: every accepted message arrives whole at each
 * recipient, and no more copies than were being delivered when the process died.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { maildirOf } from './kit.ts'
import { contentOf, recipientsOf } from './kill-messages.ts'

const ROUNDS = 10
const SENDERS = 8
const DELIVERIES = 4
/** Numbers of one round never meet those of the next. */
const STRIDE = 100_000

async function start(home: string, first: number, mode: 'run' | 'drain') {
  const program = join(import.meta.dirname, 'kill-child.ts')
  const child = spawn(process.execPath, [program, home, String(first), String(SENDERS), String(DELIVERIES), mode],
    { stdio: ['ignore', 'pipe', 'inherit'] })
  const accepted: number[] = []
  const lines = createInterface({ input: child.stdout })
  const ended = Promise.all([once(child, 'exit'), once(lines, 'close')])
  const opened = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line === 'open') resolve()
      else accepted.push(Number(line))
    })
    child.once('exit', () => resolve())
  })
  await opened
  return { child, accepted, ended }
}

test(`${ROUNDS} kills`, async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'helios-kill-'))
  try {
    await mkdir(join(home, 'mail'))
    const accepted = new Set<number>()
    for (let round = 0; round < ROUNDS; round++) {
      const { child, accepted: numbers, ended } = await start(home, round * STRIDE, 'run')
      await sleep(20 + Math.random() * 400)
      child.kill('SIGKILL')
      const [[, signal]] = await ended
      assert.equal(signal, 'SIGKILL')
      for (const number of numbers) accepted.add(number)
    }
    const last = await start(home, 0, 'drain')
    const [[code]] = await last.ended
    assert.equal(code, 0)

    for (const place of ['msg', 'state', 'tmp', 'failed', 'corrupt']) assert.deepEqual(await readdir(join(home, 'queue', place)), [])
    const copies = new Map<string, number>()
    for (const recipient of recipientsOf(2)) {
      const inbox = join(maildirOf(home, recipient), 'new')
      for (const name of await readdir(inbox)) {
        const text = await readFile(join(inbox, name), 'latin1')
        const number = Number(/^X-Number: ([0-9]+)$/m.exec(text)?.[1])
        assert.ok(text.endsWith(`\nDelivered-To: ${recipient}\n${contentOf(number).toString('latin1')}`), `${name} is not a whole message`)
        const key = `${number} ${recipient}`
        copies.set(key, (copies.get(key) ?? 0) + 1)
      }
    }
    for (const number of accepted) {
      for (const to of recipientsOf(number)) assert.ok(copies.has(`${number} ${to}`), `message ${number} for ${to} is lost`)
    }
    const extra = [...copies.values()].reduce((sum, count) => sum + count - 1, 0)
    assert.ok(extra <= ROUNDS * DELIVERIES, `${extra} more copies than could be in flight`)
    t.diagnostic(`${accepted.size} messages accepted, ${copies.size} deliveries, ${extra} repeated`)
    assert.ok(accepted.size > 0)
  } finally {
    await rm(home, { recursive: true, maxRetries: 3 })
  }
})
