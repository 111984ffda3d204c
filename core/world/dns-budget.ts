/** What one plugin may ask at one hook: so many questions, and so long. A client's words must not set us to work for hours. */
import type { DnsAnswer, DnsFacts } from '../plugin/dns.ts'

export interface DnsBudget {
  readonly questionsPerHook: number
  /** Counted while at least one question is open. */
  readonly secondsPerHook: number
}

type Unavailable = Extract<DnsAnswer<never>, { readonly kind: 'unavailable' }>

/** The same facts within a budget; once it is used up, every question is answered `unavailable`. */
export function withinBudget(dns: DnsFacts, { questionsPerHook, secondsPerHook }: DnsBudget): DnsFacts {
  const over: Unavailable = { kind: 'unavailable', reason: `the ${secondsPerHook} s for the questions of one hook are over` }
  let questions = 0
  let leftMs = secondsPerHook * 1000
  const open = new Set<(answer: Unavailable) => void>()
  let since = 0
  /** One for all questions that are open: ten lists are asked at once. */
  let timer: NodeJS.Timeout | undefined

  function begin(giveUp: (answer: Unavailable) => void): void {
    if (open.size === 0) {
      since = performance.now()
      timer = setTimeout(spend, leftMs)
    }
    open.add(giveUp)
  }

  function spend(): void {
    leftMs = 0
    for (const each of open) each(over)
    open.clear()
  }

  function end(giveUp: (answer: Unavailable) => void): void {
    if (!open.delete(giveUp) || open.size > 0) return
    clearTimeout(timer)
    leftMs -= performance.now() - since
  }

  return {
    resolve: (name, type) => new Promise((settle, fail) => {
      if (++questions > questionsPerHook) {
        return settle({ kind: 'unavailable', reason: `the plugin has asked the ${questionsPerHook} questions of one hook` })
      }
      if (leftMs <= 0) return settle(over)
      const giveUp = (answer: Unavailable): void => settle(answer)
      begin(giveUp)
      dns.resolve(name, type).then(settle, fail).finally(() => end(giveUp))
    }),
  }
}
