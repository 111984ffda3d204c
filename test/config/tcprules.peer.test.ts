/** Rules that Helios reads mean what they mean to tcpserver: generated rules and clients, judged by tcprules and tcprulescheck. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { lookup, parseTcpRules, type TcpClient } from '../../protocol/qmail/tcprules.ts'
import { peer } from '../peers.ts'

const tcprules = peer('tcprules')
const tcprulescheck = peer('tcprulescheck')
const directory = mkdtempSync(join(tmpdir(), 'helios-tcprules-'))
after(() => rmSync(directory, { recursive: true }))

/** What the originals make of a rules file and a client, or undefined when they refuse the file. */
function original(content: string, clients: readonly TcpClient[]): readonly string[] | undefined {
  const [source, cdb] = [join(directory, 'rules'), join(directory, 'cdb')]
  rmSync(cdb, { force: true })
  writeFileSync(source, content)
  if (spawnSync('/bin/sh', ['-c', 'exec "$0" "$1" "$1.tmp" < "$2"', tcprules!, cdb, source]).status !== 0) return undefined
  return clients.map(({ ip, host, info }) => execFileSync(tcprulescheck!, [cdb], {
    encoding: 'latin1',
    env: { TCPREMOTEIP: ip, ...(host === undefined ? {} : { TCPREMOTEHOST: host }),
      ...(info === undefined ? {} : { TCPREMOTEINFO: info }) },
  }))
}

/** Our own answer in tcprulescheck's words. */
function ours(content: string, clients: readonly TcpClient[]): readonly string[] | undefined {
  const { rules, problems } = parseTcpRules(content)
  if (problems.some((problem) => problem.warning !== true)) return undefined
  return clients.map((client) => {
    const { rule, allow, variables } = lookup(rules, client)
    const lines = variables.map(([name, value]) => `set environment variable ${name}=${value}\n`).join('')
    return `${rule === undefined ? 'default' : `rule ${rule.key}`}:\n${lines}${allow ? 'allow' : 'deny'} connection\n`
  })
}

const number = fc.constantFrom('1', '2', '3', '10', '254', '255', '300', '02', '')
const part = fc.oneof({ weight: 4, arbitrary: number }, fc.tuple(number, number).map(([from, to]) => `${from}-${to}`))
const dotted = fc.array(part, { minLength: 1, maxLength: 4 }).chain((parts) => fc.constantFrom(parts.join('.'), `${parts.join('.')}.`))
const name = fc.array(fc.constantFrom('a', 'b', 'ain', 'dom-x', '1'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'))
const user = fc.constantFrom('joe', 'x-y', '')
const address = fc.oneof(
  { weight: 5, arbitrary: dotted }, name.map((host) => `=${host}`), name.map((host) => `=.${host}`), fc.constantFrom('', '=', '@', '#',
    ' 1.2.3.4'),
  fc.tuple(user, dotted).map(([info, ip]) => `${info}@${ip}`), fc.tuple(user, name).map(([info, host]) => `${info}@=${host}`),
)
const value = fc.string({ unit: fc.constantFrom('a', 'x', ' ', ',', '=', '/', ':', '#'), maxLength: 4 })
const variable = fc.tuple(fc.constantFrom('RELAYCLIENT', 'A', 'b,c', '1'), fc.constantFrom('"', '/', 'x', '=', ','), value)
  .map(([key, quote, text]) => `,${key}=${quote}${text}${quote}`)
const instruction = fc.oneof({ weight: 12, arbitrary: fc.constantFrom('allow', 'deny') }, fc.constantFrom('Allow', 'allowed', '',
  'allow,', 'deny ,A="x"', 'allow,A="x"b'))
const rule = fc.tuple(address, instruction, fc.array(variable, { maxLength: 2 }), fc.constantFrom('', ' ', '\t')).map(
  ([key, what, variables, blanks]) => `${key}:${what}${variables.join('')}${blanks}`,
)
const line = fc.oneof({ weight: 12, arbitrary: rule }, fc.constantFrom('', '# 1.2.3.4:deny', 'no rule at all'))
const octet = fc.constantFrom('1', '2', '3', '10', '254', '255')
const client = fc.record({
  ip: fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.')),
  host: fc.option(name, { nil: undefined }),
  info: fc.option(user, { nil: undefined }),
})

test('rule, variables and verdict are those of tcprules and tcprulescheck',
  { skip: tcprules === undefined || tcprulescheck === undefined }, () => {
  fc.assert(fc.property(fc.array(line, { maxLength: 10 }), fc.array(client, { minLength: 2, maxLength: 3 }), (lines, clients) => {
    const content = `${lines.join('\n')}\n`
    assert.deepEqual(ours(content, clients), original(content, clients))
  }), { numRuns: 200 })
})

test('every step of the order of lookup is the original one', { skip: tcprules === undefined || tcprulescheck === undefined }, () => {
  const keys = ['joe@1.2.3.4', 'joe@=x.dom.ain', '1.2.3.4', '=x.dom.ain', '1.2.3.', '1.2.', '1.', '=.dom.ain', '=.ain', '=', '']
  const clients = [
    { ip: '1.2.3.4', host: 'x.dom.ain', info: 'joe' }, { ip: '1.2.3.4', host: 'x.dom.ain' }, { ip: '1.2.3.4', info: 'joe' },
    { ip: '1.2.3.4' }, { ip: '9.9.9.9', host: 'y.dom.ain' }, { ip: '9.9.9.9', host: '' }, { ip: '', info: '' },
  ]
  fc.assert(fc.property(fc.subarray(keys), (subset) => {
    const content = subset.map((key) => `${key}:allow,K="${key}"\n`).join('')
    assert.deepEqual(ours(content, clients), original(content, clients))
  }), { numRuns: 60 })
})
