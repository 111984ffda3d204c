/** The plugin list: qmail-spp's grammar (spp-protocol 2.2) with our line options and `[+…]` sections. */

export type OnError = 'tempfail' | 'open' | 'refuse'

/** Options of one line: `@timeout=5s,onerror=open,shadow plugins/x`. */
export interface LineOptions {
  /** Milliseconds. */
  readonly timeout?: number
  readonly onerror?: OnError
  readonly shadow?: boolean
  readonly workers?: number
  readonly group?: string
  readonly protocol?: 'spp1' | 'spp2' | 'reply'
  readonly trusted?: boolean
  readonly allow?: readonly string[]
  readonly name?: string
}
