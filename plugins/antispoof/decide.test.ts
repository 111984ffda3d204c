import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decide } from './decide.ts'
import { explain } from './explain.ts'
import { printMailbox } from './names.ts'
import { ownersFor, readList } from './owner.ts'
import { installation, mailbox } from './testdata.ts'

type Lists = Readonly<Record<string, string>>

/** Asks as the plugin does; every group without a list here has an empty one, so that nothing but the given lines decides. */
function ask(sender: string, user: string | undefined, lists: Lists, facts = installation()) {
  const who = user === undefined ? undefined : mailbox(user)
  const held = ownersFor(who).map((owner) => readList(owner, lists[printMailbox(owner)] ?? ''))
  return decide(sender === '' ? undefined : mailbox(sender), who, held, facts)
}

const JOE = 'joe@local.example'
const OWN = [JOE, 'sales@local.example', 'boss@other.example', 'ann@local.example', 'joe@other.example', 'ann@other.example', 'joe-x@local.example']
const FAR = ['joe@far.example', 'ann@far.example', 'far@far.example']
const ALL = [...OWN, ...FAR, 'none@local.example', 'far@other.example']

/** Each string in each place: what the line means for joe@local.example, of all addresses above. */
const MEANING: readonly (readonly [rule: string, effect: 'permits' | 'prohibits', addresses: readonly string[]])[] = [
  // As an address.
  ['[:any:]', 'permits', ALL],
  ['[:none:]', 'prohibits', ALL],
  ['[:aliases:]', 'permits', ['sales@local.example', 'boss@other.example']],
  ['[:valid user:]', 'permits', [JOE, 'ann@local.example', 'joe@other.example']],
  [JOE, 'permits', [JOE]],
  // As a login.
  ['[:any:]@local.example', 'permits', ALL.filter((each) => each.endsWith('@local.example'))],
  ['[:none:]@local.example', 'prohibits', ALL.filter((each) => each.endsWith('@local.example'))],
  ['[:login:]@far.example', 'permits', ['joe@far.example']],
  ['[:my users:]@far.example', 'permits', ['joe@far.example', 'ann@far.example']],
  // As a domain.
  ['joe@[:any:]', 'permits', ALL.filter((each) => each.startsWith('joe@'))],
  ['joe@[:none:]', 'prohibits', ALL.filter((each) => each.startsWith('joe@'))],
  ['ann@[:domain:]', 'permits', ['ann@local.example']],
  ['ann@[:my domains:]', 'permits', ['ann@local.example', 'ann@other.example']],
  // Both.
  ['[:any:]@[:any:]', 'permits', ALL],
  ['[:none:]@[:none:]', 'prohibits', ALL],
  ['[:any:]@[:none:]', 'prohibits', ALL],
  ['[:none:]@[:any:]', 'prohibits', ALL],
  ['[:login:]@[:domain:]', 'permits', [JOE]],
  ['[:login:]@[:my domains:]', 'permits', [JOE, 'joe@other.example']],
  ['[:login:]@[:any:]', 'permits', [JOE, 'joe@other.example', 'joe@far.example']],
  ['[:login:]@[:none:]', 'prohibits', [JOE, 'joe@other.example', 'joe@far.example']],
  ['[:my users:]@[:domain:]', 'permits', [JOE, 'ann@local.example']],
  ['[:my users:]@[:my domains:]', 'permits', [JOE, 'ann@local.example', 'joe@other.example', 'ann@other.example']],
  ['[:my users:]@[:any:]', 'permits', [JOE, 'ann@local.example', 'joe@other.example', 'ann@other.example', 'joe@far.example', 'ann@far.example']],
  ['[:my users:]@[:none:]', 'prohibits', [JOE, 'ann@local.example', 'joe@other.example', 'ann@other.example', 'joe@far.example', 'ann@far.example']],
  ['[:any:]@[:domain:]', 'permits', ALL.filter((each) => each.endsWith('@local.example'))],
  ['[:none:]@[:domain:]', 'prohibits', ALL.filter((each) => each.endsWith('@local.example'))],
  ['[:any:]@[:my domains:]', 'permits', ALL.filter((each) => !each.endsWith('@far.example'))],
  ['[:none:]@[:my domains:]', 'prohibits', ALL.filter((each) => !each.endsWith('@far.example'))],
]

describe('each string in each place', () => {
  for (const [rule, effect, addresses] of MEANING) {
    const negated = ALL.filter((each) => !addresses.includes(each))
    for (const [line, matched] of [[rule, addresses], [`! ${rule}`, negated]] as const) {
      it(`${line} ${effect}`, async () => {
        // Beside a line that permits everything a prohibition shows; alone a permission does.
        const lists = { [JOE]: effect === 'permits' ? line : `[:any:]\n${line}` }
        const found: string[] = []
        for (const sender of ALL) if ((await ask(sender, JOE, lists)).allowed === (effect === 'permits')) found.push(sender)
        assert.deepEqual(found, ALL.filter((each) => matched.includes(each)))
      })
    }
  }
})

