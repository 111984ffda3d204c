/**
 * SPF checks in a second of processor time, over the cases of the RFC 7208 suite with their zones in memory: the engines of the plugin spf, and
 * Debian's pyspf (package python3-spf) where it is installed. Prints a table with how many cases each decides as the suite says.
 *
 * usage: node test/bench/spf.ts [rounds]
 */
import { spawnSync } from 'node:child_process'
import { nodeResolver } from '../../core/plugin/index.ts'
import { madeUpDns } from '../../core/plugin/testing/dns.ts'
import { check } from '../../plugins/spf/check.ts'
import type { Finding, Question } from '../../plugins/spf/finding.ts'
import { check as checkOtherwise } from '../../plugins/spf/other-engine.ts'
import { dnsOf, readSuite } from '../conformance/spf/suite.ts'

const ROUNDS = Number(process.argv[2] ?? 20)
const suite = readSuite()
const cases = suite.flatMap(({ zone, tests }) => tests.map((test) => ({ test, resolver: nodeResolver(madeUpDns(dnsOf(zone))) })))

type Check = (question: Question, resolver: ReturnType<typeof nodeResolver>) => Promise<Finding>

async function measure(engine: Check): Promise<{ readonly right: number; readonly perSecond: number }> {
  let right = 0
  let since = 0
  // The first round loads and warms up.
  for (let round = -1; round < ROUNDS; round++) {
    if (round === 0) since = processorSeconds()
    right = 0
    for (const { test: { host, helo, mailfrom, result }, resolver } of cases) {
      const found = await engine({ ip: host, helo, sender: mailfrom, receiver: 'receiver.example' }, resolver)
      if (result.includes(found.result)) right++
    }
  }
  return { right, perSecond: cases.length * ROUNDS / (processorSeconds() - since) }
}

/** Of this process so far, all of its threads: other work on the machine does not count. */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const PYSPF = `
import json, sys, time
import spf
suite = json.loads(sys.stdin.read())
rounds = int(sys.argv[1])
zone = {}
def lookup(name, qtype, *rest, **more):
    for label in name.split('.'):
        if len(label) > 63: raise spf.TempError('label too long')
    seen = False
    for entry in zone.get(name.lower(), []):
        if entry == 'TIMEOUT':
            if seen: return
            raise spf.TempError('DNS timeout')
        kind, value = entry
        if kind != qtype and kind != 'CNAME': continue
        seen = True
        if kind == 'TXT': value = (value.encode('latin-1'),)
        elif kind == 'MX': value = tuple(value)
        yield ((name, kind), value)
spf.DNSLookup = lambda *a, **k: list(lookup(*a, **k))
right = 0
for around in range(-1, rounds):
    if around == 0: since = time.process_time()
    right = 0
    for scenario in suite:
        zone = {name.lower(): entries for name, entries in scenario['zone'].items()}
        for test in scenario['tests']:
            try: found = spf.query(i=test['host'], s=test['mailfrom'], h=test['helo'], strict=1).check()[0]
            except Exception: found = 'exception'
            if found in test['result']: right += 1
print(right, sum(len(s['tests']) for s in suite) * rounds / (time.process_time() - since))
`

const rows: [string, string, string][] = []
for (const [name, engine] of [['mailauth', check], ['spf-check', checkOtherwise]] as const) {
  const { right, perSecond } = await measure(engine)
  rows.push([name, String(right), perSecond.toFixed(0)])
}
const python = spawnSync('/usr/bin/python3', ['-c', PYSPF, String(ROUNDS)], { input: JSON.stringify(suite), encoding: 'utf8' })
const [right, perSecond] = python.stdout?.trim().split(' ') ?? []
if (python.status === 0 && perSecond !== undefined) rows.push(['pyspf', right!, Number(perSecond).toFixed(0)])
else console.log(`pyspf is left out: ${python.stderr?.trim().split('\n').at(-1) ?? 'no python3'}`)
console.log(`engine      of ${cases.length}  checks/s`)
for (const [name, decided, speed] of rows) console.log(`${name.padEnd(12)}${decided.padStart(5)}${speed.padStart(10)}`)
