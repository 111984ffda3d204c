import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseQmailConfig } from './qmailconfig.ts'

const said = (content: string): readonly string[] =>
  parseQmailConfig(content).problems.map(({ line, reason, warning }) => `${warning === true ? 'warning' : 'error'} ${line}: ${reason}`)

test('without the file, and with an empty one: SQLite', () => {
  for (const content of [undefined, '', '# nothing\n\n']) {
    const { config, problems } = parseQmailConfig(content)
    assert.deepEqual(problems, [])
    assert.deepEqual(config, {
      mailRoot: undefined, defaultUser: undefined, defaultGroup: undefined, rcpthostsFromDb: false, allowedRecipientsFromDb: false,
      localpop: undefined, domainSeparators: '@', checkHost: true, globaldomain: undefined, hostPostmaster: undefined, homeProgram: undefined,
      driver: 'sqlite', connections: [], popConnections: [], connectionTimeout: 5, queryTimeout: 10, localsFromDb: false,
      names: {
        tables: { passwd: 'passwd', dotqmails: 'dotqmails', locals: 'locals' },
        columns: Object.fromEntries(Object.keys(config.names.columns).map((name) => [name, name])),
      },
    })
  }
})

test('every directive', () => {
  const { config, problems } = parseQmailConfig([
    'mail_root /var/mail/', 'default_user vmail', 'default_group mail', 'rcpthosts_from_db yes', 'allowed_recipients_from_db\tyes', 'localpop Example.ORG',
    'domain_separators @%+', 'check_host no', 'globaldomain all.example', 'host_postmaster Root@example.org', 'autohomedir /usr/bin/make-home',
    'connectionstring user=userconsult password=readonly dbname=userdb host=localhost', 'connectionstring user=u2 host=/run/mysqld/mysqld.sock sslmode=require',
    "popconnectionstring user=w password='two words' port=3307 hostaddr=192.0.2.1 sslmode=verify-full sslrootcert=/ca.pem",
    'connection_timeout 0', 'query_timeout 7', 'dbtable users', 'localtable ours', 'login_field name', 'enabled_field is_on',
  ].join('\n'))
  assert.deepEqual(problems, [])
  const { names, ...rest } = config
  const plain = { password: undefined, port: undefined, tls: 'off', rootCertificates: undefined }
  assert.deepEqual(rest, {
    mailRoot: '/var/mail', defaultUser: 'vmail', defaultGroup: 'mail', rcpthostsFromDb: true, allowedRecipientsFromDb: true,
    localpop: 'example.org', domainSeparators: '@%+', checkHost: false, globaldomain: 'all.example', hostPostmaster: 'Root@example.org',
    homeProgram: '/usr/bin/make-home', driver: 'mysql', connectionTimeout: 0, queryTimeout: 7, localsFromDb: true,
    connections: [
      { ...plain, user: 'userconsult', password: 'readonly', dbname: 'userdb', host: 'localhost' },
      { ...plain, user: 'u2', dbname: 'u2', host: '/run/mysqld/mysqld.sock', tls: 'unverified' },
    ],
    popConnections: [{ user: 'w', password: 'two words', dbname: 'w', host: '192.0.2.1', port: 3307, tls: 'verified', rootCertificates: '/ca.pem' }],
  })
  assert.deepEqual([names.tables.passwd, names.tables.locals, names.columns.login, names.columns.enabled], ['users', 'ours', 'name', 'is_on'])
})

test('which kind of server: said, or seen', () => {
  const driver = (...lines: string[]): string => parseQmailConfig(lines.join('\n')).config.driver
  assert.equal(driver('connectionstring user=u'), 'mysql')
  assert.equal(driver('connectionstring user=u port=5432'), 'postgresql')
  assert.equal(driver('connectionstring user=u host=/var/run/postgresql'), 'postgresql')
  assert.equal(driver('connectionstring user=u port=5432', 'dbdriver mysql'), 'mysql')
  assert.equal(driver('dbdriver mysql'), 'sqlite')
})

test('the last line counts, except for the connections', () => {
  const content = 'localpop a.example\nlocalpop b.example\nconnectionstring user=a\nconnectionstring user=b\n'
  const { config } = parseQmailConfig(content)
  assert.equal(config.localpop, 'b.example')
  assert.deepEqual(config.connections.map(({ user }) => user), ['a', 'b'])
  assert.deepEqual(config.popConnections, config.connections)
  assert.deepEqual(said(content), ['warning 2: "localpop" stands on line 1 already, and this one counts'])
})

test('what is wrong is said with its line, and never with a password', () => {
  for (const [content, reason] of [
    ['check_host maybe', /not one of yes, no/], ['check_host', /has no value/], ['mail_root mail', /not an absolute path/], ['localpop a b', /not a domain/],
    ['host_postmaster me', /not an address/], ['query_timeout 1s', /not a number/], ['dbtable a-b', /not a name/], ['dbdriver oracle', /not one of/],
    ["connectionstring user=a password='secret", /does not end/], ['connectionstring password=secret', /no user=/], ['connectionstring secret', /"=" is missing/],
    ['connectionstring user=a port=x', /port/], ['connectionstring user=a sslmode=x', /sslmode/], ['connectionstring postgresql://u:secret@h/', /not read here/],
    ['popconnectionstring user=a password=secret', /no connectionstring/], ['localpop example.org\r', /carriage return/],
  ] as const) {
    const [first, ...more] = said(`#\n${content}\n`)
    assert.match(first!, /^error 2: /, content)
    assert.match(first!, reason)
    if (content !== 'connectionstring secret') assert.doesNotMatch([first, ...more].join(), /secret/)
  }
  assert.deepEqual(said('local_pop example.org\nhello world'), [
    'warning 1: "local_pop" is no directive that Helios knows, so it has no effect; did you mean "localpop"?',
    'warning 2: "hello" is no directive that Helios knows, so it has no effect',
  ])
  assert.deepEqual(said('connectionstring user=a options=x'), ['warning 1: connectionstring: "options" is not used'])
})

test('the file that comes with a new home changes nothing, and its examples are right', () => {
  const content = readFileSync(join(import.meta.dirname, '..', '..', 'config', 'defaults', 'control', 'qmailconfig'), 'utf8')
  assert.deepEqual(parseQmailConfig(content), parseQmailConfig(undefined))
  assert.deepEqual(said(content.replace(/^#(?=[a-z_]+ \S)/gm, '')), [])
})

test('the manual page names every directive', () => {
  const root = join(import.meta.dirname, '..', '..')
  const page = readFileSync(join(root, 'docs', 'control', 'qmailconfig.md'), 'utf8')
  const source = readFileSync(join(root, 'protocol', 'qmail', 'qmailconfig.ts'), 'utf8')
  const directives = new Set(source.match(/(?<=')[a-z_]+_(?:field|root|user|group|from_db|separators|host|postmaster|timeout)(?=')|\b[a-z_]+_field(?=: )|'(?:popconnectionstring|localpop|autohomedir|dbdriver)'|\b(?:db|dotqmail|local)table(?=: )/g))
  assert.ok(directives.size > 25, [...directives].join())
  for (const directive of directives) assert.ok(page.includes(`\`${directive.replaceAll("'", '')}\``), directive)
})