describe('lists', () => {
  const RULE = 'x@far.example'
  it('hold for a user, a domain, a login, everybody who has logged in, and who has not', async () => {
    const holds = async (owner: string, user: string | undefined) => (await ask(RULE, user, { [owner]: RULE })).allowed
    for (const [owner, users] of [
      [JOE, [JOE]], ['[:all:]@local.example', [JOE, 'ann@local.example']], ['joe@[:all:]', [JOE, 'joe@other.example']],
      ['[:all:]@[:all:]', [JOE, 'ann@local.example', 'joe@other.example', 'eve@far.example']], ['[:none:]@[:none:]', [undefined]],
    ] as const) {
      const found: (string | undefined)[] = []
      for (const user of [JOE, 'ann@local.example', 'joe@other.example', 'eve@far.example', undefined]) if (await holds(owner, user)) found.push(user)
      assert.deepEqual(found, users, owner)
    }
  })

  it('add up: any may permit, and any may prohibit', async () => {
    const two = { [JOE]: 'a@far.example', '[:all:]@[:all:]': 'b@far.example' }
    for (const sender of ['a@far.example', 'b@far.example']) assert.ok((await ask(sender, JOE, two)).allowed, sender)
    for (const [wide, narrow] of [['[:any:]', 'admin@[:none:]'], ['admin@[:none:]', '[:any:]']] as const) {
      const lists = { [JOE]: narrow, '[:all:]@[:all:]': wide }
      assert.ok(!(await ask('admin@far.example', JOE, lists)).allowed)
      assert.ok((await ask('eve@far.example', JOE, lists)).allowed)
    }
  })
})

describe('the defaults of the manual', () => {
  const byDefault = async (sender: string, user?: string) => {
    const who = user === undefined ? undefined : mailbox(user)
    const lists = ownersFor(who).map((owner) => readList(owner, undefined))
    return (await decide(mailbox(sender), who, lists, installation())).allowed
  }

  it('let strangers send from foreign addresses only', async () => {
    assert.deepEqual([await byDefault('eve@far.example'), await byDefault(JOE), await byDefault('nobody@local.example')], [true, false, false])
  })

  it('let a user send from the own address, the aliases, and foreign addresses', async () => {
    for (const sender of [JOE, 'sales@local.example', 'boss@other.example', 'eve@far.example']) assert.ok(await byDefault(sender, JOE), sender)
    for (const sender of ['ann@local.example', 'joe@other.example', 'joe-x@local.example', 'nobody@local.example']) assert.ok(!await byDefault(sender, JOE), sender)
    assert.ok(!await byDefault('sales@local.example', 'ann@local.example'))
  })
})

describe('a decision', () => {
  it('never refuses the null sender', async () => {
    const decision = await ask('', undefined, { '[:none:]@[:none:]': '[:none:]' })
    assert.deepEqual(decision, { allowed: true, by: 'null sender' })
    assert.match(explain(decision), /^allowed: bounces/)
  })

  it('names the line that decided, or that none did', async () => {
    const lists = { [JOE]: '\na@far.example\n[:none:]@other.example', '[:all:]@[:all:]': '! [:any:]@[:my domains:]' }
    const words = async (sender: string) => explain(await ask(sender, JOE, lists))
    assert.equal(await words('a@far.example'), 'allowed by line 2 of the list of joe@local.example: "a@far.example" permits the login a in far.example')
    assert.equal(await words('boss@other.example'),
      'refused by line 3 of the list of joe@local.example: "[:none:]@other.example" prohibits addresses in other.example')
    assert.equal(await words('b@far.example'), 'allowed by line 1 of the list of [:all:]@[:all:]: '
      + '"! [:any:]@[:my domains:]" permits everything but addresses in domains of this installation')
    assert.equal(await words('ann@local.example'), 'refused: no line of the lists that hold here permits it')
  })

  it('is neither yes nor no when a line cannot be read, for it may have been a prohibition', async () => {
    const decision = await ask('a@far.example', JOE, { [JOE]: '[:any:]', 'joe@[:all:]': 'a@b.example\n[:nonne:]' })
    assert.equal(decision.allowed, false)
    assert.equal(explain(decision), 'not decided: line 2 of the list of joe@[:all:] cannot be read: "[:nonne:]" means nothing in the place of an address')
  })

  it('asks each fact once at most, and none where no line needs it', async () => {
    const facts = installation()
    await ask('a@far.example', JOE, { [JOE]: '[:aliases:]\n[:any:]@[:my domains:]\n[:none:]@[:my domains:]\n[:aliases:]\n[:valid user:]' }, facts)
    assert.deepEqual(facts.asked.toSorted(), ['aliases joe@local.example', 'find a@far.example', 'hasDomain far.example'])
    const none = installation()
    await ask('a@far.example', JOE, { [JOE]: 'b@[:my domains:]\nb@[:any:]\n[:login:]@[:domain:]' }, none)
    assert.deepEqual(none.asked, [])
  })

  it('fails where a fact cannot be had', async () => {
    const facts = { ...installation(), hasDomain: () => Promise.reject(new Error('no answer')) }
    await assert.rejects(ask('a@far.example', JOE, { [JOE]: '[:any:]@[:my domains:]' }, facts), /no answer/)
  })
})
