import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { mailboxUse } from './use.ts'

test('messages of all folders count, and nothing else does', async (t) => {
  const maildir = mkdtempSync(join(tmpdir(), 'helios-use-'))
  t.after(() => rmSync(maildir, { recursive: true, force: true }))
  for (const part of ['tmp', 'new', 'cur', '.Work/new', '.Work/cur', '.Empty/cur', 'no folder/cur']) mkdirSync(join(maildir, part), { recursive: true })
  const bytes: Readonly<Record<string, number>> = {
    'new/1.a': 10, 'cur/2.a:2,S': 200, '.Work/cur/3.a:2,': 3000, '.Work/new/4.a': 40_000,
    'tmp/5.a': 1, 'maildirsize': 1, '.Work/maildirfolder': 0, 'cur/.hidden': 1, 'no folder/cur/6.a': 1,
  }
  for (const [name, size] of Object.entries(bytes)) writeFileSync(join(maildir, name), 'x'.repeat(size))
  symlinkSync('/', join(maildir, '.Root'))
  symlinkSync('/etc/passwd', join(maildir, 'cur/7.a'))
  assert.deepEqual(await mailboxUse(maildir), { messages: 4, unseen: 2, bytes: 43_210, folders: 2 })
})

test('no mailbox is no error; what is none holds nothing', async () => {
  assert.equal(await mailboxUse('/nowhere/at/all'), undefined)
  assert.equal(await mailboxUse('/dev/null'), undefined)
})
