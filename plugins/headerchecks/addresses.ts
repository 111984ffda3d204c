/**
 * The addresses of a field such as From or To (RFC 5322 section 3.4), as they are written and without comments and
 * names: `"Joe, J." <joe@far.example>, list: ann (Ann);` has `joe@far.example` and `ann`. Takes any text; what is not
 * closed reaches to the end. Its time grows with the length of the value, whatever is in it.
 */
export function addressesIn(value: string): readonly string[] {
  const found: string[] = []
  let plain = ''
  let angle: string | undefined
  let inAngle = false

  function end(): void {
    const address = (angle ?? plain).trim()
    if (address !== '' || angle !== undefined) found.push(address)
    plain = ''
    angle = undefined
    inAngle = false
  }

  for (let at = 0; at < value.length;) {
    const character = value[at]!
    if (character === '(') {
      at = endOfComment(value, at)
      continue
    }
    const next = character === '"' ? endOf(value, at, '"') : character === '[' ? endOf(value, at, ']') : at + 1
    const part = value.slice(at, next)
    at = next
    if (inAngle) {
      if (character === '>') inAngle = false
      else angle += part
    } else if (character === '<' && angle === undefined) {
      angle = ''
      inAngle = true
    } else if (character === ',' || character === ';') end()
    // The name of a group goes before its addresses.
    else if (character === ':') plain = ''
    else plain += part
  }
  end()
  return found
}

/** True for `user@domain`, and for a route before it. */
export function hasDomain(address: string): boolean {
  const at = address.lastIndexOf('@')
  return at > 0 && address.slice(at + 1).trim() !== '' && address.slice(0, at).trim() !== ''
}

function endOf(value: string, from: number, close: string): number {
  for (let at = from + 1; at < value.length; at++) {
    if (value[at] === '\\') at++
    else if (value[at] === close) return at + 1
  }
  return value.length
}

function endOfComment(value: string, from: number): number {
  let depth = 0
  for (let at = from; at < value.length; at++) {
    const character = value[at]
    if (character === '\\') at++
    else if (character === '(') depth++
    else if (character === ')' && --depth === 0) return at + 1
  }
  return value.length
}
