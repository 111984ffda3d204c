/**
 * Finds sessions in the trace. Segments are read from the newest back, one at a time, until enough sessions
 * are complete; then forward from there once more to gather all that belongs to them. Memory holds one
 * segment and the sessions found.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asciiLower } from '../../protocol/text.ts'
import { isMissing, listSegments, type Segment, type TraceRecord } from './segments.ts'
import type { TraceEvent } from './types.ts'

/** What to look for; everything given must fit. Addresses and client compare without case, by part of the text. */
export interface TraceQuery {
  /** A session id, or the id of a message (the one of its 250 reply). */
  readonly id?: string
  readonly from?: string
  readonly to?: string
  /** The client's address, a part of its name. */
  readonly client?: string
  /** Sessions wanted, at least 1. */
  readonly last: number
}

/** One session with everything recorded of it, the deliveries of its messages included. */
export interface TracedSession {
  readonly session: string
  /** In order of time. */
  readonly events: readonly TraceEvent[]
}

/** The sessions of `<home>/trace` that fit, newest first. Broken lines are skipped. Rejects with the file system's error. */
export async function findSessions(home: string, query: TraceQuery): Promise<readonly TracedSession[]> {
  const segments = await listSegments(join(home, 'trace'))
  const { ids, from } = await searchBackward(segments, query)
  const found = await gather(segments.slice(from), ids)
  return ids.map((id) => ({ session: id, events: found.get(id) ?? [] })).filter(({ events }) => events.length > 0)
}

interface Search {
  /** Session ids, newest first. */
  readonly ids: readonly string[]
  /** Index of the oldest segment with something of them. */
  readonly from: number
}

const KEYS = ['id', 'from', 'to', 'client'] as const

async function searchBackward(segments: readonly Segment[], query: TraceQuery): Promise<Search> {
  const wanted = KEYS.filter((key) => query[key] !== undefined)
  // Sessions of which older records may still come, with what fitted so far: a session is complete at its connect event.
  const open = new Map<string, Set<keyof TraceQuery>>()
  const mentions = query.id === undefined ? undefined : new Set([query.id])
  const ids = new Set<string>()
  for (let index = segments.length - 1; index >= 0; index--) {
    for (const record of recordsBackward(await read(segments[index]!), mentions)) {
      const fitted = open.get(record.session) ?? new Set()
      open.set(record.session, fitted)
      for (const key of wanted) if (!fitted.has(key) && fits(record, key, query[key]!)) fitted.add(key)
      if (fitted.size === wanted.length && ids.size < query.last) {
        ids.add(record.session)
        mentions?.add(record.session)
      }
      if (record.events.some(({ event }) => event === 'connect')) open.delete(record.session)
      if (ids.size >= query.last && [...ids].every((id) => !open.has(id))) return { ids: [...ids], from: index }
    }
  }
  return { ids: [...ids], from: 0 }
}

/** Everything recorded under these ids; deliveries are recorded under the id of the session that brought the message. */
async function gather(segments: readonly Segment[], ids: readonly string[]): Promise<ReadonlyMap<string, TraceEvent[]>> {
  const found = new Map<string, TraceEvent[]>(ids.map((id) => [id, []]))
  for (const segment of ids.length === 0 ? [] : segments) {
    for (const line of lines(await read(segment))) {
      found.get(sessionIn(line))?.push(...parse(line)?.events ?? [])
    }
  }
  for (const events of found.values()) events.sort((a, b) => a.t - b.t)
  return found
}

function fits(record: TraceRecord, key: 'id' | 'from' | 'to' | 'client', wanted: string): boolean {
  if (key === 'id') return record.session === wanted || record.events.some((event) => messageOf(event) === wanted)
  const part = asciiLower(wanted)
  return record.events.some((event) => textsOf(event, key).some((text) => asciiLower(text).includes(part)))
}

function messageOf(event: TraceEvent): string | undefined {
  return event.event === 'message' || event.event === 'delivery' ? event.id : undefined
}

/** The texts of an event that say who sent, who was to receive, or who connected: refused commands count, too. */
function textsOf(event: TraceEvent, key: 'from' | 'to' | 'client'): readonly string[] {
  switch (event.event) {
    case 'connect': return key === 'client' ? [event.ip, event.host ?? ''] : []
    case 'command': return key === 'from' && /^mail\b/i.test(event.line) || key === 'to' && /^rcpt\b/i.test(event.line) ? [event.line] : []
    case 'message': return key === 'from' ? [event.from] : key === 'to' ? event.to : []
    case 'delivery': return key === 'to' ? [event.to] : []
    default: return []
  }
}

/** The records of a segment, last first. Where ids are given, only lines that mention one are parsed; the set may grow meanwhile. */
function* recordsBackward(content: Buffer, mentions: ReadonlySet<string> | undefined): Generator<TraceRecord> {
  let end = content.length
  while (end > 0) {
    const start = content.lastIndexOf(10, end - 1) + 1
    const line = content.toString('utf8', start, end)
    end = start - 1
    if (line === '' || mentions !== undefined && ![...mentions].some((id) => line.includes(JSON.stringify(id)))) continue
    const record = parse(line)
    if (record !== undefined) yield record
  }
}

function* lines(content: Buffer): Generator<string> {
  let start = 0
  while (start < content.length) {
    const end = content.indexOf(10, start)
    const stop = end < 0 ? content.length : end
    if (stop > start) yield content.toString('utf8', start, stop)
    start = stop + 1
  }
}

/** The session id as our recorder writes it: first, so that most lines need no parsing. */
function sessionIn(line: string): string {
  return /^\{"session":"([^"\\]*)"/.exec(line)?.[1] ?? ''
}

function parse(line: string): TraceRecord | undefined {
  try {
    const record = JSON.parse(line) as Partial<TraceRecord> | null
    if (typeof record?.session !== 'string' || !Array.isArray(record.events)) return undefined
    return record.events.every(isWhole) ? record as TraceRecord : undefined
  } catch {
    // A line that a crash or a full disk cut short.
    return undefined
  }
}

/** What readers of an event rely on; events they do not know are shown as they are. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  connect: ['ip', 'service'], command: ['line'], hook: ['hook', 'file', 'line', 'runtime'], fact: ['plugin', 'question', 'answer'],
  reply: ['text'], message: ['id', 'from'], delivery: ['id', 'to', 'status', 'text'], close: ['reason'],
}
const LISTS: Readonly<Record<string, string>> = { hook: 'commands', message: 'to' }
const TIMED = new Set(['hook', 'fact', 'delivery'])

/** The file may be damaged, or another version's, and still be JSON. */
function isWhole(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const event = value as Readonly<Record<string, unknown>>
  const kind = event['event']
  if (typeof kind !== 'string' || !Number.isFinite(event['t'])) return false
  const list = LISTS[kind]
  return (TEXTS[kind] ?? []).every((name) => typeof event[name] === 'string')
    && (list === undefined || isTexts(event[list])) && (!TIMED.has(kind) || Number.isFinite(event['ms']))
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}

/** A segment's bytes; none when the ring has moved on meanwhile. */
async function read(segment: Segment): Promise<Buffer> {
  try {
    return await readFile(segment.path)
  } catch (error) {
    if (isMissing(error)) return Buffer.alloc(0)
    throw error
  }
}
