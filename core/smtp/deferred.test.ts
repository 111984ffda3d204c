import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deferred } from './deferred.ts'

test('stored errors are sent together until cleared, and none is added once they were shown', () => {
  const errors = new Deferred()
  assert.equal(errors.show(), undefined)
  errors.add('450-a')
  errors.add('450 b')
  assert.deepEqual(errors.show(), ['450-a', '450 b'])
  errors.add('450 c')
  assert.deepEqual(errors.show(), ['450-a', '450 b'])
  errors.clear()
  assert.equal(errors.show(), undefined)
  errors.add('')
  assert.deepEqual(errors.show(), [''], 'a bare LM is an empty line (vector 50)')
})
