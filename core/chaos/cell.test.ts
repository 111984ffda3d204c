import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePluginList } from '../../protocol/spp/list.ts'
import { FAULTS } from './catalogue.ts'
import { FAULTY_LINE, makeCells, stagesOf, withoutDelivery } from './cell.ts'
import { STAGES, type Stage } from './fault.ts'
import { lanesOf } from './lanes.ts'
import { INLINE, SANDBOX } from './plugin-forms.ts'
import { PROGRAM, WORKER } from './program-forms.ts'

const LIST = 'never run\n[mail]\nown\n[+deliver]\nmaildir\n:other\n[rcpt]\nown\n[+message]\nown\n'
const cells = makeCells({ faults: FAULTS, stages: STAGES, list: withoutDelivery(LIST) })

/** Their lines of `LIST` that a session at this stage may meet. */
const MET: Readonly<Record<Stage, readonly string[]>> = {
  connection: [], helo: [], mail: ['mail own'], rcpt: ['mail own', 'rcpt own'],
  data: ['mail own', 'rcpt own', 'message own'], message: ['mail own', 'rcpt own', 'message own'],
}

test('the faulty line is the first of its section, the operator\'s lines come behind it, and nobody delivers', () => {
  for (const cell of cells) {
    const { entries } = parsePluginList(cell.list)
    const [first, ...others] = entries
    assert.deepEqual([first!.line, first!.section, first!.text, first!.options.onerror], [FAULTY_LINE, cell.stage, cell.text, cell.onerror])
    assert.deepEqual(others.map(({ section, text }) => `${section} ${text}`), [...MET[cell.stage], 'deliver :cat >/dev/null; echo O'])
  }
})

test('every form is in the catalogue, and every fault has one', () => {
  for (const [runtime, forms] of Object.entries({ inline: INLINE, sandbox: SANDBOX, program: PROGRAM, worker: WORKER })) {
    for (const name of Object.keys(forms)) {
      assert.ok(FAULTS.some((fault) => fault.name === name && runtime in fault.forms), `${runtime} ${name}`)
    }
  }
  for (const { name, forms } of FAULTS) assert.ok(Object.keys(forms).length > 0, name)
})

test('each fault meets each policy, and each cell is in one lane', () => {
  for (const fault of FAULTS) assert.equal(new Set(cells.filter((cell) => cell.fault === fault).map(({ onerror }) => onerror)).size, 3)
  assert.equal(new Set(cells.map(({ id }) => id)).size, cells.length)
  const played = lanesOf(cells, 1).flat().flatMap((lane) => lane.cells)
  assert.equal(played.length, cells.length)
  assert.equal(new Set(played).size, cells.length)
})

test('the stages of a list', () => {
  assert.deepEqual(stagesOf(LIST), ['mail', 'rcpt', 'message'])
  assert.deepEqual(stagesOf('[data]\n#off\n[+message]\nx\n'), ['message'])
  assert.deepEqual(stagesOf(''), [])
})
