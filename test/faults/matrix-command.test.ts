/** `helios chaos` as an operator meets it. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ChaosReport } from '../../core/chaos/chaos.ts'
import { processesIn } from '../../core/chaos/processes.ts'
import { ended, place, type Place } from '../cli/kit.ts'

function homeWith(at: Place, files: Readonly<Record<string, string>>): readonly string[] {
  const all = {
    'control/me': 'mx.example\n', 'control/rcpthosts': 'here.example\n', 'control/smtpplugins': '[rcpt]\n:echo N\n',
    'helios.config.json': '{}', ...files,
  }
  for (const [name, content] of Object.entries(all)) at.write(join('home', name), content)
  return ['--home', at.at('home')]
}

/** Every file below the home with its content. */
function contentsOf(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name)
    return `${path} ${entry.isFile() ? readFileSync(path, 'latin1') : ''}`
  }).toSorted()
}

test('a table of what clients read, and the home stays as it was', async (t) => {
  const at = place(t)
  const home = homeWith(at, {})
  const before = contentsOf(at.at('home'))
  const { code, out, err } = await at.helios([...home, 'chaos', '--fault', 'throw', '--fault', 'sigkill'])
  assert.equal(code, 0, out + err)
  assert.match(out, /^FAULT +STAGE +RUNTIME +ONERROR +THE CLIENT READ +THE POLICY SAYS +VERDICT +MS$/m)
  assert.match(out, /^throw +rcpt +sandbox +tempfail +451 .*: failed \(#4\.3\.0\) +451 failed +ok +[0-9.]+$/m)
  assert.match(out, /^sigkill +rcpt +program +refuse +554 .*: child crashed \(#5\.3\.0\) +554 child crashed +ok +[0-9.]+$/m)
  assert.match(out, /^ok +no children left: none of [0-9]+$/m)
  assert.match(out, /: 4 cells, 0 NOT OK; .* everything is contained$/m)
  assert.deepEqual(contentsOf(at.at('home')), before)
})

test('the same as JSON, with the policy and the runtime that are asked for', async (t) => {
  const at = place(t)
  const args = 'chaos --json --fault bad-code --stage +message --runtime worker --onerror refuse --sessions 3'.split(' ')
  const { code, out, err } = await at.helios([...homeWith(at, {}), ...args])
  assert.equal(code, 0, out + err)
  const { ok, cells, unreached } = JSON.parse(out) as ChaosReport
  assert.deepEqual([ok, cells.length, unreached.length], [true, 1, 0])
  const { fault, stage, runtime, onerror, sessions, read, ended: how, line } = cells[0]!
  assert.deepEqual([fault, stage, runtime, onerror, sessions, how], ['bad-code', '+message', 'worker', 'refuse', 3, ['bad-command']])
  assert.deepEqual(read, [`554 qmail-spp failure: ${line}: bad command (#5.3.0)`])
})

test('what is not as the policy says is NOT OK, and the exit status says so', async (t) => {
  const at = place(t)
  // Sessions that no plugin is asked in: the faulty line is not, either.
  const home = homeWith(at, { 'control/smtpconfig': 'NOSPP=1; export NOSPP\n' })
  const { code, out } = await at.helios([...home, 'chaos', '--fault', 'throw', '--runtime', 'inline'])
  assert.equal(code, 1, out)
  assert.match(out, /^throw .* NOT OK +[0-9.]+$/m)
  assert.match(out, /^NOT OK {2}throw at rcpt in inline \(plugins\/.*\/throw\.ts\): the trace has 0 events of this line, not 1$/m)
  assert.match(out, /1 NOT OK; .* not everything is contained$/m)
})

test('stages that the operator\'s own lines keep sessions from', async (t) => {
  const at = place(t)
  const home = homeWith(at, {
    'control/smtpplugins': '[mail]\n:test "$SMTPMAILFROM" = me@here.example || echo E550 not you\n[data]\n:echo N\n',
  })
  const args = [...home, 'chaos', '--fault', 'throw', '--runtime', 'inline']
  const other = await at.helios(args)
  assert.equal(other.code, 0, other.out + other.err)
  assert.match(other.out, /^throw +mail +inline .* ok /m)
  assert.match(other.out, /^not reached: data, for your list answers 550 not you at mail \(choose another session with --helo/m)
  const known = await at.helios([...args, '--from', 'me@here.example'])
  assert.match(known.out, /^throw +data +inline .* ok /m)
  assert.doesNotMatch(known.out, /not reached/)
})

test('a list that does not load, and words that mean nothing', async (t) => {
  const at = place(t)
  const home = homeWith(at, { 'control/smtpplugins': '[rcpt]\n@onerror=never :echo N\n' })
  const broken = await at.helios([...home, 'chaos', '--fault', 'throw'])
  assert.equal(broken.code, 1)
  assert.match(broken.err, /a server does not start in a copy of the home: .*onerror.*\(helios check/)
  const unknown = await at.helios([...homeWith(at, {}), 'chaos', '--fault', 'nonsense'])
  assert.equal(unknown.code, 2)
  assert.match(unknown.err, /There is no fault "nonsense"; write one of throw, /)
  const all = await at.helios(['chaos', '--list'])
  assert.match(all.out, /^busy-loop +sandbox program worker +loops without end$/m)
})

test('told to stop, it ends everything it started and leaves nothing behind', async (t) => {
  const at = place(t)
  const mine = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('helios-chaos-'))
  const before = new Set(mine())
  const child = at.start([...homeWith(at, {}), 'chaos', '--fault', 'never-answer', '--fault', 'ignores-sigterm', '--sessions', '8'])
  const end = ended(child)
  let copy: string | undefined
  for (;;) {
    copy = mine().find((name) => !before.has(name) && existing(join(tmpdir(), name, 'run')))
    if (copy !== undefined || child.exitCode !== null) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  child.kill('SIGTERM')
  const { code, err } = await end
  assert.ok(copy !== undefined, err)
  assert.equal(code, 1, err)
  assert.match(err, /ended by SIGTERM; the copy of the home is removed \(run it again/)
  assert.deepEqual(mine().filter((name) => name === copy), [])
  assert.deepEqual((await processesIn(join(tmpdir(), copy))).map(({ pid }) => pid), [])
})

function existing(path: string): boolean {
  try {
    return readdirSync(path).length >= 0
  } catch {
    return false
  }
}
