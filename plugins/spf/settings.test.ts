import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { nodeResolver } from '../../core/plugin/index.ts'
import { fakeWorld } from '../../core/plugin/testing/index.ts'
import { check, passesLocally } from './check.ts'
import { explanation, level, mechanisms } from './settings.ts'

const NOBODY = nodeResolver(fakeWorld({ dns: {} }).world.dns)
const question = (ip: string) => ({ ip, helo: 'client.example', sender: 'ann@far.example', receiver: 'receiver.example' })

describe('SPF', () => {
  it('is a number from 0 to 6, or nothing', () => {
    fc.assert(fc.property(fc.oneof(fc.integer({ min: -10, max: 20 }).map(String), fc.string({ maxLength: 3 })), (text) => {
      const parsed = level('').parse(text)
      assert.equal(parsed.ok, text === '' || ['0', '1', '2', '3', '4', '5', '6'].includes(text))
      if (parsed.ok) assert.equal(parsed.value, Number(text))
    }))
  })
})

describe('SPFLOCALPOLICY', () => {
  const setting = mechanisms('')
  const network = fc.oneof(
    fc.tuple(fc.ipV4(), fc.option(fc.nat({ max: 32 }))).map(([address, length]) => ({ address, term: `ip4:${address}${length === null ? '' : `/${length}`}` })),
    fc.tuple(fc.ipV6(), fc.option(fc.nat({ max: 128 }))).map(([address, length]) => ({ address, term: `ip6:${address}${length === null ? '' : `/${length}`}` })),
  )

  it('is read as it is written, and lets in whom it names', async () => {
    await fc.assert(fc.asyncProperty(fc.array(network, { minLength: 1, maxLength: 4 }), fc.constantFrom(' ', '  ', '\t'), async (networks, between) => {
      const parsed = setting.parse(networks.map(({ term }) => term).join(between))
      assert.ok(parsed.ok)
      assert.equal(parsed.value, networks.map(({ term }) => term).join(' '))
      const { result, problem } = await passesLocally(question(networks.at(-1)!.address), 'far.example', parsed.value, NOBODY)
      assert.deepEqual([result, problem], ['pass', undefined])
    }), { numRuns: 50 })
  })

  it('names no network that is none', () => {
    for (const text of ['ip4:192.0.2.0/33', 'ip4:192.0.2', 'ip4:2001:db8::', 'ip6:192.0.2.1', 'ip6:2001:db8::/129', 'ip4:192.0.2.0/', 'ip4:192.0.2.0/024', '-ip4:x', 'all', 'v=spf1', 'exp=x', 'a b:c']) {
      const parsed = setting.parse(`mx ${text}`)
      assert.ok(!parsed.ok && parsed.reason !== '' && parsed.mend !== '', text)
    }
  })
})

describe('SPFEXPLANATION', () => {
  it('expands to printable ASCII, whatever is accepted', async () => {
    const piece = fc.oneof(fc.constantFrom('%%', '%_', '%-', '%{i}', '%{s}', '%{L}', '%{d2}', '%{h}', '%{p}', '%{ir}', '%{o1r-}', '%{c}', '%{r}', '%{v}'), fc.string({ maxLength: 5 }))
    await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')), async (text) => {
      if (!explanation('').parse(text).ok) return
      const asks = nodeResolver(fakeWorld({ dns: { 'far.example': { TXT: ['v=spf1 -all exp=said.example'] }, 'said.example': { TXT: [text] } } }).world.dns)
      const found = await check(question('192.0.2.1'), asks)
      assert.equal(found.result, 'fail')
      assert.match(found.explanation ?? '', /^[ -~]*$/)
    }), { numRuns: 100 })
  })
})
