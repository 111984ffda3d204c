/** What processes cost, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs'

/** Ticks of /proc a second, on every Linux there is. */
const TICKS = 100

/** Seconds of processor time of a process and everything below it, ended children included. */
export function processorSeconds(pid: number): number {
  const all = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).flatMap((name) => {
    const fields = statOf(name)
    return fields === undefined ? [] : [{ pid: Number(name), parent: Number(fields[1]), ticks: fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0) }]
  })
  const below = (parent: number): number => all.filter((each) => each.parent === parent).reduce((sum, each) => sum + each.ticks + below(each.pid), 0)
  return ((all.find((each) => each.pid === pid)?.ticks ?? 0) + below(pid)) / TICKS
}

/** MiB of resident memory of the process alone. */
export function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

function statOf(name: string): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
