/** One at a time for each name; what comes meanwhile is done together in the next turn. */

interface Turn<Q, A> {
  readonly question: Q
  resolve(answer: A): void
  reject(error: unknown): void
}

/** `work` answers questions of one name, in their order and as many as it is given. Where it fails, all of that turn have failed. */
export function together<Q, A>(work: (questions: readonly Q[]) => Promise<readonly A[]>): (name: string, question: Q) => Promise<A> {
  const waiting = new Map<string, Turn<Q, A>[]>()

  async function takeTurns(name: string): Promise<void> {
    for (let turns = waiting.get(name)!; turns.length > 0; turns = waiting.get(name)!) {
      waiting.set(name, [])
      try {
        const answers = await work(turns.map(({ question }) => question))
        for (const [index, { resolve }] of turns.entries()) resolve(answers[index]!)
      } catch (error) {
        for (const { reject } of turns) reject(error)
      }
    }
    waiting.delete(name)
  }

  return (name, question) => new Promise((resolve, reject) => {
    const turn: Turn<Q, A> = { question, resolve, reject }
    const before = waiting.get(name)
    if (before !== undefined) return void before.push(turn)
    waiting.set(name, [turn])
    void takeTurns(name)
  })
}
