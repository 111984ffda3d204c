import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from './log.ts'

function gather(pretty: boolean | 'auto', terminal: boolean) {
  const lines: string[] = []
  const log = createLog({ level: 'info', pretty }, { terminal, destination: { write: (line) => { lines.push(line) } } })
  return { log, lines }
}

test('lines are JSON with time, level, session and message', () => {
  const { log, lines } = gather('auto', false)
  log.child({ session: 's1' }).info({ ip: '192.0.2.1' }, 'connect')
  log.debug('not at this level')
  const [line] = lines.map((each) => JSON.parse(each) as Record<string, unknown>)
  assert.equal(lines.length, 1)
  assert.deepEqual({ ...line, time: undefined }, { level: 'info', time: undefined, session: 's1', ip: '192.0.2.1', msg: 'connect' })
  assert.match(String(line!['time']), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
})

test('secrets are blanked', () => {
  const { log, lines } = gather(false, true)
  log.info({ password: 'hunter2', user: { login: 'ann', secret: 'hunter2' } }, 'x')
  assert.doesNotMatch(lines.join(''), /hunter2/)
  assert.match(lines.join(''), /"login":"ann"/)
})

test('secrets are blanked wherever they stand: of errors, of objects of a class, of a child', () => {
  class Login { readonly user = 'ann'; readonly password = 'hunter2' }
  const failure = Object.assign(new Error('refused'), { password: 'hunter2', host: 'db.example' })
  const { log, lines } = gather(false, false)
  log.error({ err: failure }, 'x')
  log.error(failure)
  log.error({ cause: failure }, 'x')
  log.info({ login: new Login() }, 'x')
  log.child({ token: 'hunter2', at: { secret: 'hunter2' } }).info('x')
  log.info({ password: undefined, session: 's1' }, 'x')
  assert.doesNotMatch(lines.join(''), /hunter2/)
  assert.equal(lines.length, 6)
  assert.match(lines[0]!, /"message":"refused".*"host":"db.example"/)
  assert.match(lines[1]!, /"message":"refused"/)
  assert.match(lines[3]!, /"user":"ann"/)
  assert.doesNotMatch(lines[5]!, /password/)
})

test('what is logged is left as it was, its secrets included', () => {
  const { log, lines } = gather(false, true)
  const fields = { token: 'hunter2', user: { login: 'ann', secret: 'hunter2' }, list: ['password'] }
  log.info(fields, 'x')
  assert.deepEqual(fields, { token: 'hunter2', user: { login: 'ann', secret: 'hunter2' }, list: ['password'] })
  assert.deepEqual((JSON.parse(lines[0]!) as typeof fields).list, ['password'])
})

test('an error comes with its stack', () => {
  const { log, lines } = gather(false, false)
  log.error({ err: new Error('broken') }, 'a defect')
  assert.match(lines[0]!, /"message":"broken","stack":"Error: broken/)
})
