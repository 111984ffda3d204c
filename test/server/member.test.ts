/** A process that serves sessions and cannot be made, or told what to do, is one that has ended: another one is tried. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSettings } from '../../config/load.ts'
import { Member } from '../../core/server/processes/member.ts'
import { LoginThrottle } from '../../core/smtp/login-throttle.ts'
import { makeHome } from '../harness/home.ts'

/** No descriptor of this number is open, so the system refuses, and Node throws. */
const NOBODYS = 4000

test('what the system refuses is told as the end of the process, and nothing throws', async () => {
  const home = await makeHome()
  const settings = await loadSettings({ home: home.path, cwd: home.path })
  const member = new Member({
    settings, number: 1, mark: 'abcdef', pepper: new Uint8Array(32), tickets: Buffer.alloc(48), throttle: new LoginThrottle(() => 0),
    sockets: [NOBODYS], trace: () => {}, accepted: () => {}, lead: () => Promise.reject(new Error('nobody asks')), take: () => () => {},
  })
  assert.equal(member.pid, undefined)
  member.finish()
  member.kill()
  assert.match(await member.ended, /^it does not start: .*EBADF/)
  await assert.rejects(member.ready, /it does not start/)
})

test('one that cannot be told what to do is ended', async () => {
  const home = await makeHome()
  const settings = { ...await loadSettings({ home: home.path, cwd: home.path }), odd: 1n }
  const member = new Member({
    settings, number: 1, mark: 'abcdef', pepper: new Uint8Array(32), tickets: Buffer.alloc(48), throttle: new LoginThrottle(() => 0),
    sockets: [], trace: () => {}, accepted: () => {}, lead: () => Promise.reject(new Error('nobody asks')), take: () => () => {},
  })
  assert.match(await member.ended, /^SIGKILL: .*BigInt/)
  await assert.rejects(member.ready, /BigInt/)
})
