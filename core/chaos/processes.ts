/** What the system knows of processes: `/proc` of Linux. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { sep } from 'node:path'

export interface Process {
  readonly pid: number
  readonly parent: number
  /** Such as `S`, `R`; `Z` has ended and nobody has asked how. */
  readonly state: string
  /** In ticks since the system started: with the number it names a process for good. */
  readonly started: string
}

/** Every process that can be seen. */
export async function listProcesses(): Promise<readonly Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
  const found = await Promise.all(pids.map((pid) => readProcess(Number(pid))))
  return found.filter((each) => each !== undefined)
}

/** Children of a process, their children, and so on. */
export async function descendantsOf(pid: number): Promise<readonly Process[]> {
  const all = await listProcesses()
  const below = (parent: number): readonly Process[] =>
    all.filter((each) => each.parent === parent).flatMap((child) => [child, ...below(child.pid)])
  return below(pid)
}

/** Processes whose working directory is this one or below it. */
export async function processesIn(directory: string): Promise<readonly Process[]> {
  const all = await listProcesses()
  const places = await Promise.all(all.map(({ pid }) => readlink(`/proc/${pid}/cwd`).catch(() => '')))
  return all.filter((_each, index) => places[index] === directory || places[index]!.startsWith(directory + sep))
}

export async function isAlive({ pid, started }: Process): Promise<boolean> {
  return (await readProcess(pid))?.started === started
}

/** Descriptors a process holds. The broker's supply of pipes grows with what runs at once and is kept: it does not count. */
export async function descriptorsOf(pid: number): Promise<number> {
  const names = await readdir(`/proc/${pid}/fd`)
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => undefined)))
  return targets.filter((target) => target !== undefined && !target.includes('/helios-pipes-')).length
}

async function readProcess(pid: number): Promise<Process | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  // The name between the parentheses may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields.length < 20) return undefined
  return { pid, state: fields[0]!, parent: Number(fields[1]), started: fields[19]! }
}
