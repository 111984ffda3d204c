/** What a server delivered, by a line of `[+deliver]` that keeps message and envelope in the home. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Home } from './home.ts'

export interface Delivered {
  readonly sender: string
  readonly recipient: string
  /** As the program got it on fd 0, latin1. */
  readonly content: string
}

/** Only a hang meets it. */
const PATIENCE_MS = 15_000

/** The line for `[+deliver]`; deliveries are kept apart by `name`. A delivery counts once `content` has its name. */
export function deliverInto(name: string): string {
  return `:d=$(mktemp -d out/${name}/XXXXXXXX) && cat > $d/part && printf %s "$SENDER" > $d/sender && printf %s "$RECIPIENT" > $d/recipient`
    + ' && mv $d/part $d/content && echo O'
}

/** The directory that `deliverInto` needs, as a file of the home. */
export function deliveryPlace(name: string): Readonly<Record<string, string>> {
  return { [`out/${name}/.place`]: '' }
}

/** Waits until nothing is left to deliver, then gives what was, oldest first. `expected` are waited for. */
export async function delivered(home: Home, name: string, expected: number): Promise<readonly Delivered[]> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const found = await readDelivered(home, name)
    if (found.length >= expected && await isQueueEmpty(home)) return (await readDelivered(home, name))
    if (Date.now() > deadline) {
      throw new Error(`${found.length} deliveries instead of ${expected}, queue ${await isQueueEmpty(home) ? 'empty' : 'not empty'}: ${JSON.stringify(found)}`)
    }
    await pause(10)
  }
}

/** True when no accepted message waits and none is on its way in. */
export async function isQueueEmpty(home: Home): Promise<boolean> {
  const left = await Promise.all(['msg', 'tmp'].map((place) => readdir(home.at(`queue/${place}`)).catch(() => [])))
  return left.flat().length === 0
}

/** Waits for it. */
export async function queueEmpties(home: Home): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!await isQueueEmpty(home)) {
    if (Date.now() > deadline) throw new Error('the queue does not empty')
    await pause(10)
  }
}

async function readDelivered(home: Home, name: string): Promise<readonly Delivered[]> {
  const place = home.at(join('out', name))
  const found: (Delivered & { readonly at: number })[] = []
  for (const entry of await readdir(place, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const file = (part: string): Promise<string> => readFile(join(place, entry.name, part), 'latin1')
    const finished = await stat(join(place, entry.name, 'content')).catch(() => undefined)
    if (finished === undefined) continue
    found.push({ at: finished.mtimeMs, sender: await file('sender'), recipient: await file('recipient'), content: await file('content') })
  }
  return found.toSorted((a, b) => a.at - b.at).map(({ sender, recipient, content }) => ({ sender, recipient, content }))
}
