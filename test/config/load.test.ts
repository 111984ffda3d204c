import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../config/error.ts'
import { loadSettings, type LoadOptions } from '../../config/load.ts'
import { DEFAULTS } from '../../config/schema.ts'
import { directoryWith } from './temp.ts'

const listeners = (port: number) => JSON.stringify({ listeners: [{ port }] })

async function problems(options: LoadOptions): Promise<readonly string[]> {
  try {
    await loadSettings(options)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ file, line, reason }) => `${file}:${line ?? ''}: ${reason}`)
  }
  return []
}

test('without any file: the default home and the default settings', async (t) => {
  const cwd = directoryWith(t, { 'package.json': '{}' })
  assert.deepEqual(await loadSettings({ cwd }), { ...DEFAULTS, home: join(cwd, 'helios-home'), file: undefined })
  assert.equal((await loadSettings({ cwd, home: 'elsewhere' })).home, join(cwd, 'elsewhere'))
})

test('the file in the home given wins over the one around, and that over the one in the default home', async (t) => {
  const cwd = directoryWith(t, {
    'package.json': '{}', 'a/helios.config.json': listeners(1), 'helios.config.yaml': 'listeners:\n  - port: 2\n',
      'helios-home/helios.config.json': listeners(3),
    'b/control/me': 'x', 'other/package.json': '{}', 'other/helios-home/helios.config.yml': 'listeners: [{port: 4}]',
  })
  const port = async (options: Omit<LoadOptions, 'cwd'>, from = cwd) => (await loadSettings({ cwd: from, ...options })).listeners[0]!.port
  assert.equal(await port({ home: 'a' }), 1)
  assert.equal(await port({ home: 'b' }), 2)
  assert.equal(await port({}), 2)
  assert.equal(await port({}, join(cwd, 'a')), 1)
  assert.equal(await port({}, join(cwd, 'b')), 2)
  assert.equal(await port({}, join(cwd, 'other')), 4)
  assert.equal(await port({ config: 'a/helios.config.json', home: 'b' }), 1)
})

test("the home: --home, the file's own, the file's place, the default", async (t) => {
  const cwd = directoryWith(t, {
    'package.json': '{}', 'conf/helios.config.json': '{"home":"../h"}', 'mail/helios.config.json': '{}', 'mail/control/me': 'x',
      'plain/helios.config.json': '{}',
  })
  const home = async (options: LoadOptions) => (await loadSettings(options)).home
  assert.equal(await home({ cwd, config: 'conf/helios.config.json' }), join(cwd, 'h'))
  assert.equal(await home({ cwd, config: 'conf/helios.config.json', home: 'x' }), join(cwd, 'x'))
  assert.equal(await home({ cwd: join(cwd, 'mail', 'control') }), join(cwd, 'mail'))
  assert.equal(await home({ cwd: join(cwd, 'plain') }), join(cwd, 'plain', 'helios-home'))
  const elsewhere = await loadSettings({ cwd: join(cwd, 'mail'), home: join(cwd, 'fresh') })
  assert.deepEqual([elsewhere.home, elsewhere.file], [join(cwd, 'fresh'), undefined])
})

test('keys left out keep their defaults; submission has its own port', async (t) => {
  const text = JSON.stringify({
    user: 'mail', workers: 4, trace: { maxBytes: 5 }, log: { level: 'warn', pretty: false }, replyDialect: 'off',
    listeners: [{ compat: 'qmail-spp', host: '::1', port: 0 }, { port: 0 }, { service: 'submission' }],
  })
  const settings = await loadSettings({ cwd: directoryWith(t, { 'helios.config.json': text }) })
  assert.deepEqual(settings.listeners.map(({ service, host, port, compat }) => [service, host, port, compat]), [
    ['smtp', '::1', 0, 'qmail-spp'], ['smtp', '127.0.0.1', 0, false], ['submission', '127.0.0.1', 2587, false],
  ])
  assert.deepEqual([settings.user, settings.workers, settings.trace, settings.log, settings.replyDialect], [
    'mail', 4, { ...DEFAULTS.trace, maxBytes: 5 }, { level: 'warn', pretty: false }, 'off',
  ])
})

test('everything wrong is named at once, with its line and what was meant', async (t) => {
  const text = `{
  "listners": [],
  "user": 5,
  "listeners": [
    { "prot": 25, "service": "smpt", "tls": "startls", "proxy": ["10.0.0.0/8", "10.0.0.1/8"] },
    { "port": 70000 }
  ],
  "log": { "level": "loud" },
  "trace": true
}`
  const found = await problems({ cwd: directoryWith(t, { 'helios.config.json': text }) })
  const expected = [
    /^helios\.config\.json:2: listners: .*did you mean "listeners"/, /:3: user: .*not 5/, /:5: listeners\[0\]\.prot: .*did you mean "port"/,
    /:5: listeners\[0\]\.service: .*did you mean "smtp"/, /:5: listeners\[0\]\.tls: .*"starttls"/,
      /:5: listeners\[0\]\.proxy: "10\.0\.0\.1\/8" is no network/,
    /:6: listeners\[1\]\.port: .*from 0 to 65535, not 70000/, /:8: log\.level: .*"loud"/, /:9: trace: .*object/,
  ]
  for (const pattern of expected) assert.ok(found.some((problem) => pattern.test(problem)), `${pattern} in ${found.join('\n')}`)
  assert.equal(found.length, expected.length)
})

