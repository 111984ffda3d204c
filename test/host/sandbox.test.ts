import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'node:test'
import { readSettings } from '../../core/host/runtimes/sandbox.ts'
import type { HookRequest, RunResult } from '../../core/host/types.ts'
import type { DnsFacts } from '../../core/plugin/dns.ts'
import { DeliveryError, error, header, insertField, ok, WorldUnavailable } from '../../core/plugin/index.ts'
import { testMessage } from '../../core/plugin/testing/index.ts'
import { textOf } from '../../protocol/text.ts'
import { requestOf } from './runtimes-kit.ts'
import { account, pluginText, sandboxKit, type Kit } from './sandbox-kit.ts'
import { noAccounts } from '../../core/world/no-accounts.ts'

const UNASKED = noAccounts(() => Promise.reject(new Error('this is not asked here')))

/** One call of a plugin with these members. */
async function ask(kit: Kit, members: string, request: HookRequest, options: { readonly line?: string } & Parameters<Kit['line']>[2] = {}): Promise<RunResult> {
  kit.write({ 'plugins/x.ts': pluginText('x', members) })
  return (await kit.line(request.hook, `${options.line ?? ''}plugins/x.ts`, options)).run(request)
}

test('handlers answer as they would in the server', async (t) => {
  const kit = sandboxKit(t)
  const run = (members: string, request: HookRequest = requestOf('rcpt')): Promise<RunResult> => ask(kit, members, request)
  assert.deepEqual(await run('rcpt: () => undefined'), { commands: [] })
  assert.deepEqual(await run("rcpt: () => [header('X-A: 1'), error('550 no')]"), { commands: [header('X-A: 1'), error('550 no')] })
  assert.deepEqual(await run('rcpt: async () => ok()'), { commands: [ok()] })
  assert.deepEqual(await run("message: () => [insertField('X-A', '1'), ok()]", requestOf('message', { message: testMessage() })),
    { commands: [ok()], edits: [insertField('X-A', '1')] })
  assert.equal((await run("rcpt: () => insertField('X-A', '1')")).fault?.kind, 'bad-command')
  const answers = ['null', "'E550 no'", '{}', '[[ok()]]', '[ok(), undefined]', '[() => 1]', '{ kind: "E", text: 5 }', '1n']
  kit.write({ 'plugins/x.ts': pluginText('x', `rcpt: ({ session }) => [${answers.join()}][Number(session.helo)] as never`) })
  const line = await kit.line('rcpt', 'plugins/x.ts')
  for (const [index, answer] of answers.entries()) {
    const result = await line.run(requestOf('rcpt', { session: { helo: String(index) } }))
    assert.deepEqual([result.commands, result.fault?.kind], [[], answer === '1n' ? 'threw' : 'bad-command'], answer)
  }
})

test('it sees the session, bytes that are no UTF-8 included, and nothing else', async (t) => {
  const kit = sandboxKit(t)
  const helo = textOf(Buffer.from([0x68, 0xe9, 0x22, 0x0a, 0xc3, 0xa4]))
  const session = { helo, auth: undefined, tls: { protocol: 'TLSv1.3', cipher: 'X' }, recipients: ['a', 'b'], secret: 'hidden' }
  const result = await ask(kit, `rcpt: ({ session }) => {
    const { env, ...rest } = session
    if (env.constructor !== undefined || env.PATH === undefined) return error('550 env')
    return [header(session.helo), error('550 ' + JSON.stringify(rest))]
  }`, requestOf('rcpt', { session }))
  const [echo, rest] = result.commands
  assert.deepEqual(echo, header(helo))
  assert.deepEqual(JSON.parse((rest as { text: string }).text.slice(4)), {
    id: 's1', client: { ip: '192.0.2.1', port: 4000 }, helo, reversePath: 'a@b.example', recipients: ['a', 'b'],
    recipient: 'u@local.example', recipientsAsked: 1, recipientAllowed: true, relayClient: false, logins: [], tls: session.tls,
  })
})

