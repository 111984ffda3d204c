import assert from 'node:assert/strict'
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Message } from '../plugin/message.ts'
import type { Account } from '../plugin/world.ts'
import { sizeInName } from '../../protocol/maildir/name.ts'
import { DeliveryError } from '../plugin/world.ts'
import { createMailbox } from './deliver.ts'

let root: string
let warnings: string[]
let account: Account

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'helios-mailbox-')))
  warnings = []
  await mkdir(join(root, 'mail'))
  const home = join(root, 'mail', 'example.org', 'joe')
  account = { login: 'joe', domain: 'example.org', home, maildir: join(home, 'Maildir'), quota: 0, active: true }
})
afterEach(() => rm(root, { recursive: true }))

const mailbox = () => createMailbox({
  now: Date.now, host: 'mx.example.org', mailRoot: join(root, 'mail'),
  log: { debug() {}, info() {}, error() {}, warn: (_, message) => void warnings.push(message) },
})
const messageOf = (text: string, size = Buffer.byteLength(text)): Message => ({
  id: 'id', size, header: async () => [], file: () => Promise.reject(new Error('not asked for')),
  async *content() {
    for (let at = 0; at < text.length; at += 7) yield Buffer.from(text.slice(at, at + 7))
  },
})
const envelope = { reversePath: 's@x', recipient: 'joe@example.org' }
const later = (text: string) => (error: unknown): boolean => error instanceof DeliveryError && !error.permanent && error.text === text
const NO_MAILDIR = '451 Unable to chdir to maildir. (#4.2.1)'

test('the first delivery makes the mailbox; the file says from whom, to whom, and how big it is', async () => {
  const name = await mailbox().deliver(account, messageOf('Subject: x\n\nbody\n'), envelope)
  const bytes = await readFile(join(account.maildir, 'new', name))
  assert.equal(bytes.toString(), 'Return-Path: <s@x>\nDelivered-To: joe@example.org\nSubject: x\n\nbody\n')
  assert.equal(sizeInName(name), bytes.length)
  assert.deepEqual(await readdir(join(account.maildir, 'tmp')), [])
  for (const path of [account.home, account.maildir, join(account.maildir, 'cur')]) assert.equal((await lstat(path)).mode & 0o777, 0o700)
  assert.equal((await lstat(join(account.maildir, 'new', name))).mode & 0o777, 0o600)
})

test('many at once into a mailbox that is not there yet, and an empty message', async () => {
  const boxes = [mailbox(), mailbox()]
  const bounce = { ...envelope, reversePath: '' }
  const names = await Promise.all(Array.from({ length: 20 }, (_, i) => boxes[i % 2]!.deliver(account, messageOf(''), bounce)))
  assert.deepEqual((await readdir(join(account.maildir, 'new'))).toSorted(), names.toSorted())
  assert.equal((await readFile(join(account.maildir, 'new', names[0]!))).toString(), 'Return-Path: <>\nDelivered-To: joe@example.org\n')
})

test('a message that was here before is looping; one for a similar address is not', async () => {
  const looping = mailbox().deliver(account, messageOf('Received: x\nDelivered-To: joe@example.org\n\n'), envelope)
  await assert.rejects(looping, (error) => error instanceof DeliveryError && error.permanent
    && error.text === '554 This message is looping: it already has my Delivered-To line. (#5.4.6)')
  assert.deepEqual(await readdir(join(account.maildir, 'new')), [])
  assert.deepEqual(await readdir(join(account.maildir, 'tmp')), [])
  const similar = 'delivered-to: joe@example.org\nDelivered-To: Joe@example.org\n\nDelivered-To: joe@example.org\n'
  await mailbox().deliver(account, messageOf(similar), envelope)
})

test('no step below the mail directory may be a link, and nothing is written through one', async () => {
  await mailbox().deliver(account, messageOf('x'), envelope)
  const elsewhere = join(root, 'elsewhere')
  const { maildir } = account
  for (const step of [join(root, 'mail', 'example.org'), account.home, maildir, join(maildir, 'new'), join(maildir, 'tmp')]) {
    await rename(step, elsewhere)
    await symlink(elsewhere, step)
    await assert.rejects(mailbox().deliver(account, messageOf('y'), envelope), later(NO_MAILDIR))
    await rm(step)
    await symlink(join(root, 'nowhere'), step)
    await assert.rejects(mailbox().deliver(account, messageOf('y'), envelope), later(NO_MAILDIR))
    await rm(step)
    await rename(elsewhere, step)
  }
  assert.equal((await readdir(join(account.maildir, 'new'))).length, 1)
  assert.deepEqual(await readdir(join(account.maildir, 'tmp')), [])
  assert.match(warnings[0]!, /symbolic link: it leads to .*elsewhere.*replace the link/)
})

test('the mail directory itself may be a link of the operator; where it is missing nothing is made', async () => {
  await rename(join(root, 'mail'), join(root, 'disk'))
  await assert.rejects(mailbox().deliver(account, messageOf('y'), envelope), later(NO_MAILDIR))
  await symlink(join(root, 'disk'), join(root, 'mail'))
  await mailbox().deliver(account, messageOf('y'), envelope)
})

test('an account elsewhere: its home must exist and be no link; a maildir outside of both is refused', async () => {
  const away: Account = { ...account, home: join(root, 'users', 'ann'), maildir: join(root, 'users', 'ann', 'Maildir') }
  await assert.rejects(mailbox().deliver(away, messageOf('y'), envelope), later(NO_MAILDIR))
  assert.match(warnings[0]!, /autohomedir/)
  await mkdir(away.home, { recursive: true })
  await mailbox().deliver(away, messageOf('y'), envelope)
  await symlink(join(root, 'users'), join(root, 'people'))
  const linked = { ...away, home: join(root, 'people', 'ann'), maildir: join(root, 'people', 'ann', 'Maildir') }
  await assert.rejects(mailbox().deliver(linked, messageOf('y'), envelope), later(NO_MAILDIR))
  for (const maildir of [join(root, 'mail', '..', 'queue', 'Maildir'), 'Maildir', join(root, 'mail')]) {
    await assert.rejects(mailbox().deliver({ ...account, maildir }, messageOf('y'), envelope), later(NO_MAILDIR))
  }
})

test('a message that is not as long as it says is not delivered', async () => {
  const short = mailbox().deliver(account, messageOf('short', 50), envelope)
  await assert.rejects(short, later('451 Temporary error on maildir delivery. (#4.3.0)'))
  assert.deepEqual(await readdir(join(account.maildir, 'new')), [])
  assert.deepEqual(await readdir(join(account.maildir, 'tmp')), [])
  assert.match(warnings[0]!, /msg id: not delivered to .*Maildir.*should have 50/)
})

test('files of 36 hours in tmp/ go, younger ones stay', async () => {
  for (const part of ['', 'tmp', 'new', 'cur']) await mkdir(join(account.maildir, part), { recursive: true })
  const old = new Date(Date.now() - 37 * 3_600_000)
  for (const name of ['stale', 'fresh']) await writeFile(join(account.maildir, 'tmp', name), '')
  await utimes(join(account.maildir, 'tmp', 'stale'), old, old)
  const box = mailbox()
  await box.deliver(account, messageOf('y'), envelope)
  assert.deepEqual(await readdir(join(account.maildir, 'tmp')), ['fresh'])
  await utimes(join(account.maildir, 'tmp', 'fresh'), old, old)
  await box.deliver(account, messageOf('y'), envelope)
  assert.deepEqual(await readdir(join(account.maildir, 'tmp')), ['fresh'], 'once a day is enough')
})
