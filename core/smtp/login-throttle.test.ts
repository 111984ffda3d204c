import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoginThrottle, type Try } from './login-throttle.ts'

const waits = (tries: readonly Try[]): readonly number[] => tries.map(({ wait }) => wait)
const times = <T>(count: number, work: (index: number) => T): readonly T[] => Array.from({ length: count }, (_, index) => work(index))

test('the first failure of a network costs nothing, each further one twice the time, up to 20 seconds', () => {
  const throttle = new LoginThrottle(() => 0)
  assert.deepEqual(waits(times(8, (n) => throttle.begin({ network: 'a', account: String(n) }))), [0, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000])
  assert.equal(throttle.begin({ network: 'b', account: undefined }).wait, 0, 'another network is another matter')
})

test('ten failures of an account cost nothing, from wherever they come; then it is the same', () => {
  const throttle = new LoginThrottle(() => 0)
  const guess = (n: number): Try => throttle.begin({ network: String(n), account: 'ann' })
  assert.deepEqual(waits(times(17, guess)), [...times(10, () => 0), 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000])
  assert.equal(throttle.begin({ network: 'x', account: 'bob' }).wait, 0, 'another account is another matter')
})

test('a network from which somebody logged in does not wait for what others fail at, and its failures are not theirs', () => {
  let now = 0
  const throttle = new LoginThrottle(() => now)
  throttle.begin({ network: 'home', account: 'ann' }).right()
  for (let n = 0; n < 100; n++) throttle.begin({ network: String(n), account: 'ann' })
  assert.equal(throttle.begin({ network: 'home', account: 'ann' }).wait, 0)
  assert.equal(throttle.begin({ network: 'home', account: 'bob' }).wait, 1000, 'a network is known to one account, and its failures are its own')
  const away = throttle.begin({ network: 'away', account: 'ann' })
  assert.equal(away.wait, 20_000, 'somewhere else the longest wait is the worst')
  away.right()
  assert.equal(throttle.begin({ network: 'away', account: 'ann' }).wait, 0)
  now = 30 * 86_400_000 + 1
  for (let n = 0; n < 11; n++) throttle.begin({ network: `later ${n}`, account: 'ann' })
  assert.equal(throttle.begin({ network: 'home', account: 'ann' }).wait, 2000, 'after a month it is a stranger again')
})

test('a right password does not count, does not make the wrong ones before it forgotten, and one not looked at is none', () => {
  const throttle = new LoginThrottle(() => 0)
  const guess = { network: 'a', account: undefined }
  throttle.begin(guess).right()
  assert.deepEqual(throttle.size, { networks: 0, accounts: 0, known: 0 })
  throttle.begin(guess)
  throttle.begin(guess)
  for (const end of ['right', 'undo'] as const) {
    const third = throttle.begin(guess)
    assert.equal(third.wait, 2000)
    third[end]()
  }
  assert.equal(throttle.begin(guess).wait, 2000)
  throttle.begin({ network: 'b', account: 'ann' }).undo()
  assert.equal(throttle.size.known, 0, 'nobody has shown a password')
})

test('tries at the same time wait as if the others had failed', () => {
  const throttle = new LoginThrottle(() => 0)
  const tries = times(3, () => throttle.begin({ network: 'a', account: 'ann' }))
  assert.deepEqual(waits(tries), [0, 1000, 2000])
  for (const one of tries) one.right()
  assert.deepEqual(throttle.size, { networks: 0, accounts: 0, known: 1 })
  assert.equal(throttle.begin({ network: 'a', account: 'ann' }).wait, 0)
})

test('many failures are told of once, and again at ten times as many; of an account those of strangers', () => {
  let now = 0
  const throttle = new LoginThrottle(() => now)
  const guess = (network: string, account = 'ann'): Try => {
    now += 1000
    return throttle.begin({ network, account })
  }
  const fail = (network: string, account?: string): Try => {
    const failed = guess(network, account)
    failed.wrong()
    return failed
  }
  const of = (tries: readonly Try[]): readonly unknown[] => tries.flatMap(({ sieges }, n) => sieges === undefined ? [] : [[n, sieges]])
  assert.deepEqual(of(times(1200, (n) => fail(String(n)))), [10, 100, 1000].map((n) => [n, { account: { failures: n, lasted: n * 1000 } }]))
  assert.deepEqual(of(times(101, (n) => fail('a', String(n)))), [10, 100].map((n) => [n, { network: { failures: n, lasted: n * 1000 } }]))
  assert.deepEqual(of(times(11, () => fail('both', 'bob'))), [[10, { network: { failures: 10, lasted: 10_000 }, account: { failures: 10, lasted: 10_000 } }]])

  guess('home', 'eve').right()
  assert.deepEqual(of(times(11, () => fail('home', 'eve'))), [[10, { network: { failures: 10, lasted: 10_000 } }]], 'its own network is none')
  for (let n = 0; n < 50; n++) guess('home', 'eve').right()
  assert.deepEqual(of(times(3, () => fail('home', 'eve'))), [], 'those that were right do not make it told again')
  now += 16 * 60 * 1000
  assert.deepEqual(of(times(11, () => fail('both', 'bob'))).length, 1, 'another time')
})

test('what is told of has failed for certain: tries under way make others wait, but are no failures', () => {
  const throttle = new LoginThrottle(() => 0)
  const guess = (): Try => throttle.begin({ network: 'office', account: 'ann' })
  const sieges = (tries: readonly Try[]): readonly unknown[] => tries.flatMap(({ sieges }) => sieges ?? [])
  const tries = times(12, guess)
  assert.deepEqual(waits(tries).at(-1), 20_000)
  assert.deepEqual(sieges(tries), [])
  for (const one of tries) one.right()
  assert.deepEqual(throttle.size, { networks: 0, accounts: 0, known: 1 })

  const wrong = times(9, guess)
  for (const one of wrong) one.wrong()
  assert.deepEqual(sieges(times(3, guess)), [], 'nine failures, and some under way')
  const many = times(200, guess)
  for (const one of many) one.wrong()
  const siege = { failures: 209, lasted: 0 }
  assert.deepEqual(sieges(times(3, guess)), [{ network: siege }], 'once, however many there were since')
})

test('what is quiet is forgotten after a quarter of an hour, and memory is bounded', () => {
  let now = 0
  const throttle = new LoginThrottle(() => now)
  const guess = { network: 'a', account: 'ann' }
  throttle.begin(guess)
  now = 15 * 60 * 1000
  assert.equal(throttle.begin(guess).wait, 1000)
  now += 15 * 60 * 1000 + 1
  assert.equal(throttle.begin(guess).wait, 0)
  for (let n = 0; n < 20_000; n++) throttle.begin({ network: String(n), account: String(n) })
  assert.deepEqual(throttle.size, { networks: 10_000, accounts: 10_000, known: 0 })
  for (let n = 0; n < 20_000; n++) throttle.begin({ network: 'x', account: String(n) }).right()
  assert.equal(throttle.size.known, 10_000)
  for (let n = 0; n < 9; n++) throttle.begin({ network: String(n), account: 'ann' }).right()
  for (let n = 0; n < 11; n++) throttle.begin({ network: `new ${n}`, account: 'ann' })
  assert.deepEqual([0, 1].map((n) => throttle.begin({ network: String(n), account: 'ann' }).wait > 1), [true, false], 'eight networks of an account are known')
})
