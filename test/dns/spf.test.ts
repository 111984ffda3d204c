/**
 * A part of the RFC 7208 suite again, over a real name server. Left out are cases in which nobody replies, names with
 * characters that c-ares does not send, and what cannot stand in a zone.
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { testPlugin, testSession } from '../../core/plugin/testing/index.ts'
import type { Command } from '../../core/plugin/index.ts'
import { openDns } from '../../core/world/dns.ts'
import { createWorld } from '../../core/world/real.ts'
import { settingsReader } from '../../core/host/runtimes/settings.ts'
import spf from '../../plugins/spf/index.ts'
import { dnsOf, readSuite, type Case, type Scenario } from '../conformance/spf/suite.ts'
import { startNameServer } from '../harness/name-server.ts'
import { peer } from '../peers.ts'

const SENT = /^[a-z0-9._*/-]*$/i
const ENV = { SPF: '1' }
const SAMPLE = new Set([
  'A mechanism syntax', 'Include mechanism semantics and syntax', 'MX mechanism syntax', 'Macro expansion rules', 'Processing limits',
])
let compared = 0

describe('SPF over a real name server', { skip: peer('nsd') === undefined }, () => {
  for (const scenario of readSuite().filter(({ about }) => SAMPLE.has(about))) {
    it(scenario.about, async () => {
      const cases = await Promise.all(scenario.tests.map(async (test) => ({ test, expected: await inTestWorld(test, scenario) })))
      const askable = cases.filter(({ expected }) => expected.askable)
      if (askable.length === 0) return
      const server = await startNameServer(zoneOf(scenario))
      const dns = openDns({ servers: [server!.address], timeoutSeconds: 20, cacheBytes: 0, questionsPerHook: 200, secondsPerHook: 60 })
      for (const { test, expected } of askable) {
        assert.deepEqual(await overNetwork(test, dns), expected.commands, test.name)
        compared++
      }
      await server!.stop()
    })
  }
  after(() => { assert.equal(compared, 88) })
})

const sessionOf = (test: Case) => ({ client: { ip: test.host, port: 4000, host: undefined }, helo: test.helo, reversePath: test.mailfrom })

async function inTestWorld(test: Case, { zone }: Scenario): Promise<{ readonly commands: readonly Command[]; readonly askable: boolean }> {
  const { commands, facts } = await testPlugin(spf, { hook: 'mail', env: ENV, control: { me: 'receiver.example\n' }, dns: dnsOf(zone), session: sessionOf(test) })
  const askable = facts.every(({ question, answer }) => !answer.startsWith('unavailable') && SENT.test(question.split(' ').slice(2).join(' ')))
  return { commands, askable }
}

async function overNetwork(test: Case, dns: ReturnType<typeof openDns>): Promise<unknown> {
  const session = testSession('mail', sessionOf(test), ENV)
  const nobody = (): Promise<never> => Promise.reject(new Error('an SPF check asks DNS only'))
  const { signal } = new AbortController()
  const world = createWorld({ dns, accounts: { find: nobody, hasDomain: nobody }, mailbox: { deliver: nobody } } as never).forRequest({
    plugin: 'spf', needs: [], signal, onSleep: () => undefined, trace: { add: () => undefined, flush: () => undefined } as never,
  })
  const log = { info: () => undefined, warn: () => undefined }
  const settings = settingsReader(spf)(session.env) as Parameters<NonNullable<typeof spf.mail>>[0]['settings']
  return [await spf.mail!({ session, settings, control: { me: 'receiver.example' }, world, log, signal })].flat().filter((each) => each !== undefined)
}

/** In master format (RFC 1035 section 5). Names that cannot stand in a zone are left out. */
function zoneOf({ zone }: Scenario): string {
  return Object.entries(zone).flatMap(([name, entries]) => {
    if (name.split('.').some((label) => label.length > 63 || label === '')) return []
    return entries.flatMap((entry) => {
      if (entry === 'TIMEOUT' || entry[1] === 'TIMEOUT') return []
      const [type, value] = entry
      const data = typeof value !== 'string' ? `${value[0]} ${hostName(value[1])}` : type === 'TXT' ? strings(value) : type.startsWith('A') ? value : hostName(value)
      return [`${hostName(name)} ${type} ${data}\n`]
    })
  }).join('')
}

function hostName(name: string): string {
  return `${name.replace(/[^A-Za-z0-9._*-]/g, escaped).replace(/\.$/, '')}.`
}

function strings(text: string): string {
  return (text.match(/[^]{1,255}/g) ?? ['']).map((part) => `"${part.replace(/[^ !#-[\]-~]/g, escaped)}"`).join(' ')
}

const escaped = (character: string): string => `\\${String(character.charCodeAt(0)).padStart(3, '0')}`
