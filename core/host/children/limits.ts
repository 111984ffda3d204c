/**
 * What the system does not take as arguments and environment, found before a process is made for it: a NUL cannot
 * be carried at all, and execve refuses long strings and long lists (E2BIG).
 */
import { readFileSync } from 'node:fs'
import { byteLength } from '../../../protocol/text.ts'
import type { SpawnJob } from './types.ts'

/** MAX_ARG_STRLEN of Linux: 32 pages, the closing NUL included. */
const MAX_STRING = 32 * 4096
const KIB = 1024
/** What execve itself puts beside our strings: the program's name, the auxiliary vector, alignment. */
const SLACK = 4 * KIB
/** At most, in UTF-8: so the exact length is only counted of texts that come near a limit. */
const BYTES_PER_UNIT = 3
/** A pointer per string. */
const POINTER = 8

/** Bytes of all strings together: a quarter of the stack limit, at least 128 KiB and at most 6 MiB (execve(2)). */
export function readArgumentLimit(limitsFile = '/proc/self/limits'): number {
  const fallback = 2 * KIB * KIB
  try {
    const soft = /^Max stack size +(\S+)/m.exec(readFileSync(limitsFile, 'latin1'))?.[1]
    if (soft === undefined) return fallback
    const stack = soft === 'unlimited' ? Infinity : Number(soft)
    return Math.min(Math.max(stack / 4, 128 * KIB), 6 * KIB * KIB)
  } catch {
    return fallback
  }
}

export type Fitted =
  | { readonly ok: true; readonly env: readonly string[] }
  | { readonly ok: false; readonly reason: string }

/**
 * The environment as `NAME=value` strings, or the reason why this job cannot be executed. An entry without a name,
 * or with `=` in its name, is left out: nothing could read it under that name (spp-protocol 5, `S`).
 */
export function fitJob(job: Pick<SpawnJob, 'text' | 'env'>, argumentLimit: number): Fitted {
  if (job.text.includes('\0')) return no('the line has a NUL byte')
  if (tooLong(job.text)) return no(`the line has ${byteLength(job.text)} bytes, the system takes ${MAX_STRING - 1} in one string`)
  const env: string[] = []
  let units = job.text.length
  for (const name of Object.keys(job.env)) {
    const value = job.env[name]
    if (value === undefined || name === '' || name.includes('=')) continue
    const pair = `${name}=${value}`
    if (pair.includes('\0')) return no(`the variable ${printable(name)} has a NUL byte`)
    if (tooLong(pair)) return no(`the variable ${printable(name)} has ${byteLength(pair)} bytes, the system takes ${MAX_STRING - 1}`)
    units += pair.length
    env.push(pair)
  }
  const rest = SLACK + env.length * (POINTER + 1)
  if (units * BYTES_PER_UNIT + rest <= argumentLimit) return { ok: true, env }
  const total = env.reduce((sum, pair) => sum + byteLength(pair), byteLength(job.text)) + rest
  return total <= argumentLimit ? { ok: true, env } : no(`the environment has ${total} bytes, the system takes ${argumentLimit}`)
}

function tooLong(text: string): boolean {
  return text.length * BYTES_PER_UNIT >= MAX_STRING && byteLength(text) >= MAX_STRING
}

function no(reason: string): Fitted {
  return { ok: false, reason }
}

function printable(name: string): string {
  return JSON.stringify(name.slice(0, 64))
}
