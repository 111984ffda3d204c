import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { StatusFile, type ServerStatus } from './status-file.ts'

const STATUS: ServerStatus = {
  pid: 1, startedAt: 0, generation: { number: 1, loadedAt: 0 }, files: {}, reloadsDone: 0, listeners: [], plugins: [], sessions: 0,
  queue: { messages: 0, recipientsWaiting: 0, oldest: undefined, failed: 0, corrupt: 0 },
}

test('the status is written into run/, which is made where it is missing; a home that was moved away is not made anew', async (t) => {
  const home = join(mkdtempSync(join(tmpdir(), 'helios-status-')), 'home')
  t.after(() => rmSync(join(home, '..'), { recursive: true }))
  mkdirSync(home)
  const written = async (): Promise<void> => {
    const file = new StatusFile(home, () => STATUS)
    while (!existsSync(join(home, 'run/status.json'))) await new Promise((resolve) => { setImmediate(resolve) })
    assert.equal(JSON.parse(readFileSync(join(home, 'run/status.json'), 'utf8')).pid, 1)
    await file.close()
  }
  await written()
  await written()
  renameSync(home, `${home}.away`)
  await new StatusFile(home, () => STATUS).close()
  assert.equal(existsSync(home), false)
})