test('TLS of a listener: by a word, or with certificates of its own', async (t) => {
  const read = async (...tls: readonly unknown[]) => {
    const text = JSON.stringify({ listeners: tls.map((each) => ({ port: 0, tls: each })) })
    return (await loadSettings({ cwd: directoryWith(t, { 'helios.config.json': text }) })).listeners.map((listener) => listener.tls)
  }
  const [implicit, starttls] = [{ mode: 'implicit', options: undefined }, { mode: 'starttls', options: undefined }]
  assert.deepEqual(await read(undefined, false, true, 'implicit', 'starttls', { mode: 'starttls' }), [false, false, implicit, implicit, starttls, starttls])
  assert.deepEqual(await read({ mode: 'implicit', certificates: [{ cert: 'a' }, { cert: 'b', key: 'bk' }], sslVersion: 'TLSv1.3', verify: 1, CAfile: 'ca', ciphers: 'X' }), [{
    mode: 'implicit',
    options: { pairs: [{ cert: 'a', key: 'a' }, { cert: 'b', key: 'bk' }], caFile: 'ca', verify: 1, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: 'X' },
  }])
  for (const [tls, reason] of [
    [{}, /needs a "mode"/], [{ mode: 'tls' }, /mode: .*"implicit", "starttls"/], [{ mode: 'starttls', verify: 1 }, /verify: this counts only beside "certificates"/],
    [{ mode: 'starttls', certificates: [] }, /at least one certificate/], [{ mode: 'starttls', certificates: [{ key: 'x' }] }, /needs "cert"/],
    [{ mode: 'starttls', certificates: [{ cert: 'x' }], sslVersion: 'SSLv3' }, /SSLv3 is not spoken here/], [5, /not 5/],
  ] as const) {
    const found = await problems({ cwd: directoryWith(t, { 'helios.config.json': JSON.stringify({ listeners: [{ tls }] }) }) })
    assert.match(found.join('\n'), reason)
  }
})

test('other shapes are errors as well', async (t) => {
  for (const text of ['[]', '5', '"x"', '{"listeners":[]}', '{"listeners":{}}', '{"listeners":[5]}',
    '{"listeners":[{"port":1},{"port":1}]}', '{"home":""}', '{"log":{"pretty":"yes"}}', '{"trace":{"maxBytes":-1}}',
    '{"workers":0}', '{"workers":65}', '{"workers":"auto"}', '{"workers":1.5}', '{"stuckSeconds":9}', '{"stuckSeconds":"5"}']) {
    assert.equal((await problems({ cwd: directoryWith(t, { 'helios.config.json': text }) })).length, 1, text)
  }
  assert.deepEqual(await problems({ cwd: directoryWith(t, { 'helios.config.json': '' }) }), [])
})

test('broken syntax is told with file and line, a missing --config by name', async (t) => {
  const json = await problems({ cwd: directoryWith(t, { 'helios.config.json': '{\n  "home": "x",\n}' }) })
  assert.match(json[0]!, /helios\.config\.json:3: not readable as settings/)
  const marked = await problems({ cwd: directoryWith(t, { 'helios.config.json': '\ufeff{}' }) })
  assert.match(marked[0]!, /helios\.config\.json:.* not readable as settings: it begins with a byte order mark/)
  const yaml = await problems({ cwd: directoryWith(t, { 'helios.config.yaml': 'home: x\nlog: [\n' }) })
  assert.match(yaml[0]!, /helios\.config\.yaml:\d+: not readable as settings/)
  const cwd = directoryWith(t)
  assert.deepEqual(await problems({ cwd, config: 'none.json' }), [`${join(cwd, 'none.json')}:: there is no such settings file`])
})

test('settings are never code: neither ours, nor what they import, nor that of the library that finds them', async (t) => {
  const code = (mark: string) => `require('node:fs').writeFileSync('${mark}', '')\nmodule.exports = {}`
  const cwd = directoryWith(t, {
    'package.json': '{}', '.config/config.js': code('meta'), '.config/config.cjs': code('meta'), 'helios.config.js': code('js'),
      'helios.config.cjs': code('js'),
    'x.cjs': code('import'), 'i/helios.config.json': '{"$import":"../x.cjs"}',
  })
  const script = `import { loadSettings } from ${JSON.stringify(resolve(import.meta.dirname, '../../config/load.ts'))}
for (const options of [{ cwd: '.' }, { cwd: '.', config: 'helios.config.cjs' }, { cwd: 'i' }]) await loadSettings(options).catch((e) =>
  console.log(e.name))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8' })
  assert.equal(output, 'ConfigError\nConfigError\n')
  for (const mark of ['meta', 'js', 'import']) assert.equal(existsSync(join(cwd, mark)), false, mark)
})

test('limits: what is given replaces its default, and what is wrong is named', async (t) => {
  const cwd = directoryWith(t, {
    'package.json': '{}', 'good/helios.config.json': '{"limits":{"recipients":100,"pipelining":"note"}}',
    'bad/helios.config.json': '{\n"limits": {\n"recipients": 99,\n"erors": 1,\n"pipelining": true,\n"hops": "100"\n}\n}',
  })
  assert.deepEqual((await loadSettings({ cwd, home: 'good' })).limits, { ...DEFAULTS.limits, recipients: 100, pipelining: 'note' })
  assert.deepEqual((await problems({ cwd, home: 'bad' })).map((problem) => problem.slice(problem.indexOf('.json:') + 6)), [
    '4: limits.erors: there is no such key; did you mean "errors"?',
    '3: limits.recipients: this must be a whole number from 100 to 10000, or 0 for none, not 99',
    '6: limits.hops: this must be a whole number from 10 to 1000, not "100"',
    '5: limits.pipelining: this must be "refuse" or "note", not true',
  ])
})
