import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyOfEnvironment, dangerousName, isEnvironmentName, isEnvironmentValue } from './environment.ts'

test('names', () => {
  for (const name of ['A', 'SMTPHELOHOST', 'x-y', 'é', ' ']) assert.ok(isEnvironmentName(name), name)
  for (const name of ['', 'A=B', '=', 'A\0', 'A\n', '\n', 'A\rB']) assert.ok(!isEnvironmentName(name), JSON.stringify(name))
})

test('values', () => {
  for (const value of ['', 'a=b', 'é ']) assert.ok(isEnvironmentValue(value))
  for (const value of ['\0', 'a\nb', 'a\r']) assert.ok(!isEnvironmentValue(value))
})

test('names that choose what the next program runs', () => {
  const exact = ['PATH', 'IFS', 'ENV', 'BASH_ENV']
  const families = ['LD_PRELOAD', 'LD_', 'NODE_OPTIONS', 'PERL5LIB', 'PERLLIB', 'PYTHONPATH', 'RUBYOPT', 'PHPRC', 'PHP_INI_SCAN_DIR']
  for (const name of [...exact, ...families]) assert.ok(dangerousName(name), name)
  for (const name of ['', 'path', 'MYPATH', 'PATHS', 'ENVIRONMENT', 'LD', 'NODE', 'XLD_PRELOAD', 'PYTHO']) {
    assert.ok(!dangerousName(name), name)
  }
})

test('a copy has no names but its own', () => {
  const env = copyOfEnvironment({ A: '1', ['__proto__']: 'x' } as Record<string, string>)
  for (const name of ['constructor', 'toString', 'hasOwnProperty']) assert.equal(env[name], undefined)
  env['__proto__'] = 'mine'
  const copy = copyOfEnvironment(env)
  assert.deepEqual(Object.entries(copy), [['A', '1'], ['__proto__', 'mine']])
  delete env['A']
  assert.deepEqual([Object.keys(env), copy['A']], [['__proto__'], '1'])
})
