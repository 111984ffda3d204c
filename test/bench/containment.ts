/**
 * What a fault costs those who have nothing to do with it: how long bystanders wait for an answer of a sandboxed plugin while
 * the fault matrix is played, and before. The goal is twice the time at most for 99 of 100.
 *
 * usage: node test/bench/containment.ts [sessions]
 */
import { loadSettings } from '../../config/load.ts'
import { FAULTS } from '../../core/host/chaos/catalogue.ts'
import { runChaos } from '../../core/host/chaos/chaos.ts'
import { RUNTIMES, STAGES } from '../../core/host/chaos/fault.ts'
import { makeHome } from '../harness/home.ts'

const sessions = Number(process.argv[2] ?? 1)
const home = await makeHome()
const settings = await loadSettings({ home: home.path, cwd: home.path })
console.log(`${sessions} session${sessions === 1 ? '' : 's'} through each fault; milliseconds of a bystander's answer`)
for (const runtime of RUNTIMES) {
  const { cells, bystanders, ms } = await runChaos({ settings, faults: FAULTS, stages: STAGES, runtimes: [runtime], sessions })
  const { undisturbed, disturbed } = bystanders
  const times = (disturbed.p99 / undisturbed.p99).toFixed(1)
  console.log(`${runtime.padEnd(8)} ${String(cells.length).padStart(3)} cells  half ${disturbed.p50} (${undisturbed.p50})`
    + `  99 of 100 ${disturbed.p99} (${undisturbed.p99}), ${times} times`
    + `  ${disturbed.wrongCount} of ${disturbed.answers} wrong  ${Math.round(ms / 1000)} s`)
}
