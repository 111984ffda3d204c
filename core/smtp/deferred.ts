/** Errors stored for a later command (spp-protocol 9.2): sent together, again and again, until cleared. */
export class Deferred {
  #texts: string[] = []
  #shown = false

  add(text: string): void {
    if (!this.#shown) this.#texts.push(text)
  }

  /** The reply lines to send, or undefined when nothing is pending. Once shown, later texts are not added until cleared. */
  show(): readonly string[] | undefined {
    if (this.#texts.length === 0) return undefined
    this.#shown = true
    return this.#texts
  }

  copy(): Deferred {
    const copy = new Deferred()
    copy.#texts = [...this.#texts]
    copy.#shown = this.#shown
    return copy
  }

  clear(): void {
    this.#texts = []
    this.#shown = false
  }
}
