/**
 * What the lines of one hook may ask of name servers together: so many questions, and so long. A client's words must not
 * set us to work for hours. A line gets half of what those before it left, so that what one is made to ask, by a sender's
 * SPF record say, never keeps a later one from asking at all.
 */
import type { DnsAnswer, DnsFacts } from '../plugin/dns.ts'

export interface DnsBudget {
  readonly questionsPerHook: number
  /** Counted while at least one question is open. */
  readonly secondsPerHook: number
}

/** What is left of something that may be asked. */
export interface Allowance {
  questions: number
  ms: number
}

type Unavailable = Extract<DnsAnswer<never>, { readonly kind: 'unavailable' }>

/** What all lines of one hook begin with. */
export function allowanceOf({ questionsPerHook, secondsPerHook }: DnsBudget): Allowance {
  return { questions: questionsPerHook, ms: secondsPerHook * 1000 }
}

/**
 * The same facts for one line, within its share of what is left to the hook; once that is used up, every question is answered
 * `unavailable`. What it uses is taken from the hook's allowance too.
 */
export function withinShare(dns: DnsFacts, hook: Allowance): DnsFacts {
  const own: Allowance = { questions: Math.ceil(hook.questions / 2), ms: hook.ms / 2 }
  const tooMany: Unavailable = { kind: 'unavailable', reason: `the plugin has asked its share of the hook's questions (${own.questions})` }
  const tooLong: Unavailable = { kind: 'unavailable', reason: `the plugin's share of the time for the hook's questions is over (${Math.round(own.ms / 10) / 100} s)` }
  const open = new Set<(answer: Unavailable) => void>()
  let since = 0
  /** One for all questions that are open: ten lists are asked at once. */
  let timer: NodeJS.Timeout | undefined

  function begin(giveUp: (answer: Unavailable) => void): void {
    if (open.size === 0) {
      since = performance.now()
      timer = setTimeout(spend, own.ms)
    }
    open.add(giveUp)
  }

  function spend(): void {
    take(own.ms)
    for (const each of open) each(tooLong)
    open.clear()
  }

  function end(giveUp: (answer: Unavailable) => void): void {
    if (!open.delete(giveUp) || open.size > 0) return
    clearTimeout(timer)
    take(performance.now() - since)
  }

  function take(ms: number): void {
    own.ms -= ms
    hook.ms -= ms
  }

  return {
    resolve: (name, type) => new Promise((settle, fail) => {
      if (own.questions <= 0) return settle(tooMany)
      if (own.ms <= 0) return settle(tooLong)
      own.questions--
      hook.questions--
      const giveUp = (answer: Unavailable): void => settle(answer)
      begin(giveUp)
      dns.resolve(name, type).then(settle, fail).finally(() => end(giveUp))
    }),
  }
}
