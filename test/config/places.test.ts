/** What `helios check` says of the places a server writes. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readControl } from '../../config/control.ts'
import { checkPlaces } from '../../config/places.ts'
import { directoryWith } from './temp.ts'

async function said(home: string): Promise<readonly string[]> {
  const { control } = await readControl(home)
  return (await checkPlaces(home, control)).map(({ severity, file, reason }) => `${severity} ${file}: ${reason}`)
}

const MINIMAL = { 'control/me': 'mail.example.org\n', 'control/rcpthosts': '' }

test('a home that has served nothing yet has nothing to mend', async (t) => {
  const home = directoryWith(t, MINIMAL)
  assert.deepEqual(await said(home), [])
  mkdirSync(join(home, 'mail'))
  assert.deepEqual(await said(home), [])
})

test('directories of the queue that somebody removed are named', async (t) => {
  const home = directoryWith(t, MINIMAL)
  mkdirSync(join(home, 'queue'))
  assert.deepEqual(await said(home), [], 'no server runs')
  for (const name of ['queue/tmp', 'queue/msg', 'queue/state', 'run']) mkdirSync(join(home, name))
  writeFileSync(join(home, 'run/status.json'), '{}')
  assert.deepEqual(await said(home), [])
  rmSync(join(home, 'queue/msg'), { recursive: true })
  const [missing, ...more] = await said(home)
  assert.match(missing!, /^warning queue\/msg: the directory is missing/)
  assert.deepEqual(more, [])
  rmSync(join(home, 'queue'), { recursive: true })
  assert.equal((await said(home)).length, 3)
})

test('mailboxes without accounts are named, where the accounts stand in helios.db', async (t) => {
  const home = directoryWith(t, { ...MINIMAL, 'mail/example.org/ann/Maildir/new/x': '' })
  const [gone, ...more] = await said(home)
  assert.match(gone!, /^warning helios\.db: the file is missing/)
  assert.deepEqual(more, [])
  writeFileSync(join(home, 'control/qmailconfig'), 'connectionstring host=127.0.0.1 dbname=mail user=u\n')
  assert.deepEqual((await said(home)).filter((line) => line.includes('helios.db')), [])
})

test('what this user may not write is named with its directory, and not what lies below it', { skip: process.geteuid?.() === 0 }, async (t) => {
  const home = directoryWith(t, MINIMAL)
  for (const name of ['queue', 'queue/tmp', 'queue/msg', 'queue/state', 'mail']) mkdirSync(join(home, name))
  writeFileSync(join(home, 'helios.db'), '')
  chmodSync(join(home, 'queue/msg'), 0o500)
  chmodSync(join(home, 'helios.db'), 0)
  chmodSync(join(home, 'mail'), 0)
  const lines = (await said(home)).map((line) => line.split(':', 1)[0])
  // What a test made it must be able to take away.
  chmodSync(join(home, 'mail'), 0o700)
  assert.deepEqual(lines.toSorted(), ['error helios.db', 'error mail', 'error queue/msg'])
})
