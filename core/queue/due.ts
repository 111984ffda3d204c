/** What is due when: a binary heap by time, earliest first. */

interface Entry<T> {
  readonly at: number
  readonly value: T
}

export class Due<T> {
  readonly #heap: Entry<T>[] = []

  get size(): number {
    return this.#heap.length
  }

  /** The earliest time, or undefined when nothing waits. */
  get next(): number | undefined {
    return this.#heap[0]?.at
  }

  add(at: number, value: T): void {
    const heap = this.#heap
    let position = heap.push({ at, value }) - 1
    while (position > 0) {
      const parent = (position - 1) >> 1
      if (heap[parent]!.at <= at) break
      this.#swap(position, parent)
      position = parent
    }
  }

  /** Takes out what is due at `now`, earliest first. */
  take(now: number): T[] {
    const taken: T[] = []
    while (this.#heap.length > 0 && this.#heap[0]!.at <= now) taken.push(this.#pop())
    return taken
  }

  #pop(): T {
    const heap = this.#heap
    const { value } = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return value
    heap[0] = last
    for (let position = 0; ;) {
      const left = 2 * position + 1
      if (left >= heap.length) break
      const smaller = left + 1 < heap.length && heap[left + 1]!.at < heap[left]!.at ? left + 1 : left
      if (heap[smaller]!.at >= last.at) break
      this.#swap(position, smaller)
      position = smaller
    }
    return value
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const held = heap[a]!
    heap[a] = heap[b]!
    heap[b] = held
  }
}
