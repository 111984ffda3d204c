/** The faults of programs, by name: started for each question (spp/1) or asked again and again (spp/2). In sh, or Node where sh cannot. */
import { SHORT_TIMEOUT_MS, type Ending, type Form } from './fault.ts'

export function programSource(text: string): string {
  return `#!/bin/sh\nulimit -c 0\n${text}\n`
}

const node = `'${process.execPath.replaceAll("'", `'\\''`)}'`
const ANSWER = '550 chaos'

const LEAK = `exec ${node} --max-old-space-size=16 -e 'const all = new Map(); for (let n = 0; ; n++) all.set(n, Array(100).fill(n))'`
const ALLOCATE = `${node} -e 'Buffer.alloc(2 ** 30, 1)'`
const LONG_LINE = `printf 'E550 '; head -c 1000000 /dev/zero | tr '\\0' x; echo`
const STDERR = 'head -c 100000000 /dev/zero >&2'
const GARBAGE = `printf 'garbage\\n\\001\\377\\n{}\\n'`
const CR_IN_REPLY = `printf 'E550 chaos\\r250 injected\\n'`
const CR_IN_HEADER = `printf 'HX-Chaos: 1\\rBcc: victim@chaos.example\\n'`
const DEAF = `trap '' TERM INT HUP; while :; do sleep 1; done`

type Rest = Omit<Form, 'text'>
const timedOut: Rest = { ends: ['timed-out'], timeoutMs: SHORT_TIMEOUT_MS }
const late: Rest = { ends: ['timed-out'], timeoutMs: 500, lingerMs: 1500 }
const none: Rest = { ends: ['none'] }
/** Where memory or processors are short it meets its time-out first. */
const slow: Rest = { ends: ['none', 'timed-out'], heavy: true }
const crashed: Rest = { ends: ['crashed'] }
const badCommand: Rest = { ends: ['bad-command'] }

/** Statuses other than 120 say nothing (spp-protocol 6), and its variables are a program's own business (spp-protocol 5). */
export const PROGRAM: Readonly<Record<string, Form>> = {
  'never-answer': { text: 'exec sleep 600', ...timedOut },
  'answer-late': { text: "sleep 1.5; echo 'E550 too late (#5.0.0)'", ...late },
  'answer-twice': { text: `echo 'E${ANSWER}'; echo 'E550 again'`, ...none, answer: ANSWER },
  'busy-loop': { text: 'while :; do :; done', ...timedOut },
  'allocate-1g': { text: `exec ${ALLOCATE}`, ...slow },
  'leak-map': { text: LEAK, ends: ['crashed', 'timed-out'], heavy: true },
  'exit-early': { text: 'exit 0', ...none },
  'exit-1': { text: 'exit 1', ...none },
  'exit-120': { text: 'exit 120', ends: ['cannot-execute'] },
  'sigsegv': { text: 'kill -SEGV $$', ...crashed },
  'sigkill': { text: 'kill -KILL $$', ...crashed },
  'garbage': { text: GARBAGE, ...none },
  'line-1mb': { text: LONG_LINE, ends: ['too-much-output'] },
  'no-newline': { text: `printf 'E${ANSWER}'`, ...none, answer: ANSWER },
  'half-line': { text: 'printf E55; exec sleep 600', ...timedOut },
  'bad-code': { text: "echo 'E999 chaos'", ...badCommand },
  'crlf-in-reply': { text: CR_IN_REPLY, ...badCommand },
  'header-injection': { text: CR_IN_HEADER, ...badCommand },
  'stderr-100mb': { text: STDERR, ...slow },
  'ignores-sigterm': { text: DEAF, ...timedOut },
  'grandchild': { text: 'sleep 600 & exit 0', ...timedOut },
}

/** A worker that obeys the protocol but for what `body` does with each request. */
function loop(body: string): string {
  return `echo spp/2\nwhile read -r hook; do\n  while read -r pair && [ "$pair" ]; do :; done\n  ${body}\n  echo .\ndone`
}

function asked(body: string, rest: Rest): Form {
  return { text: loop(body), ...rest }
}

function ending(...ends: readonly Ending[]): Rest {
  return { ends }
}

export const WORKER: Readonly<Record<string, Form>> = {
  'never-answer': asked('sleep 600', timedOut),
  'answer-late': asked("sleep 1.5; echo 'E550 too late (#5.0.0)'", late),
  'answer-twice': asked(`printf 'E${ANSWER}\\n.\\nE550 again\\n'`, { ...none, answer: ANSWER }),
  'busy-loop': asked('while :; do :; done', timedOut),
  'allocate-1g': asked(ALLOCATE, slow),
  'leak-map': asked(LEAK, { ends: ['crashed', 'timed-out'], heavy: true }),
  'exit-early': asked('exit 0', crashed),
  'exit-1': asked('exit 1', crashed),
  'exit-120': asked('exit 120', ending('cannot-execute')),
  'sigsegv': asked('kill -SEGV $$', crashed),
  'sigkill': asked('kill -KILL $$', crashed),
  'wrong-hello': { text: 'echo hello; exec sleep 600', ...badCommand },
  'garbage': asked(GARBAGE, none),
  'line-1mb': asked(LONG_LINE, ending('too-much-output')),
  // The dot that should end the answer stands behind the text, on its line.
  'no-newline': asked(`printf 'E${ANSWER}'`, timedOut),
  'half-line': asked('printf E55; sleep 600', timedOut),
  'bad-code': asked("echo 'E999 chaos'", badCommand),
  'crlf-in-reply': asked(CR_IN_REPLY, badCommand),
  'header-injection': asked(CR_IN_HEADER, badCommand),
  'set-ld-preload': asked('echo SLD_PRELOAD=/chaos.so', badCommand),
  'set-perl5opt': asked('echo SPERL5OPT=-Mchaos', badCommand),
  'stderr-100mb': asked(STDERR, slow),
  'ignores-sigterm': asked(DEAF, timedOut),
  'grandchild': asked('sleep 600 & exit 0', crashed),
  'never-reads': { text: 'echo spp/2; exec sleep 600', ...timedOut },
}
