import assert from 'node:assert/strict'
import { mkdtemp, mkdir, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { SpawnJob, SpawnResult } from '../host/children/types.ts'
import type { Account } from '../plugin/world.ts'
import { HeliosError } from '../error.ts'
import { createHomeMaker } from './home-maker.ts'

const ENDED: SpawnResult = { exit: 0, signal: undefined, stdout: Buffer.alloc(0), truncated: false, timedOut: false, aborted: false, stderr: '', ms: 1 }

async function begin(t: TestContext, work: (job: SpawnJob) => Promise<Partial<SpawnResult>>) {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'helios-homes-')))
  t.after(() => rm(root, { recursive: true }))
  const mailRoot = join(root, 'mail')
  await mkdir(mailRoot)
  const jobs: SpawnJob[] = []
  const make = createHomeMaker({
    home: root, program: () => '/sbin/make-home', mailRoot: () => mailRoot,
    run: async (job) => {
      jobs.push(job)
      return { ...ENDED, ...await work(job) }
    },
  })
  const account = (login: string, home = join(mailRoot, 'example.org', login)): Account => ({
    login, domain: 'example.org', home, maildir: join(home, 'Maildir'), quota: 0, active: true,
  })
  return { root, mailRoot, jobs, make, account }
}

const makeIt = async ({ env }: SpawnJob): Promise<Partial<SpawnResult>> => {
  await mkdir(env['HOME']!, { recursive: true })
  return {}
}

test('a home that is missing is made once, whoever else waits for it; one that is there is left alone', async (t) => {
  const { root, mailRoot, jobs, make, account } = await begin(t, makeIt)
  const joe = account('joe')
  await Promise.all([make(joe), make(joe), make(account('ann'))])
  await make(joe)
  assert.equal(jobs.length, 2)
  const { env, cwd, form } = jobs.find((job) => job.env['USER'] === 'joe')!
  assert.deepEqual([cwd, form, env['AUTOHOMEDIR'], env['HOME'], env['DOMAIN'], env['MAIL_ROOT']], [root, 'shell', '/sbin/make-home', joe.home, 'example.org', mailRoot])
  // A link that leads nowhere is somebody's doing, and delivery refuses it.
  await symlink('/nowhere', join(root, 'link'))
  await make(account('eve', join(root, 'link')))
  await make(account('far', join(root, 'elsewhere')))
  await make(account('odd', '-rf'))
  assert.equal(jobs.length, 3)
})

test('without a program, and without the mail directory, nothing is run', async (t) => {
  const none = await begin(t, makeIt)
  const off = createHomeMaker({ home: none.root, program: () => undefined, mailRoot: () => none.mailRoot, run: () => Promise.reject(new Error('run')) })
  await off(none.account('joe'))
  await rm(none.mailRoot, { recursive: true })
  await none.make(none.account('joe'))
  assert.equal(none.jobs.length, 0)
})

test('what went wrong is said', async (t) => {
  const cases: readonly (readonly [Partial<SpawnResult>, RegExp])[] = [
    [{ exit: 3, stderr: 'first\nno room\n' }, /ended with status 3 \(it said: no room\)/], [{}, /ended with status 0; .* is not there/],
    [{ exit: undefined, signal: 'SIGKILL', timedOut: true }, /did not end within 60 s/], [{ exit: undefined, signal: 'SIGSEGV' }, /ended by SIGSEGV/],
    [{ exit: undefined, cannotExecute: 'no such file' }, /cannot be run: no such file/], [{ exit: undefined, cannotStart: 'out of memory' }, /could not be started: out of memory/],
  ]
  for (const [result, expected] of cases) {
    const { make, account } = await begin(t, async () => result)
    await assert.rejects(make(account('joe')), (error) => error instanceof HeliosError && error.code === 'mailbox-home' && expected.test(error.message))
  }
})
