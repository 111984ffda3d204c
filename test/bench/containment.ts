/**
 * What a fault costs those who have nothing to do with it: how long bystanders wait for an answer of a sandboxed plugin while
 * the fault matrix is played, beside the same sessions through plugins that work, and beside nobody. The goal is twice the time
 * at most for 99 of 100. Rounds are interleaved, the median counts.
 *
 * usage: node test/bench/containment.ts [sessions] [rounds] [runtime…]
 */
import { loadSettings } from '../../config/load.ts'
import { FAULTS } from '../../core/chaos/catalogue.ts'
import { runChaos } from '../../core/chaos/chaos.ts'
import { RUNTIMES, STAGES, type ChaosFault, type Form } from '../../core/chaos/fault.ts'
import type { Runtime } from '../../core/host/types.ts'
import { makeHome } from '../harness/home.ts'

/** A line that does what it should, in each runtime. */
const SOUND: Readonly<Record<Runtime, Form>> = {
  inline: { text: '() => undefined', ends: ['none'] },
  sandbox: { text: '() => undefined', ends: ['none'] },
  program: { text: 'exit 0', ends: ['none'] },
  worker: { text: 'echo spp/2\nwhile read -r hook; do\n  while read -r pair && [ "$pair" ]; do :; done\n  echo .\ndone', ends: ['none'] },
}

const [sessions = 1, rounds = 3] = process.argv.slice(2, 4).map(Number)
const only = process.argv.slice(4)
const home = await makeHome()
const settings = await loadSettings({ home: home.path, cwd: home.path })
console.log(`${sessions} session${sessions === 1 ? '' : 's'} through each line; milliseconds in which 99 of 100 bystanders' answers come; median of ${rounds} rounds`)
for (const runtime of RUNTIMES.filter((each) => only.length === 0 || only.includes(each))) {
  const faulty = FAULTS.filter(({ forms }) => forms[runtime] !== undefined)
  const sound = faulty.map(({ name, about }): ChaosFault => ({ name, about, forms: { [runtime]: SOUND[runtime] } }))
  const found = { alone: [] as number[], beside: [] as number[], faulty: [] as number[], wrong: 0, answers: 0 }
  for (let round = 0; round < rounds; round++) {
    for (const faults of [sound, faulty]) {
      const { bystanders: { undisturbed, disturbed } } = await runChaos({ settings, faults, stages: STAGES, runtimes: [runtime], sessions })
      found.alone.push(undisturbed.p99)
      found[faults === faulty ? 'faulty' : 'beside'].push(disturbed.p99)
      found.wrong += disturbed.wrongCount
      found.answers += disturbed.answers
    }
  }
  const [alone, beside, beset] = [median(found.alone), median(found.beside), median(found.faulty)]
  console.log(`${runtime.padEnd(8)} ${String(faulty.length * STAGES.length).padStart(3)} lines  alone ${alone}  beside plugins that work ${beside}`
    + `  beside faulty ones ${beset}: ${(beset / alone).toFixed(1)} and ${(beset / beside).toFixed(1)} times  ${found.wrong} of ${found.answers} wrong`)
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
}
