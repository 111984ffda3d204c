/**
 * The framing of spp/2 (docs/spp2.md): how requests and answers of spp/1 follow one another on one stream. Bytes are
 * exact: what a variable holds arrives as it is, be it UTF-8 or not.
 */
import { bytesOf, textOf } from '../text.ts'
import type { Section } from './list.ts'

/** What a program prints on its first line. */
export const HELLO = 'spp/2'

/** Longest first line that is looked at, in bytes. */
const LONGEST_HELLO = 200

const LF = 10
const CR = 13
const DOT = 46

/**
 * One request as it goes to the program.
 * @param pairs `NAME=value`, Text, each name once and not empty. NUL cannot be carried: see to it first.
 */
export function printRequest(hook: Section, pairs: readonly string[]): Buffer {
  let text = `${hook}\n`
  for (const pair of pairs) text += `${escape(pair)}\n`
  return bytesOf(`${text}\n`)
}

function escape(text: string): string {
  return /[\\\r\n]/.test(text) ? text.replace(/[\\\r\n]/g, (found) => ESCAPES[found]!) : text
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\r': '\\r', '\n': '\\n' }

export type HelloStep =
  | { readonly kind: 'more' }
  /** `rest` has come behind it. */
  | { readonly kind: 'hello'; readonly rest: Uint8Array }
  /** The first line is another; `line` is at most 200 bytes of it, as Text. */
  | { readonly kind: 'wrong'; readonly line: string }

/** Reads the first line of a program, in whatever pieces it comes. Keeps at most 200 bytes. */
export class HelloReader {
  #line = Buffer.alloc(0)

  read(chunk: Uint8Array): HelloStep {
    const room = LONGEST_HELLO + 1 - this.#line.length
    const lf = chunk.indexOf(LF)
    const end = lf === -1 ? chunk.length : lf
    this.#line = Buffer.concat([this.#line, chunk.subarray(0, Math.min(end, room))])
    if (lf === -1 && this.#line.length <= LONGEST_HELLO) return { kind: 'more' }
    const line = textOf(this.#line.subarray(0, LONGEST_HELLO))
    if (lf === -1 || (line !== HELLO && line !== `${HELLO}\r`)) return { kind: 'wrong', line }
    return { kind: 'hello', rest: chunk.subarray(lf + 1) }
  }

  /** What has come of the line so far, as Text. */
  get partial(): string {
    return textOf(this.#line)
  }
}

export type AnswerStep =
  | { readonly kind: 'more' }
  /** `output` is what an spp/1 program would have printed; `rest` has come behind the dot. */
  | { readonly kind: 'answer'; readonly output: Uint8Array; readonly rest: Uint8Array }
  | { readonly kind: 'too-long' }

/** Where the current line stands: nothing of it seen, a dot, a dot and CR, anything else. */
type Seen = 'start' | 'dot' | 'dot-cr' | 'other'

/** Reads one answer, in whatever pieces it comes: everything before a line that is a single dot. Then it is used up. */
export class AnswerReader {
  readonly #limit: number
  readonly #pieces: Uint8Array[] = []
  #length = 0
  #seen: Seen = 'start'
  /** Where the current line begins, from the beginning of the answer. */
  #lineStart = 0

  /** @param limit bytes of an answer without its dot; no more than that and one chunk is kept */
  constructor(limit: number) {
    this.#limit = limit
  }

  read(chunk: Uint8Array): AnswerStep {
    const end = this.#dot(chunk)
    this.#pieces.push(chunk)
    if (end === -1) {
      this.#length += chunk.length
      return this.#length > this.#limit + 2 ? { kind: 'too-long' } : { kind: 'more' }
    }
    if (this.#lineStart > this.#limit) return { kind: 'too-long' }
    const all = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces)
    return { kind: 'answer', output: all.subarray(0, this.#lineStart), rest: chunk.subarray(end) }
  }

  /** Behind the line with the dot, or -1 when it has not come. */
  #dot(chunk: Uint8Array): number {
    let at = 0
    while (at < chunk.length) {
      if (this.#seen === 'other') {
        const lf = chunk.indexOf(LF, at)
        if (lf === -1) return -1
        at = lf + 1
        this.#begin(at)
        continue
      }
      const byte = chunk[at++]
      if (byte === LF) {
        if (this.#seen !== 'start') return at
        this.#begin(at)
      } else if (byte === DOT && this.#seen === 'start') this.#seen = 'dot'
      else this.#seen = byte === CR && this.#seen === 'dot' ? 'dot-cr' : 'other'
    }
    return -1
  }

  #begin(at: number): void {
    this.#seen = 'start'
    this.#lineStart = this.#length + at
  }
}
