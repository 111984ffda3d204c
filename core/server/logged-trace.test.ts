import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logger } from '../log.ts'
import type { NewTraceEvent } from '../trace/types.ts'
import { loggedTrace } from './logged-trace.ts'

const HOOK = { event: 'hook', hook: 'rcpt', line: '@shadow x', file: 'control/smtpplugins', number: 7, plugin: 'x', runtime: 'inline', ms: 1, commands: [] } as const

test('what a line in shadow would have refused or thrown away is logged, and nothing else it answers', () => {
  const logged: unknown[] = []
  const log = { info: (fields: object, message: string) => logged.push([message, fields]) } as unknown as Logger
  const recorded: NewTraceEvent[] = []
  const trace = loggedTrace({ id: 's', add: (event) => { recorded.push(event) }, flush: () => {} }, log)
  const answers = [['E550 no'], ['H X: 1', 'R421 go'], ['D'], ['O'], ['SDKIM=1'], ['P250-x', 'N', 'E550 late'], ['A', 'D'], ['550-no', '550 never'], []]
  for (const commands of answers) trace.add({ ...HOOK, commands, shadow: true })
  trace.add({ ...HOOK, commands: ['E550 no'] })
  assert.equal(recorded.length, answers.length + 1)
  const about = { session: 's', hook: 'rcpt', line: 'control/smtpplugins:7 @shadow x', shadow: true }
  assert.deepEqual(logged, ['E550 no', 'R421 go', 'D', '550-no'].map((answer) => [`in shadow, not obeyed: control/smtpplugins:7 @shadow x answered ${answer}`, about]))
})
