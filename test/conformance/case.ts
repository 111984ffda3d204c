/** The shape of a conformance case, and how it is run. */
import assert from 'node:assert/strict'
import { play } from '../harness/transcript.ts'
import type { ListCase, Lists } from '../harness/lists.ts'

export interface Case extends ListCase {
  readonly about: string
  /** See test/harness/transcript.ts. */
  readonly talk: readonly string[]
  /** What was delivered afterwards, in any order. */
  readonly delivered?: readonly Expected[]
}

export interface Expected {
  readonly sender?: string
  readonly recipient?: string
  /** All of it behind the Received field, as stored. */
  readonly content?: string
}

const RECEIVED = /^Received: from [!-~]+ (?:\([!-~ ]*\) )?\([!-~]+\)\n {2}by [!-~]+ with [!-~]+; [^\n]+ -0000\n/

/** Plays the case with its own list; rejects with what differs. */
export async function run(lists: Lists, { name, talk, delivered: expected = [] }: Case): Promise<void> {
  const client = await lists.connect(name)
  try {
    await play(client, talk)
  } finally {
    await client.leave()
  }
  const found = await lists.delivered(name, expected.length)
  assert.equal(found.length, expected.length, `delivered: ${JSON.stringify(found)}`)
  const rest = [...found]
  for (const wanted of expected) {
    const index = rest.findIndex((one) => matches(one, wanted))
    assert.ok(index >= 0, `nothing delivered was ${JSON.stringify(wanted)}, but ${JSON.stringify(rest)}`)
    rest.splice(index, 1)
  }
}

function matches(one: { readonly sender: string; readonly recipient: string; readonly content: string }, wanted: Expected): boolean {
  return (wanted.sender === undefined || one.sender === wanted.sender)
    && (wanted.recipient === undefined || one.recipient === wanted.recipient)
    && (wanted.content === undefined || (RECEIVED.test(one.content) && one.content.replace(RECEIVED, '') === wanted.content))
}
