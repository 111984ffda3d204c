/**
 * The fault matrix: whatever a line does, its session is answered by the line's policy, the trace says what happened, nobody
 * else notices, and nothing is left behind. `helios chaos` plays the same on an operator's own list.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSettings } from '../../config/load.ts'
import { FAULTS } from '../../core/chaos/catalogue.ts'
import { runChaos, type ChaosOptions, type ChaosReport } from '../../core/chaos/chaos.ts'
import { RUNTIMES, STAGES } from '../../core/chaos/fault.ts'
import { makeHome } from '../harness/home.ts'

const PLUGIN = `import { definePlugin, error } from 'helios-mail/plugin'

export default definePlugin({
  name: 'own', summary: 'An operator\\'s plugin that has nothing against anybody.',
  rcpt: ({ session }) => session.recipient === 'nobody@local.example' ? error('550 nobody') : undefined,
})
`

/** An operator's list in every runtime. */
const home = await makeHome({
  'control/smtpplugins': '[mail]\n:echo S"SEEN=$SMTPMAILFROM"\n[rcpt]\nplugins/own.ts\nmaxrcpts\n'
    + '[data]\n@protocol=spp2 plugins/worker.sh\n[+deliver]\nmaildir\n',
  'plugins/own.ts': PLUGIN,
  'plugins/worker.sh': '#!/bin/sh\necho spp/2\nwhile read -r line; do [ "$line" ] || echo .; done\n',
})

async function play(options: Omit<ChaosOptions, 'settings'>): Promise<ChaosReport> {
  const report = await runChaos({ ...options, settings: await loadSettings({ home: home.path, cwd: home.path }) })
  const { disturbed, undisturbed } = report.bystanders
  console.log(`${report.cells.length} cells, ${report.ms} ms; 99 of 100 answers within ${disturbed.p99} ms, undisturbed ${undisturbed.p99} ms`)
  return report
}

/** What is wrong, in words. */
function wrongs({ cells, unreached, bystanders, server }: ChaosReport): readonly string[] {
  return [
    ...cells.filter(({ ok }) => !ok).map(({ fault, stage, runtime, why }) => `${fault} at ${stage} in ${runtime}: ${why}`),
    ...unreached.map(({ stage, why }) => `${stage}: ${why}`),
    ...[...bystanders.undisturbed.wrong, ...bystanders.disturbed.wrong].map((what) => `a bystander: ${what}`),
    ...server.filter(({ ok }) => !ok).map(({ what, detail }) => `${what}: ${detail}`),
  ]
}

test('every fault, at every stage, in every runtime', async () => {
  const report = await play({ stages: STAGES })
  assert.deepEqual(wrongs(report), [])
  assert.equal(report.ok, true)
  const counts = RUNTIMES.map((runtime) => report.cells.filter((cell) => cell.runtime === runtime).length)
  assert.deepEqual(counts, RUNTIMES.map((runtime) => FAULTS.filter(({ forms }) => runtime in forms).length * STAGES.length))
  assert.ok(report.bystanders.disturbed.answers > 100)
})

/** One of each kind: the whole at 64 is for `helios chaos --sessions 64`. */
const MANY = [
  'throw', 'never-answer', 'answer-twice', 'busy-loop', 'exit-120', 'sigkill', 'garbage', 'half-line', 'crlf-in-reply', 'stderr-100mb',
  'grandchild',
]

test('64 sessions through one fault at the same time', async () => {
  const report = await play({ stages: ['rcpt'], faults: FAULTS.filter(({ name }) => MANY.includes(name)), sessions: 64 })
  assert.deepEqual(wrongs(report), [])
  assert.equal(report.ok, true)
  assert.equal(new Set(report.cells.map(({ fault }) => fault)).size, MANY.length)
})
