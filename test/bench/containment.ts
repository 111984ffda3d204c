/**
 * What a fault costs those who have nothing to do with it: how long bystanders wait for an answer of a sandboxed plugin while
 * the fault matrix is played, and before. The goal is twice the time at most for 99 of 100; who shares a process with a
 * plugin that ends it waits until it is found out and a new process is there.
 *
 * usage: node test/bench/containment.ts [sessions]
 */
import { loadSettings } from '../../config/load.ts'
import { FAULTS } from '../../core/host/chaos/catalogue.ts'
import { runChaos } from '../../core/host/chaos/chaos.ts'
import { RUNTIMES, STAGES, type Stage } from '../../core/host/chaos/fault.ts'
import type { Runtime } from '../../core/host/types.ts'
import { makeHome } from '../harness/home.ts'

interface Run {
  readonly what: string
  readonly runtime: Runtime
  readonly stages: readonly Stage[]
}

/** Where plugins that end their process share it with the bystanders (core/host/chaos/cell.ts). */
const SHARED: readonly Stage[] = ['connection', 'rcpt']

const RUNS: readonly Run[] = [
  ...RUNTIMES.filter((runtime) => runtime !== 'sandbox').map((runtime) => ({ what: runtime, runtime, stages: STAGES })),
  { what: 'sandbox, processes ended elsewhere', runtime: 'sandbox', stages: STAGES.filter((stage) => !SHARED.includes(stage)) },
  { what: 'sandbox, processes ended shared', runtime: 'sandbox', stages: SHARED },
]

const sessions = Number(process.argv[2] ?? 1)
const home = await makeHome()
const settings = await loadSettings({ home: home.path, cwd: home.path })
console.log(`${sessions} session${sessions === 1 ? '' : 's'} through each fault; milliseconds of a bystander's answer`)
for (const { what, runtime, stages } of RUNS) {
  const { cells, bystanders, ms } = await runChaos({ settings, faults: FAULTS, stages, runtimes: [runtime], sessions })
  const { undisturbed, disturbed } = bystanders
  const times = (disturbed.p99 / undisturbed.p99).toFixed(1)
  console.log(`${what.padEnd(36)} ${String(cells.length).padStart(3)} cells  half ${disturbed.p50} (${undisturbed.p50})`
    + `  99 of 100 ${disturbed.p99} (${undisturbed.p99}), ${times} times`
    + `  ${disturbed.wrongCount} of ${disturbed.answers} wrong  ${Math.round(ms / 1000)} s`)
}
