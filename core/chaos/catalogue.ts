/** Every fault there is, in the order of the table. */
import type { Runtime } from '../host/types.ts'
import { RUNTIMES, type ChaosFault, type Form } from './fault.ts'
import { INLINE, SANDBOX } from './plugin-forms.ts'
import { PROGRAM, WORKER } from './program-forms.ts'

const ABOUT: readonly (readonly [name: string, about: string])[] = [
  ['throw', 'throws at once'],
  ['reject-later', 'rejects after a while'],
  ['throw-in-timer', 'throws in a timer, and never answers'],
  ['never-answer', 'never answers'],
  ['answer-late', 'answers after its time-out'],
  ['answer-twice', 'answers twice'],
  ['busy-loop', 'loops without end'],
  ['allocate-1g', 'allocates 1 GiB'],
  ['leak-map', 'fills a Map without end'],
  ['exit-early', 'ends with status 0 before it answers'],
  ['exit-1', 'ends with status 1 before it answers'],
  ['exit-120', 'ends with status 120'],
  ['sigsegv', 'dies of SIGSEGV'],
  ['sigkill', 'dies of SIGKILL'],
  ['wrong-hello', 'begins with another word than spp/2'],
  ['garbage', 'answers with garbage'],
  ['line-1mb', 'answers with a line of 1 MB'],
  ['no-newline', 'ends its answer without a line end'],
  ['half-line', 'prints half a line, then nothing more'],
  ['bad-code', 'refuses with a code that is none'],
  ['crlf-in-reply', 'hides a line end in its reply'],
  ['header-injection', 'hides a second field in a header line'],
  ['set-ld-preload', 'sets LD_PRELOAD for later programs'],
  ['set-perl5opt', 'sets PERL5OPT for later programs'],
  ['stderr-100mb', 'writes 100 MB to standard error'],
  ['ignores-sigterm', 'ignores SIGTERM, and never answers'],
  ['grandchild', 'ends, and leaves a child that keeps its output open'],
  ['never-reads', 'never reads its input'],
]

const FORMS: Readonly<Record<Runtime, Readonly<Record<string, Form>>>> = {
  inline: INLINE, sandbox: SANDBOX, program: PROGRAM, worker: WORKER,
}

export const FAULTS: readonly ChaosFault[] = ABOUT.map(([name, about]) => ({
  name, about,
  forms: Object.fromEntries(RUNTIMES.flatMap((runtime) => {
    const form = FORMS[runtime][name]
    return form === undefined ? [] : [[runtime, form]]
  })),
}))