test('settings and control files are read by the plugin\'s own declarations', async (t) => {
  const kit = sandboxKit(t)
  const members = `settings: { MAXN: api.count('n'), ON: api.flag('on'),
      ODD: { about: 'odd', form: 'text', parse: (value) => ({ ok: true, value, doubt: { reason: 'odd', mend: 'think' } }) } }, control: { bad: api.patterns('names'), own: { about: 'own', parse: (content) => ({ value: (content ?? 'none').trim(), problems: [] }) } },
    rcpt: ({ settings, control, session }) => error([settings.MAXN, settings.ON, control.bad.match(session.helo)?.pattern, control.own].join(' '))`
  const request = requestOf('rcpt', { env: { MAXN: '7' }, session: { helo: 'x.bad.example' } })
  assert.deepEqual(await ask(kit, members, request, { control: { bad: '*.bad.example\n' } }), { commands: [error('7  *.bad.example none')] })
  assert.deepEqual(await ask(kit, members, request, { control: { own: 'mine\n' } }), { commands: [error('7   mine')] })
  const wrong = await ask(kit, members, requestOf('rcpt', { env: { MAXN: 'x' } }))
  assert.match(wrong.fault?.detail ?? '', /^BadSetting: MAXN: "x" is not a whole number/)
  const { lease } = await kit.load('plugins/x.ts')
  assert.deepEqual(await readSettings(lease!, [['MAXN', '1'], ['MAXN', 'x'], ['OTHER', ''], ['ODD', 'x']]), [
    undefined, { line: 0, reason: '"x" is not a whole number', mend: 'write digits only, such as 10' }, undefined,
    { line: 0, reason: 'odd', mend: 'think', warning: true },
  ])
})

test('the world is asked through the pipe, and what it says is recorded', async (t) => {
  const kit = sandboxKit(t)
  const request = requestOf('rcpt')
  const result = await ask(kit, `rcpt: async ({ world }) => {
    const found = await world.accounts.find('u@local.example')
    const none = await world.accounts.find('nobody@local.example')
    return error([found.maildir, none, await world.accounts.hasDomain('x'), world.now(), world.random(), world.random()].join(' '))
  }`, request, { facts: { accounts: { ...UNASKED, find: async (address) => address.startsWith('u@') ? account : undefined, hasDomain: async () => true } } })
  const drawn = request.events.flatMap((event) => event.event === 'fact' && event.question === 'random' ? [event.answer] : [])
  assert.equal(drawn.length, 2)
  assert.notEqual(drawn[0], drawn[1])
  assert.deepEqual(result.commands, [error(`/mail/u/Maildir  true 1000 ${drawn.join(' ')}`)])
  assert.deepEqual(request.events.flatMap((event) => event.event === 'fact' ? [event.question] : []),
    ['accounts.find u@local.example', 'accounts.find nobody@local.example', 'accounts.hasDomain x', 'now', 'random', 'random'])
})

test('accounts are asked about aliases, logins and who logged in; tables are not a sandboxed plugin\'s', async (t) => {
  const kit = sandboxKit(t)
  const accounts = {
    ...UNASKED, hasLogin: async (login: string) => login === 'u', aliases: async (of: string) => [`alias-of-${of}`],
    loginsFrom: async (ip: string, since: number) => [{ account: `u@${ip}`, at: since + 1 }],
  }
  const members = `rcpt: async ({ world: { accounts, tables }, session }) => error(JSON.stringify([
    await accounts.hasLogin('u'), await accounts.hasLogin('v'), await accounts.aliases('u@x'), await accounts.loginsFrom('192.0.2.1', 41),
    session.logins, await tables.find({ name: 'antispoof', columns: {}, key: [] }, {}).catch((e) => e.message)]))`
  const request = requestOf('rcpt', { session: { logins: ['u@local.example'] } })
  const { commands: [command] } = await ask(kit, members, request, { facts: { accounts } })
  assert.deepEqual(command?.kind === 'E' && JSON.parse(command.text), [
    true, false, ['alias-of-u@x'], [{ account: 'u@192.0.2.1', at: 42 }], ['u@local.example'], 'a plugin in the sandbox owns no tables',
  ])
  assert.deepEqual(request.events.flatMap((event) => event.event === 'fact' ? [`${event.question} = ${event.answer}`] : []), [
    'accounts.hasLogin u = true', 'accounts.hasLogin v = false', 'accounts.aliases u@x = alias-of-u@x',
    'accounts.loginsFrom 192.0.2.1 41 = u@192.0.2.1 at 42',
  ])
})

