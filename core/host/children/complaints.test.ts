import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Complaints } from './complaints.ts'

interface Heard {
  readonly lines: readonly string[]
  readonly complaints: Complaints
}

function hear(): Heard {
  const lines: string[] = []
  return { lines, complaints: new Complaints((told) => lines.push(...told)) }
}

test('lines, however they come; empty ones are left out, the last one needs no end', () => {
  fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 5 }), (cuts) => {
    const all = Buffer.from('one\n\ntwo \xe9\r\nthree', 'latin1')
    const { lines, complaints } = hear()
    let start = 0
    for (const cut of [...cuts.map((each) => each % all.length).sort((a, b) => a - b), all.length]) {
      complaints.read(all.subarray(start, cut))
      start = cut
    }
    assert.deepEqual(lines, ['one', 'two \udce9\r'])
    complaints.end()
    assert.deepEqual(lines, ['one', 'two \udce9\r', 'three'])
  }))
})

test('a long line is cut, a flood is counted, and the next window begins anew', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { lines, complaints } = hear()
  complaints.read(Buffer.from(`${'x'.repeat(3000)}\n${'line\n'.repeat(100)}`))
  assert.equal(lines.length, 50)
  assert.equal(lines[0], `${'x'.repeat(1024)} …`)
  t.mock.timers.tick(10_000)
  assert.equal(lines[50], '… 51 lines more')
  complaints.read(Buffer.from('again\n'))
  assert.equal(lines[51], 'again')
  t.mock.timers.tick(10_000)
  complaints.end()
  assert.equal(lines.length, 52)
})
