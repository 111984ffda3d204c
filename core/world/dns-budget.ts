/** What one plugin may ask at one hook: so many questions, and so long. A client's words must not set us to work for hours. */
import type { DnsFacts } from '../plugin/dns.ts'

export interface DnsBudget {
  readonly questionsPerHook: number
  /** Counted while at least one question is open. */
  readonly secondsPerHook: number
}

/** The same facts within a budget; once it is used up, every question is answered `unavailable`. */
export function withinBudget(dns: DnsFacts, { questionsPerHook, secondsPerHook }: DnsBudget): DnsFacts {
  let questions = 0
  let open = 0
  let since = 0
  let leftMs = secondsPerHook * 1000

  return {
    async resolve(name, type) {
      if (++questions > questionsPerHook) return { kind: 'unavailable', reason: `the plugin has asked the ${questionsPerHook} questions of one hook` }
      if (open++ === 0) since = performance.now()
      let late: NodeJS.Timeout | undefined
      const patience = new Promise<{ readonly kind: 'unavailable'; readonly reason: string }>((settle) => {
        late = setTimeout(settle, Math.max(0, since + leftMs - performance.now()),
          { kind: 'unavailable', reason: `the ${secondsPerHook} s for the questions of one hook are over` })
      })
      try {
        return await Promise.race([dns.resolve(name, type), patience])
      } finally {
        clearTimeout(late)
        if (--open === 0) leftMs -= performance.now() - since
      }
    },
  }
}
