import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { flagsOfName, printUniqueName, sizeInName, uniquePart, withFlags } from './name.ts'

const name = fc.record({
  time: fc.nat({ max: 4e12 }), pid: fc.nat({ max: 4_194_304 }), sequence: fc.nat(),
  host: fc.string({ unit: 'binary' }), size: fc.nat({ max: 1e12 }),
})

test('a name says when, who and how big', () => {
  const printed = printUniqueName({ time: 1_700_000_000_123, pid: 77, sequence: 5, host: 'mx.example.org', size: 4242 })
  assert.equal(printed, '1700000000.M123000P77Q5.mx.example.org,S=4242')
})

test('a host name cannot break out of the name or out of the directory', () => {
  const printed = printUniqueName({ time: 0, pid: 1, sequence: 1, host: '../a:2,S=9', size: 3 })
  assert.equal(printed, '0.M0P1Q1...\\057a\\0722\\054S\\0759,S=3')
})

test('property: size and unique part are read back from any printed name, with any flags behind it', () => {
  fc.assert(fc.property(name, fc.string(), (facts, flags) => {
    const printed = printUniqueName(facts)
    assert.match(printed, /^[^/:\0\n]+$/)
    assert.equal(uniquePart(withFlags(printed, flags)), printed)
    assert.equal(sizeInName(withFlags(printed, flags)), facts.size)
  }))
})

test('property: names differ when time, process or sequence do', () => {
  fc.assert(fc.property(name, name, (a, b) => {
    const same = a.time === b.time && a.pid === b.pid && a.sequence === b.sequence
    if (!same) assert.notEqual(printUniqueName({ ...b, host: 'h', size: 1 }), printUniqueName({ ...a, host: 'h', size: 1 }))
  }))
})

test('property: flags are printed once each, in ASCII order, and read back', () => {
  fc.assert(fc.property(fc.string(), fc.string({ unit: fc.constantFrom(...'DFPRSTab') }), (base, flags) => {
    const printed = withFlags(base, flags)
    const expected = [...new Set(flags)].toSorted().join('')
    assert.ok(printed.endsWith(`:2,${expected}`))
    assert.equal(flagsOfName(printed), expected)
    assert.equal(withFlags(printed, flagsOfName(printed)), printed)
  }))
})

test('names of others are opaque: no size, no flags', () => {
  assert.equal(sizeInName('1700000000.123.host'), undefined)
  assert.equal(sizeInName('1.2.host:2,S=5'), undefined)
  assert.equal(sizeInName('1.2.host,S=5,W=6:2,S'), 5)
  assert.equal(flagsOfName('1.2.host'), '')
  assert.equal(flagsOfName('1.2.host:1,strange'), '')
})
