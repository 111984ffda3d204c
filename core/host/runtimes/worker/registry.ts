/**
 * Pools are shared by all lines that say the same, in every section and every generation. Who can still ask a line
 * is known to the garbage collector alone, because a session keeps its generation: so it counts. When the last line
 * of a pool is gone, the pool's processes end; that it may be late does no harm, since a pool that is not asked ends
 * them anyway.
 */
import type { WorkerPool } from './pool.ts'

interface Shared {
  readonly pool: WorkerPool
  lines: number
}

interface Share {
  readonly pools: Map<string, Shared>
  readonly key: string
}

/** Pools by the broker that starts their processes, and by what they run. */
const registry = new WeakMap<object, Map<string, Shared>>()

const collected = new FinalizationRegistry<Share>(({ pools, key }) => {
  const shared = pools.get(key)!
  if (--shared.lines > 0) return
  pools.delete(key)
  shared.pool.rest()
})

/**
 * The pool for a line; made by `make` when no line with this key is left.
 * @param line alive as long as the pool may be asked through it
 */
export function sharePool(broker: object, key: string, line: object, make: () => WorkerPool): WorkerPool {
  let pools = registry.get(broker)
  if (pools === undefined) registry.set(broker, pools = new Map())
  let shared = pools.get(key)
  if (shared === undefined) pools.set(key, shared = { pool: make(), lines: 0 })
  shared.lines++
  collected.register(line, { pools, key })
  return shared.pool
}
