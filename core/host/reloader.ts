/**
 * Keeps the generation in step with the files. Each accepted connection compares stat stamps; a file counts once
 * it has stood unchanged for 100 ms, and an accept waits at most 2 s for that, so that a half-saved list never serves.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Problem } from '../../config/problem.ts'
import type { BuiltGeneration, Generation } from './generation.ts'

export interface ReloaderOptions {
  /** One string that changes whenever an operator's file does. Never throws. */
  readonly stamp: () => string
  /** Reads and builds the next generation. Never rejects. */
  readonly build: (number: number) => Promise<BuiltGeneration>
  readonly onLoaded: (generation: Generation, problems: readonly Problem[]) => void
  readonly onFailed: (problems: readonly Problem[]) => void
  readonly settleMs?: number
  readonly patienceMs?: number
}

const START_TRIES = 3
const PATIENCE_MS = 2000
const LOOKS_APART_MS = 2

export class Reloader {
  readonly #options: ReloaderOptions
  #current: Generation
  #stamp: string
  #number: number
  #look: Promise<Generation> | undefined
  #lookedAt = -Infinity
  #next: Promise<Generation> | undefined
  #settled = true
  #failed: { readonly at: number; readonly problems: readonly Problem[] } | undefined

  private constructor(options: ReloaderOptions, first: Generation, stamp: string) {
    this.#options = options
    this.#current = first
    this.#stamp = stamp
    this.#number = first.number
  }

  /** Builds the first generation; resolves with its problems alone when it fails. */
  static async start(options: ReloaderOptions): Promise<{ readonly reloader?: Reloader; readonly problems: readonly Problem[] }> {
    let stamp: string
    let built: BuiltGeneration
    let tries = 0
    do {
      stamp = options.stamp()
      built = await options.build(1)
      // Half of an edit may have been read. Where somebody never stops writing, the next look mends it.
    } while (++tries < START_TRIES && options.stamp() !== stamp)
    if (built.generation === undefined) return { problems: built.problems }
    return { reloader: new Reloader(options, built.generation, stamp), problems: built.problems }
  }

  get current(): Generation {
    return this.#current
  }

  /** False when the last look was given up, because somebody goes on writing. */
  get settled(): boolean {
    return this.#settled
  }

  get lastFailure(): { readonly at: number; readonly problems: readonly Problem[] } | undefined {
    return this.#failed
  }

  /**
   * The generation for a session that begins now. One look serves every session that asked before it began; one that comes later
   * waits for a look of its own, so an edit made before it is never missed. Looks keep a few milliseconds' distance: many sessions
   * that come at a time share one, and one that comes alone waits for none.
   */
  latest(): Promise<Generation> {
    this.#next ??= this.#lookAfter(this.#look)
    return this.#next
  }

  async #lookAfter(running: Promise<unknown> | undefined): Promise<Generation> {
    await running
    const wait = this.#lookedAt + LOOKS_APART_MS - performance.now()
    if (wait > 0) await delay(wait)
    this.#next = undefined
    this.#lookedAt = performance.now()
    const look = this.#refresh()
    this.#look = look
    return look
  }

  async #refresh(until = performance.now() + (this.#options.patienceMs ?? PATIENCE_MS)): Promise<Generation> {
    const stamp = this.#options.stamp()
    this.#settled = true
    if (stamp === this.#stamp) return this.#current
    const settled = await this.#stood(stamp)
    if (settled === this.#stamp) return this.#current
    if (settled === undefined) return this.#giveUp()
    const built = await this.#options.build(this.#number + 1)
    // Half of an edit may have been read when one was made meanwhile: then this is nobody's generation.
    if (this.#options.stamp() !== settled) return performance.now() < until ? this.#refresh(until) : this.#giveUp()
    if (built.unsettled === true) return this.#giveUp()
    this.#stamp = settled
    if (built.generation === undefined) {
      this.#failed = { at: Date.now(), problems: built.problems }
      this.#options.onFailed(built.problems)
      return this.#current
    }
    this.#number = built.generation.number
    this.#failed = undefined
    this.#current = built.generation
    this.#options.onLoaded(built.generation, built.problems)
    return this.#current
  }

  #giveUp(): Generation {
    this.#settled = false
    return this.#current
  }

  /** The stamp once it has stood still, or undefined when it would not within the patience. */
  async #stood(first: string): Promise<string | undefined> {
    const { settleMs = 100, patienceMs = PATIENCE_MS } = this.#options
    let stamp = first
    for (let waited = 0; waited < patienceMs; waited += settleMs) {
      await delay(settleMs)
      const again = this.#options.stamp()
      if (again === stamp) return stamp
      stamp = again
    }
    return undefined
  }
}
