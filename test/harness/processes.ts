/** What /proc says of processes. */
import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'

/** All below a process: the system's own list of children is not everywhere. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    parents.set(Number(name), Number(/^.*\) \S (\d+)/s.exec(stat)?.[1]))
  }
  const below = (parent: number): number[] => [...parents].filter(([, above]) => above === parent).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

/** False for a process that is gone, and for one that only waits to be reaped: init takes its time for those whose parent was killed. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