test('name servers are asked through the pipe, in three outcomes', async (t) => {
  const kit = sandboxKit(t)
  const dns: DnsFacts = {
    resolve: async (name, type) => name === 'slow.example' ? { kind: 'unavailable', reason: 'no reply in 5 s' }
      : type === 'MX' ? { kind: 'answer', records: [{ exchange: 'mx.x.example', priority: 10 }], ttl: 60 } as never : { kind: 'none', nxdomain: true },
  }
  const members = `rcpt: async ({ world: { dns } }) => error(JSON.stringify([
    await dns.resolve('x.example', 'MX'), await dns.resolve('x.example', 'A'), await dns.resolve('slow.example', 'TXT'),
    await dns.resolve(api.reverseName('192.0.2.1'), 'SRV').catch((e) => e.message)]))`
  const request = requestOf('rcpt')
  const { commands: [command] } = await ask(kit, members, request, { facts: { dns } })
  assert.deepEqual(command?.kind === 'E' && JSON.parse(command.text), [
    { kind: 'answer', records: [{ exchange: 'mx.x.example', priority: 10 }], ttl: 60 }, { kind: 'none', nxdomain: true },
    { kind: 'unavailable', reason: 'no reply in 5 s' }, 'dns.resolve asks for one of A, AAAA, MX, TXT, PTR, NS, CNAME',
  ])
  assert.deepEqual(request.events.flatMap((event) => event.event === 'fact' ? [`${event.question} = ${event.answer}`] : []), [
    'dns MX x.example = 10 mx.x.example', 'dns A x.example = none: no such name', 'dns TXT slow.example = unavailable: no reply in 5 s',
  ])
})

test('a fact that cannot be had is the plugin\'s to catch, and unavailable where it does not', async (t) => {
  const kit = sandboxKit(t)
  const facts = { accounts: { ...UNASKED, find: () => Promise.reject(new WorldUnavailable('no database')), hasDomain: async () => true } }
  const caught = "rcpt: async ({ world }) => { try { await world.accounts.find('x') } catch (e) { return error(String(e instanceof WorldUnavailable) + e.message) } }"
  assert.deepEqual(await ask(kit, caught, requestOf('rcpt'), { facts }), { commands: [error('trueno database')] })
  const uncaught = await ask(kit, "rcpt: async ({ world }) => { await world.accounts.find('x') }", requestOf('rcpt'), { facts })
  assert.equal(uncaught.fault?.kind, 'unavailable')
  assert.match(uncaught.fault.detail, /^no database/)
})

test('sleep is not the plugin\'s time, and ends when the client leaves', async (t) => {
  const kit = sandboxKit(t)
  const asleep: boolean[] = []
  const request = { ...requestOf('rcpt'), onSleep: (now: boolean) => void asleep.push(now) }
  const members = "needs: ['sleep'], rcpt: async ({ world, signal, log }) => { signal.addEventListener('abort', () => log.info('gone')); await world.sleep(0.4); return ok() }"
  assert.deepEqual(await ask(kit, members, request), { commands: [ok()] })
  assert.deepEqual(await ask(kit, members.replace('0.4', '1.2'), request, { line: '@timeout=1s ' }), { commands: [ok()] })
  assert.deepEqual(asleep.splice(0), [true, false, true, false])
  const client = new AbortController()
  const leaving = ask(kit, members.replace('0.4', '60'), { ...request, signal: client.signal })
  await until(() => asleep.length === 1)
  client.abort()
  assert.deepEqual((await leaving).fault, { kind: 'unavailable', detail: 'nobody waits for the answer any more' })
  await until(() => asleep.length === 2)
  const [pid] = kit.sandboxes.pids
  assert.deepEqual(await ask(kit, members, request), { commands: [ok()] })
  assert.deepEqual(kit.sandboxes.pids, [pid], 'the same process goes on')
  const undeclared = await ask(kit, 'rcpt: async ({ world }) => { await world.sleep(0) }', request)
  assert.match(undeclared.fault?.detail ?? '', /uses the effect "sleep" without declaring it/)
})

test('the message: header, content in pieces, and no file', async (t) => {
  const kit = sandboxKit(t)
  const body = Buffer.alloc(300_000, 'x\u00e9\n').fill(0, 1000, 1256)
  const message = testMessage(Buffer.concat([Buffer.from('Subject: h\u00e9llo\n\n'), body]), '17.1')
  const members = `message: async ({ message }) => {
    let size = 0, sum = 0
    for await (const piece of message.content()) { size += piece.length; for (const byte of piece) sum = (sum + byte) % 65521 }
    for await (const piece of message.content()) break
    const file = await message.file().catch((e) => e.message)
    return error([message.id, message.size, size, sum, (await message.header())[0].value, file].join('|'))
  }`
  const sum = [...Buffer.concat([Buffer.from('Subject: h\u00e9llo\n\n'), body])].reduce((total, byte) => (total + byte) % 65521, 0)
  assert.deepEqual(await ask(kit, members, requestOf('message', { message })), {
    commands: [error(`17.1|${message.size}|${message.size}|${sum}| h\u00e9llo|a sandboxed plugin reads no files: use message.content()`)],
  })
})

