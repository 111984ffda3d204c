import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EFFECTS, parseOptions, printOptions, type LineOptions } from './options.ts'

test('every option', () => {
  assert.deepEqual(parseOptions('timeout=5s,onerror=open,shadow,workers=4,group=a-b,protocol=spp2,trusted,allow=run+sleep,name=my.spf'), {
    ok: true,
    options: {
      timeout: 5000, onerror: 'open', shadow: true, workers: 4, group: 'a-b',
      protocol: 'spp2', trusted: true, allow: ['run', 'sleep'], name: 'my.spf',
    },
  })
})

test('times', () => {
  const timeout = (text: string): number | undefined => {
    const parsed = parseOptions(`timeout=${text}`)
    return parsed.ok ? parsed.options.timeout : undefined
  }
  assert.deepEqual(['5s', '500ms', '2m', '7', '1440m'].map(timeout), [5000, 500, 120_000, 7000, 86_400_000])
  for (const wrong of ['0', '0ms', '1441m', '-1', '1.5s', '5 s', '5S', '5h', 's', '999999999', '9999999999']) {
    assert.equal(timeout(wrong), undefined, wrong)
  }
})

test('faults say what would be right', () => {
  const fault = (token: string): string => {
    const parsed = parseOptions(token)
    return parsed.ok ? 'none' : `${parsed.reason}: ${parsed.mend}`
  }
  assert.equal(fault('timout=5s'), 'there is no option "timout": did you mean timeout?')
  assert.equal(fault('Shadow'), 'there is no option "Shadow": did you mean shadow?')
  assert.match(fault('colour=red'), /^there is no option "colour": known options: timeout, onerror, /)
  assert.match(fault(''), /^an option is missing/)
  assert.match(fault('shadow,'), /^an option is missing/)
  assert.equal(fault('timeout'), 'the option timeout has no value: write timeout=VALUE: a time of at most a day, such as 5s, 500ms or 2m')
  assert.equal(fault('timeout=soon'), '"soon" is no value for timeout: write a time of at most a day, such as 5s, 500ms or 2m')
  assert.equal(fault('onerror=close'), '"close" is no value for onerror: write one of tempfail, open, refuse')
  assert.equal(fault('shadow=yes'), 'the option shadow takes no value: write shadow alone, or leave it out')
  assert.equal(fault('workers=0'), '"0" is no value for workers: write a number from 1 to 1000')
  assert.equal(fault('workers=1001'), '"1001" is no value for workers: write a number from 1 to 1000')
  assert.match(fault('group=a/b'), /^"a\/b" is no value for group: write at most 64 letters/)
  assert.match(fault('allow=fly'), /^"fly" is no value for allow: write effects joined by "\+", out of sleep, /)
  assert.match(fault('allow=run+run'), /^"run\+run" is no value for allow/)
  assert.equal(fault('shadow,shadow'), 'the option shadow is given twice: keep one of them')
  assert.match(fault('__proto__=1'), /^there is no option/)
})

test('what is printed is read back', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/)
  const options: fc.Arbitrary<LineOptions> = fc.record({
    timeout: fc.integer({ min: 1, max: 86_400_000 }),
    onerror: fc.constantFrom('tempfail', 'open', 'refuse'),
    shadow: fc.constant(true),
    workers: fc.integer({ min: 1, max: 1000 }),
    group: word,
    protocol: fc.constantFrom('spp1', 'spp2', 'reply'),
    trusted: fc.constant(true),
    allow: fc.subarray([...EFFECTS], { minLength: 1 }),
    name: word,
  }, { requiredKeys: [] })
  fc.assert(fc.property(options, (given) => {
    const printed = printOptions(given)
    if (printed === '') assert.deepEqual(Object.keys(given), [])
    else assert.deepEqual(parseOptions(printed.slice(1)), { ok: true, options: JSON.parse(JSON.stringify(given)) })
  }))
})
