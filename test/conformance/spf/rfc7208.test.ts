/** Every case of the RFC 7208 suite, put to the plugin in a test world. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testPlugin, type TestResult } from '../../../core/plugin/testing/index.ts'
import spf from '../../../plugins/spf/index.ts'
import { dnsOf, readSuite, type Case, type Scenario } from './suite.ts'

const suite = readSuite()

for (const scenario of suite) {
  describe(scenario.about, () => {
    for (const test of scenario.tests) {
      it(test.name, async () => {
        const answer = await ask(test, scenario.zone)
        const result = resultOf(answer)
        assert.ok(test.result.includes(result), `${result}, not ${test.result.join(' or ')}: ${JSON.stringify(answer.facts)}`)
        if (result === 'fail' && test.explanation !== undefined) assert.equal(explanationOf(answer).toLowerCase(), test.explanation.toLowerCase())
      })
    }
  })
}

it('is the whole suite', () => {
  assert.equal(suite.flatMap(({ tests }) => tests).length, 203)
})

function ask(test: Case, zone: Scenario['zone']): Promise<TestResult> {
  return testPlugin(spf, {
    hook: 'mail', env: { SPF: '1' }, control: { me: 'receiver.example\n' }, dns: dnsOf(zone),
    session: { client: { ip: test.host, port: 4000, host: undefined }, helo: test.helo, reversePath: test.mailfrom },
  })
}

/** At level 1 a fail is refused; every other result stands in the field. */
function resultOf({ commands: [first], fault }: TestResult): string {
  if (first?.kind === 'H') return /^Received-SPF: (\w+)/.exec(first.text)?.[1] ?? first.text
  if (first?.kind === 'E') return /\(SPF (\w+)\)/.exec(first.text)?.[1] ?? first.text
  return JSON.stringify(fault)
}

function explanationOf({ commands: [first] }: TestResult): string {
  if (first?.kind !== 'E') return ''
  return /: its owner explains: (.*) \(#5\.7\.23\)$/.exec(first.text)?.[1] ?? 'DEFAULT'
}
