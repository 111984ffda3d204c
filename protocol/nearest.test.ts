import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './nearest.ts'

test('a mistyped word finds the meant one, a strange one finds none', () => {
  const known = ['listeners', 'home', 'user', 'trace', 'log']
  assert.equal(nearest('listener', known), 'listeners')
  assert.equal(nearest('listenres', known), 'listeners')
  assert.equal(nearest('Home', known), 'home')
  assert.equal(nearest('uesr', known), 'user')
  assert.equal(nearest('database', known), undefined)
  assert.equal(nearest('', known), undefined)
})
