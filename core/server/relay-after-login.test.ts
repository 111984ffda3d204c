import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorldUnavailable, type Login } from '../plugin/world.ts'
import type { NewTraceEvent } from '../trace/types.ts'
import { relayAfterLogin } from './relay-after-login.ts'

const NOON = Date.UTC(2026, 0, 1, 12)

async function ask(of: Readonly<Record<string, string>>, answer: readonly Login[] | Error) {
  const env = { ...of }
  const asked: unknown[] = []
  const events: NewTraceEvent[] = []
  const accounts = {
    loginsFrom: async (ip: string, since: number) => {
      asked.push([ip, (NOON - since) / 60_000])
      if (answer instanceof Error) throw answer
      return answer
    },
  }
  const start = await relayAfterLogin({ env, ip: '192.0.2.1', accounts, now: NOON, trace: { add: (event) => void events.push(event) } })
  return { start: { env, ...start }, asked, facts: events.map((event) => event.event === 'fact' ? `${event.plugin}: ${event.question} = ${event.answer}` : event.event) }
}

const JOE = { account: 'joe@local.example', at: NOON - 60_000 }

test('a login of the last minutes begins the session as a relay client', async () => {
  const { start, asked, facts } = await ask({ AUTHEXPIRE: '30', PATH: '/bin' }, [JOE])
  assert.deepEqual(start, { env: { AUTHEXPIRE: '30', PATH: '/bin', RELAYCLIENT: '' }, logins: ['joe@local.example'], unknown: false })
  assert.deepEqual(asked, [['192.0.2.1', 30]])
  assert.deepEqual(facts, [`AUTHEXPIRE: accounts.loginsFrom 192.0.2.1 ${NOON - 1_800_000} = joe@local.example at ${JOE.at}`])
})

test('without a login, or without AUTHEXPIRE, nothing changes', async () => {
  assert.deepEqual((await ask({ AUTHEXPIRE: '30' }, [])).start, { env: { AUTHEXPIRE: '30' }, logins: [], unknown: false })
  for (const env of [{}, { AUTHEXPIRE: '0' }, { AUTHEXPIRE: '' }, { AUTHEXPIRE: '-5' }, { AUTHEXPIRE: 'x' }] as Record<string, string>[]) {
    assert.deepEqual(await ask(env, [JOE]), { start: { env, logins: [], unknown: false }, asked: [], facts: [] })
  }
})

test('RELAYCLIENT of a rule stands as it is', async () => {
  assert.equal((await ask({ AUTHEXPIRE: '30', RELAYCLIENT: '@gateway.example' }, [JOE])).start.env['RELAYCLIENT'], '@gateway.example')
})

test('a database that does not answer is neither yes nor no, save where a rule lets the client relay', async () => {
  const down = new WorldUnavailable('locked')
  const { start, facts } = await ask({ AUTHEXPIRE: '30' }, down)
  assert.deepEqual([start.env, start.logins, start.unknown], [{ AUTHEXPIRE: '30' }, [], true])
  assert.match(facts[0]!, /= WorldUnavailable: locked$/)
  assert.equal((await ask({ AUTHEXPIRE: '30', RELAYCLIENT: '' }, down)).start.unknown, false)
})
