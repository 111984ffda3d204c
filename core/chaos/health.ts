/** Whether the server is as it was before, and gone with everything it started after it was stopped. */
import { setTimeout as pause } from 'node:timers/promises'
import { descendantsOf, descriptorsOf, isAlive, processesIn, type Process } from './processes.ts'
import type { ChaosServer } from './server.ts'

/** One thing that was looked at. */
export interface Finding {
  readonly what: string
  readonly ok: boolean
  readonly detail: string
}

export interface Vitals {
  readonly processes: readonly Process[]
  /** By process id: the server and its broker. */
  readonly descriptors: ReadonlyMap<number, number>
}

/** What comes and goes by itself gets so long to be gone. */
const SETTLE_MS = 10_000
/** A segment of the trace, a file that is being looked at. */
const SLACK = 4
/** Descriptors that a process which stays may cost whoever holds it. */
const EACH_CHILD = 2

export async function vitalsOf({ pid }: ChaosServer): Promise<Vitals> {
  const processes = await descendantsOf(pid)
  const keepers = [pid, ...processes.filter(({ parent }) => parent === pid).map((child) => child.pid)]
  const counts = await Promise.all(keepers.map(async (keeper) => [keeper, await descriptorsOf(keeper).catch(() => 0)] as const))
  return { processes, descriptors: new Map(counts) }
}

/** After the last session: waits until what was is over, and tells what is not. */
export async function lookAfter(server: ChaosServer, before: Vitals): Promise<readonly Finding[]> {
  if (!server.alive) return [{ what: 'the server is up', ok: false, detail: 'it has ended' }]
  const deadline = performance.now() + SETTLE_MS
  for (;;) {
    const findings = compare(before, await vitalsOf(server), server.pid)
    if (findings.every(({ ok }) => ok) || performance.now() > deadline) {
      return [{ what: 'the server is up', ok: true, detail: `process ${server.pid}` }, ...findings]
    }
    await pause(100)
  }
}

function compare(before: Vitals, after: Vitals, server: number): readonly Finding[] {
  const zombies = after.processes.filter(({ state }) => state === 'Z')
  // Workers stay, to be asked again; so does the sandbox.
  const more = Math.max(0, after.processes.length - before.processes.length)
  const allowed = SLACK + EACH_CHILD * more
  const descriptors = [...after.descriptors].filter(([pid]) => before.descriptors.has(pid)).map(([pid, count]): Finding => {
    const first = before.descriptors.get(pid)!
    const whose = pid === server ? 'the server' : `its child ${pid}`
    const detail = `${first} before, ${count} after${more === 0 ? '' : `, with ${more} children more`}`
    return { what: `descriptors of ${whose}`, ok: count <= first + allowed, detail }
  })
  return [
    { what: 'no zombies', ok: zombies.length === 0, detail: pidsOf(zombies) ?? `none among ${after.processes.length} processes` },
    ...descriptors,
  ]
}

function pidsOf(processes: readonly Process[]): string | undefined {
  return processes.length === 0 ? undefined : `process ${processes.map(({ pid }) => pid).join(' ')}`
}

/**
 * Stops it, or kills it where nobody waits for more. Whatever it leaves behind is told, and ended.
 * @param home every process that works in there is one of its
 */
export async function stopAndLook(server: ChaosServer, home: string, kill = false): Promise<readonly Finding[]> {
  const known = await descendantsOf(server.pid)
  if (kill) server.kill()
  const how = await server.stop()
  const deadline = performance.now() + SETTLE_MS
  let left: readonly Process[]
  for (;;) {
    left = await stillThere(known, home)
    if (left.length === 0 || performance.now() > deadline) break
    await pause(100)
  }
  for (const { pid } of left) end(pid)
  return [
    { what: 'it stops when told', ok: how === 'exit status 0', detail: how },
    { what: 'no children left', ok: left.length === 0, detail: pidsOf(left) ?? `none of ${known.length}` },
  ]
}

async function stillThere(known: readonly Process[], home: string): Promise<readonly Process[]> {
  const alive = await Promise.all(known.map(isAlive))
  const here = (await processesIn(home)).filter(({ pid }) => pid !== process.pid && !known.some((each) => each.pid === pid))
  return [...known.filter((_each, index) => alive[index]), ...here]
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