test('delivery: into an account the world gave, of this message', async (t) => {
  const kit = sandboxKit(t)
  const delivered: unknown[] = []
  const facts = { mailbox: { deliver: async (to: unknown, _message: unknown, envelope: unknown) => { delivered.push(to, envelope); return 'new/1' } } }
  const request = requestOf('deliver', { message: testMessage() })
  const deliver = (how: string): string => `needs: ['mailbox'], deliver: async ({ world, message, session }) => { ${how}; return ok() }`
  const good = "const a = await world.accounts.find('x'); await world.mailbox.deliver({ ...a, maildir: '/etc' }, message, { reversePath: 'a', recipient: 'b' })"
  assert.deepEqual(await ask(kit, deliver(good), request, { facts }), { commands: [ok()] })
  assert.deepEqual(delivered, [account, { reversePath: 'a', recipient: 'b' }])
  const forged = "await world.mailbox.deliver({ login: 'u', domain: 'local.example', maildir: '/etc' }, message, { reversePath: 'a', recipient: 'b' })"
  assert.match((await ask(kit, deliver(forged), request, { facts })).fault?.detail ?? '', /an account that accounts.find or accounts.takers gave/)
  const other = good.replace('message,', '{ ...message },')
  assert.match((await ask(kit, deliver(other), request, { facts })).fault?.detail ?? '', /takes the message of this call/)
  const full = { mailbox: { deliver: () => Promise.reject(new DeliveryError('452 full', { permanent: false })) } }
  assert.deepEqual(await ask(kit, deliver(good), request, { facts: full }), { commands: [error('452 full')] })
  assert.equal(delivered.length, 2)
})

test('takes: asked in the sandbox, and fails where the plugin\'s does', async (t) => {
  const kit = sandboxKit(t)
  kit.write({ 'plugins/x.ts': pluginText('x', "deliver: () => ok(), takes: (context, domain) => { if (domain === 'bad') throw new Error('cannot say'); return domain === 'mine' }") })
  const line = await kit.line('deliver', 'plugins/x.ts')
  assert.equal(await line.takes!(requestOf('rcpt'), 'mine'), true)
  assert.equal(await line.takes!(requestOf('rcpt'), 'other'), false)
  await assert.rejects(async () => line.takes!(requestOf('rcpt'), 'bad'), /cannot say \(plugins\/x\.ts:4\)/)
})

test('what it logs goes to the log, within bounds', async (t) => {
  const kit = sandboxKit(t)
  await ask(kit, "rcpt: ({ log }) => { log.warn('careful', { a: 1 }); console.log('said', 2); for (let i = 0; i < 1000; i++) log.info('again') }", requestOf('rcpt'))
  assert.deepEqual(kit.logged.slice(0, 3), ['warn x: careful', 'info x: said 2', 'info x: again'])
  assert.equal(kit.logged.length, 101)
})

test('what it logs has the session and the line it was asked for, and says of one in shadow that it is not obeyed', async (t) => {
  const logged: unknown[] = []
  const kit = sandboxKit(t, { log: { info: (message, about) => logged.push([message, about]), warn: () => undefined } })
  const members = "rcpt: ({ log }) => { log.info('seen', { a: 1, session: 'forged', line: 'forged' }) }"
  for (const line of ['', '@shadow ']) await ask(kit, members, requestOf('rcpt', { session: { id: 'abc' } }), { line })
  const about = { a: 1, session: 'abc', line: 'control/smtpplugins:2 plugins/x.ts', plugin: 'x' }
  assert.deepEqual(logged, [['x: seen', about], ['in shadow, not obeyed: x: seen', about]])
})

test('what happens after the answer ends nobody\'s call', async (t) => {
  const kit = sandboxKit(t)
  kit.write({
    'plugins/x.ts': pluginText('x', "rcpt: () => { setTimeout(() => { throw new Error('tick') }, 1); (async () => { throw new Error('nobody') })(); return ok() }"),
    'plugins/y.ts': pluginText('y', "needs: ['sleep'], rcpt: async ({ world }) => { await world.sleep(0.1); return ok() }"),
  })
  const x = await kit.line('rcpt', 'plugins/x.ts')
  const y = await kit.line('rcpt', 'plugins/y.ts')
  const [ofX, ofY] = await Promise.all([x.run(requestOf('rcpt')), y.run(requestOf('rcpt'))])
  assert.deepEqual([ofX, ofY], [{ commands: [ok()] }, { commands: [ok()] }])
  await until(() => kit.logged.length >= 2)
  assert.ok(kit.logged.includes('warn x: nobody caught this: tick (plugins/x.ts:4)'), kit.logged.join('\n'))
  assert.ok(kit.logged.some((line) => line.includes('a promise was rejected and nobody looked at it')))
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5)
}
