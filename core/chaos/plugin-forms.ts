/** The faults of TypeScript plugins, by name: handlers in a sandbox, and the same in the server's own process. */
import { SHORT_TIMEOUT_MS, type Form } from './fault.ts'

/** What a handler's text may use of the API. */
const IMPORTS = 'definePlugin, error, header, set'

/** The source of a plugin that has this handler at every stage. */
export function pluginSource(name: string, handler: string): string {
  return `import { ${IMPORTS} } from 'helios-mail/plugin'

const fault = ${handler}

export default definePlugin({
  name: '${name}',
  summary: 'Made by helios chaos to fail.',
  connection: fault, helo: fault, mail: fault, rcpt: fault, data: fault, message: fault,
})
`
}

const THROW = "() => { throw new Error('chaos') }"
const REJECT = "async () => { await new Promise((go) => setTimeout(go, 20)); throw new Error('chaos') }"
const TIMER = "() => new Promise(() => setTimeout(() => { throw new Error('chaos') }, 5))"
const NEVER = '() => new Promise(() => {})'
const LATE = "() => new Promise((go) => setTimeout(() => go(error('550 too late (#5.0.0)')), 1500))"
const BAD_CODE = "() => error('999 chaos')"
const CRLF = "() => error('550 chaos\\r\\n250 injected')"
const HEADER = "() => header('X-Chaos: 1\\r\\nBcc: victim@chaos.example')"
// In parts: more than 16 MiB at once is refused.
const ALLOCATE = '() => { const all = []; for (let n = 0; n < 128; n++) all.push(new Uint8Array(2 ** 23).fill(1)); return all.length }'
const LEAK = '() => { const all = new Map(); for (let n = 0; ; n++) all.set(n, Array(100).fill(n)) }'
const STDERR = "() => { for (let n = 0; n < 1e5; n++) console.error('x'.repeat(1000)) }"

const timedOut: Pick<Form, 'ends' | 'timeoutMs'> = { ends: ['timed-out'], timeoutMs: SHORT_TIMEOUT_MS }
const late: Omit<Form, 'text'> = { ends: ['timed-out'], timeoutMs: 500, lingerMs: 1500 }
const badCommand: Omit<Form, 'text'> = { ends: ['bad-command'] }
/** The process goes, by its heartbeat, its heap or its memory, whichever is first. */
const ended: Omit<Form, 'text'> = { ends: ['timed-out', 'crashed'], endsProcess: true }

/** An inline plugin is a part of the server: what stops the server's own loop or ends its process is not contained, and not here. */
export const INLINE: Readonly<Record<string, Form>> = {
  'throw': { text: THROW, ends: ['threw'] },
  'reject-later': { text: REJECT, ends: ['threw'] },
  'throw-in-timer': { text: TIMER, ...timedOut },
  'never-answer': { text: NEVER, ...timedOut },
  'answer-late': { text: LATE, ...late },
  'garbage': { text: "() => 'garbage'", ...badCommand },
  'bad-code': { text: BAD_CODE, ...badCommand },
  'crlf-in-reply': { text: CRLF, ...badCommand },
  'header-injection': { text: HEADER, ...badCommand },
}

export const SANDBOX: Readonly<Record<string, Form>> = {
  ...INLINE,
  'throw-in-timer': { text: TIMER, ends: ['threw'] },
  'busy-loop': { text: '() => { for (;;); }', ends: ['timed-out'], endsProcess: true },
  'allocate-1g': { text: ALLOCATE, ...ended, heavy: true },
  'leak-map': { text: LEAK, ...ended, heavy: true },
  'exit-early': { text: '() => { process.exit(0) }', ends: ['threw'] },
  'line-1mb': { text: "() => error('550 ' + 'x'.repeat(1e6))", ends: ['too-much-output'] },
  'set-ld-preload': { text: "() => set('LD_PRELOAD', '/chaos.so')", ...badCommand },
  'set-perl5opt': { text: "() => set('PERL5OPT', '-Mchaos')", ...badCommand },
  // Lines are dropped, or the process is, as it happens.
  'stderr-100mb': { text: STDERR, ends: ['none', 'timed-out', 'crashed'], endsProcess: true, heavy: true },
}
