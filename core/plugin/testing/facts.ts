/** One question to the world and what it answered, in the words of a trace's `fact` event. */
export interface Fact {
  readonly question: string
  readonly answer: string
}

/** The record of what a handler asked, in order. */
export interface Facts {
  readonly list: readonly Fact[]
  add(question: string, answer: string): void
  /** Asks, and records the answer or the failure. */
  ask<T>(question: string, answer: () => T | Promise<T>, print: (value: T) => string): Promise<T>
}

export function recordFacts(): Facts {
  const list: Fact[] = []
  const add = (question: string, answer: string): void => void list.push({ question, answer })
  return {
    list,
    add,
    ask: async (question, answer, print) => {
      try {
        const value = await answer()
        add(question, print(value))
        return value
      } catch (failure) {
        add(question, failure instanceof Error ? `${failure.name}: ${failure.message}` : String(failure))
        throw failure
      }
    },
  }
}
