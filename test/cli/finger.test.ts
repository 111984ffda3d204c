/** Everything known of users, as an operator asks for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DatabaseSync } from 'node:sqlite'
import { place } from './kit.ts'

test('finger and user show tell all there is, and never a password', async (t) => {
  const here = place(t)
  const home = (name: string): string => here.at(`helios-home/${name}`)
  const run = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await here.helios(args)
    assert.deepEqual([code, err], [0, ''], args.join(' '))
    return out
  }
  await run('init', '--domain', 'local.example', '--user', 'joe')
  await run('alias', 'add', 'info@local.example', 'joe@local.example')
  await run('antispoof', 'add', 'joe@local.example', 'office@[:domain:]')
  here.write('helios-home/mail/local.example/joe/Maildir/new/1.a', '12345')
  const database = new DatabaseSync(home('helios.db'))
  const { password } = database.prepare('SELECT password FROM passwd').get() as { readonly password: string }
  database.exec("UPDATE passwd SET lastlogin = '2026-01-31 12:00:00', stopdate = '2026-02-01 00:00:00', startdate = NULL, hardquota = 1000")
  database.close()

  const shown = await run('user', 'show', 'JOE@local.example')
  assert.ok(!shown.includes(password))
  const lines = shown.split('\n')
  assert.deepEqual(lines.slice(0, 8), [
    'joe@local.example', '  state       outside its dates: no mail, no login (until 2026-02-01 00:00:00 UTC)',
    `  mailbox     ${home('mail/local.example/joe/Maildir')}: 1 message (1 new), 5 bytes`, '  quota       1000 bytes', '  password    scrypt',
    '  last login  2026-01-31 12:00:00 UTC', '  aliases     info@local.example', '  antispoof   joe@local.example',
  ])
  assert.match(lines[8]!, /^ {16}office@\[:domain:\] {2}-- /)
  assert.match(await run('finger', 'info@local.example'), /^info@local\.example leads to joe@local\.example\njoe@local\.example\n/)

  const [joe] = JSON.parse(await run('finger', 'joe', '--json')) as readonly { readonly by: string; readonly users: readonly { readonly quota: number; readonly plugins: { readonly antispoof: readonly object[] } }[] }[]
  assert.deepEqual([joe!.by, joe!.users.map(({ quota, plugins }) => [quota, plugins.antispoof.length])], ['login', [[1000, 2]]])
  const { code, out, err } = await here.helios(['finger', 'nobody@local.example', 'joe@local.example'])
  assert.deepEqual([code, out.split('\n')[1]], [1, 'joe@local.example'])
  assert.match(err, /^helios: nobody here is nobody@local\.example \(/)
  assert.match((await here.helios(['user', 'show', 'info@local.example'])).err, /there is no user info@local\.example \("helios finger info@local\.example" /)
})

test('each verb of the accounts answers in JSON', async (t) => {
  const here = place(t)
  here.write('helios-home/control/me', 'mail.example.org\n')
  here.write('helios-home/control/rcpthosts', '')
  const steps: readonly (readonly [string, object])[] = [
    ['domain add example.org', { domain: 'example.org', listed: true, directory: true }],
    ['user add ann@example.org --password secret', { login: 'ann', domain: 'example.org', home: here.at('helios-home/mail/example.org/ann'), quota: 0, enabled: true }],
    ['user passwd Ann@example.org --password other', { login: 'ann', domain: 'example.org' }],
    ['user quota Ann@example.org 2K', { login: 'ann', domain: 'example.org', quota: 2048 }],
    ['user disable Ann@example.org', { login: 'ann', domain: 'example.org', enabled: false }],
    ['user enable ann@example.org', { login: 'ann', domain: 'example.org', enabled: true }],
    ['user rename ann@example.org eve@example.org', { from: 'ann@example.org', login: 'eve', domain: 'example.org', home: here.at('helios-home/mail/example.org/eve') }],
  ]
  for (const [line, expected] of steps) {
    const { code, out, err } = await here.helios([...line.split(' '), '--json'])
    assert.equal(code, 0, err)
    const { postmaster: _, ...answer } = JSON.parse(out) as Readonly<Record<string, unknown>>
    assert.deepEqual(answer, expected, line)
  }
  assert.equal((JSON.parse((await here.helios(['db', 'migrate', '--json'])).out) as { readonly done: readonly string[] }).done[0], 'table helios_logins')
  const made = JSON.parse((await here.helios(['user', 'passwd', 'eve@example.org', '--generate', '--json'])).out) as { readonly password: string }
  assert.match(made.password, /^[a-z0-9-]{19}$/)
})
