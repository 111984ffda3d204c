/**
 * The manual read a second time, by other means: each line is a set of addresses, spelled out over a small world, and
 * a list is what its permitting sets hold less what its prohibiting sets hold. Shares no code with the engine.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { decide } from './decide.ts'
import { readList, type Owner } from './owner.ts'
import { ALIASES, DOMAINS, installation, mailbox, USERS } from './testdata.ts'

const LOGINS = ['joe', 'ann', 'sales', 'boss', 'eve']
const PLACES = ['local.example', 'other.example', 'far.example']
const WORLD = LOGINS.flatMap((login) => PLACES.map((place) => `${login}@${place}`))

/** Chapter 3 section 4: what a line without its exclamation mark speaks of. */
function spokenOf(line: string, user: string | undefined): string[] {
  const [own, home] = user === undefined ? ['', ''] : user.split('@') as [string, string]
  switch (line) {
    case '[:any:]': return WORLD
    case '[:none:]': return WORLD
    case '[:aliases:]': return (ALIASES[user ?? ''] ?? []).map((alias) => alias.toLowerCase())
    case '[:valid user:]': return WORLD.filter((address) => (USERS as readonly string[]).includes(address))
  }
  const [login, domain] = line.split('@') as [string, string]
  const logins: Record<string, string[]> = { '[:any:]': LOGINS, '[:none:]': LOGINS, '[:login:]': [own], '[:my users:]': USERS.map((each) => each.split('@')[0]!) }
  const domains: Record<string, readonly string[]> = { '[:any:]': PLACES, '[:none:]': PLACES, '[:domain:]': [home], '[:my domains:]': DOMAINS }
  const pairs = (logins[login] ?? [login]).flatMap((left) => (domains[domain] ?? [domain]).map((right) => `${left}@${right}`))
  return WORLD.filter((address) => pairs.includes(address))
}

function secondReading(lines: readonly string[], user: string | undefined): Set<string> {
  const may = new Set<string>()
  const mayNot = new Set<string>()
  for (const line of lines) {
    const bare = line.replace(/^! ?/, '')
    const of = spokenOf(bare, user)
    const meant = bare === line ? of : WORLD.filter((address) => !of.includes(address))
    for (const address of meant) (bare.includes('[:none:]') ? mayNot : may).add(address)
  }
  return new Set([...may].filter((address) => !mayNot.has(address)))
}

const half = (special: readonly string[], names: readonly string[]) => fc.constantFrom(...special, ...names)
const line = fc.tuple(fc.boolean(), fc.oneof(
  fc.constantFrom('[:any:]', '[:none:]', '[:aliases:]', '[:valid user:]'),
  fc.tuple(half(['[:any:]', '[:none:]', '[:login:]', '[:my users:]'], LOGINS), half(['[:any:]', '[:none:]', '[:domain:]', '[:my domains:]'], PLACES))
    .map(([login, domain]) => `${login}@${domain}`),
)).map(([negated, text]) => negated ? `! ${text}` : text)
const list = fc.array(line, { maxLength: 4 })

it('property: any lists together mean what a second reading of the manual says', async () => {
  const users = fc.constantFrom('joe@local.example', 'ann@local.example', 'joe@other.example', 'eve@far.example')
  await fc.assert(fc.asyncProperty(users, list, list, async (user, narrow, wide) => {
    const owner: Owner = mailbox(user)
    const lists = [readList(owner, narrow.join('\n')), readList({ login: '[:all:]', domain: '[:all:]' }, wide.join('\n'))]
    const expected = secondReading([...narrow, ...wide], user)
    for (const sender of WORLD) {
      assert.equal((await decide(mailbox(sender), owner, lists, installation())).allowed, expected.has(sender), sender)
    }
  }), { numRuns: 300 })
})

it('property: so do the lists of who has not logged in', async () => {
  const nobody = line.filter((text) => !/\[:(?:login|domain|aliases):\]/.test(text))
  await fc.assert(fc.asyncProperty(fc.array(nobody, { maxLength: 4 }), async (lines) => {
    const expected = secondReading(lines, undefined)
    for (const sender of WORLD) {
      const decision = await decide(mailbox(sender), undefined, [readList({ login: '[:none:]', domain: '[:none:]' }, lines.join('\n'))], installation())
      assert.equal(decision.allowed, expected.has(sender), sender)
    }
  }), { numRuns: 200 })
})
