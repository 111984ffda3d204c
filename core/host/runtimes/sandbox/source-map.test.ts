import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourceMap } from './source-map.ts'

/** Line 2 of the text: columns 0, 4 and 20 come from a.ts:1, b.ts:42 and our own code; line 3 from a.ts:2. */
const MAP = JSON.stringify({
  version: 3, sources: ['home:plugins/a.ts', 'home:plugins/b.ts', 'helios:core/x.ts'], mappings: ';AAAA,ICyCA,gBCzCA;AFCA',
})

test('places of the text and where they come from', () => {
  const map = new SourceMap(MAP)
  assert.deepEqual(map.place(2, 1), { file: 'plugins/a.ts', line: 1 })
  assert.deepEqual(map.place(2, 5), { file: 'plugins/b.ts', line: 42 })
  assert.deepEqual(map.place(2, 12), { file: 'plugins/b.ts', line: 42 })
  assert.equal(map.place(2, 30), undefined, 'ours')
  assert.deepEqual(map.place(3, 9), { file: 'plugins/a.ts', line: 2 })
  for (const [line, column] of [[1, 1], [9, 1], [0, 0]] as const) assert.equal(map.place(line, column), undefined)
  assert.deepEqual(map.first([[1, 1], [2, 30], [3, 1], [2, 1]]), { file: 'plugins/a.ts', line: 2 })
  assert.equal(map.first([]), undefined)
})
