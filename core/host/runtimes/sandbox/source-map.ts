/** Where in an operator's files a place in a bundled text comes from: source maps, revision 3 (ECMA-426). */

export interface Place {
  /** Named from the home. */
  readonly file: string
  /** 1-based. */
  readonly line: number
}

/** Segments of one generated line, in the order of their columns. */
type Segments = readonly (readonly [column: number, source: number, line: number])[]

/** How esbuild names our own modules and the operator's in a map. */
const THEIRS = 'home:'

export class SourceMap {
  readonly #json: string
  #sources: readonly string[] = []
  #lines: readonly Segments[] | undefined

  constructor(json: string) {
    this.#json = json
  }

  /** The operator's line for a place of the text (line and column 1-based, as stacks have them); undefined when it is ours. */
  place(line: number, column: number): Place | undefined {
    this.#lines ??= this.#decode()
    const segment = this.#lines[line - 1]?.findLast(([from]) => from <= column - 1) ?? this.#lines[line - 1]?.[0]
    const source = segment === undefined ? undefined : this.#sources[segment[1]]
    if (segment === undefined || source?.startsWith(THEIRS) !== true) return undefined
    return { file: source.slice(THEIRS.length), line: segment[2] + 1 }
  }

  /** Of several places, innermost first, the first that is the operator's. */
  first(places: readonly (readonly [line: number, column: number])[]): Place | undefined {
    for (const [line, column] of places) {
      const place = this.place(line, column)
      if (place !== undefined) return place
    }
    return undefined
  }

  #decode(): readonly Segments[] {
    const { sources, mappings } = JSON.parse(this.#json) as { readonly sources: readonly string[]; readonly mappings: string }
    this.#sources = sources
    let source = 0
    let line = 0
    return mappings.split(';').map((text) => {
      let column = 0
      return text.split(',').flatMap((segment) => {
        const numbers = decodeVlq(segment)
        column += numbers[0] ?? 0
        if (numbers.length < 4) return []
        source += numbers[1]!
        line += numbers[2]!
        return [[column, source, line] as const]
      })
    })
  }
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function decodeVlq(segment: string): number[] {
  const numbers: number[] = []
  let value = 0
  let shift = 0
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit)
    value += (bits & 31) * 2 ** shift
    shift += 5
    if ((bits & 32) !== 0) continue
    numbers.push(value % 2 === 1 ? -Math.floor(value / 2) : value / 2)
    value = 0
    shift = 0
  }
  return numbers
}
