/** IPv6 addresses as 128-bit numbers, and the IPv4 address inside `::ffff:a.b.c.d`. */

/** The number of an IPv6 address in any of its spellings (RFC 4291 2.2), without zone; undefined when it is none. */
export function parseIPv6(text: string): bigint | undefined {
  if (text.length > 45) return undefined
  const dotted = /^(.*:)([0-9.]+)$/.exec(text)
  const tail = dotted !== null && dotted[2]!.includes('.') ? parseIPv4(dotted[2]!) : undefined
  if (dotted !== null && dotted[2]!.includes('.') && tail === undefined) return undefined
  const groups = tail === undefined ? text : `${dotted![1]!}${(tail >>> 16).toString(16)}:${(tail & 0xffff).toString(16)}`
  const halves = groups.split('::')
  if (halves.length > 2) return undefined
  const [head, rest] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const known = head!.length + (rest?.length ?? 0)
  if (rest === undefined ? known !== 8 : known > 7) return undefined
  const all = [...head!, ...Array<string>(8 - known).fill('0'), ...(rest ?? [])]
  let value = 0n
  for (const group of all) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined
    value = (value << 16n) | BigInt(parseInt(group, 16))
  }
  return value
}

/** The number of a dotted IPv4 address, four decimal bytes. */
export function parseIPv4(text: string): number | undefined {
  let value = 0
  let byte = 0
  let digits = 0
  let dots = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 0x2e) {
      if (digits === 0 || ++dots > 3) return undefined
      value = value * 256 + byte
      byte = digits = 0
    } else {
      if (code < 0x30 || code > 0x39 || ++digits > 3) return undefined
      byte = byte * 10 + code - 0x30
      if (byte > 255) return undefined
    }
  }
  return dots === 3 && digits > 0 ? value * 256 + byte : undefined
}

/** The address of a number in the spelling of RFC 5952. */
export function printIPv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
  const text = groups.join(':')
  // The longest run of zeros, and of several the first.
  const run = [...text.matchAll(/\b0(?::0)+\b/g)].toSorted((a, b) => b[0].length - a[0].length)[0]
  if (run === undefined) return text
  return `${text.slice(0, run.index).replace(/:$/, '')}::${text.slice(run.index + run[0].length).replace(/^:/, '')}`
}

/** `a.b.c.d` for an IPv4 client that a two-family socket shows as IPv6; any other text as it is. */
export function unmapIPv4(ip: string): string {
  if (!ip.includes(':')) return ip
  const value = parseIPv6(ip)
  if (value === undefined || value >> 32n !== 0xffffn) return ip
  const low = Number(value & 0xffffffffn)
  return [low >>> 24, (low >>> 16) & 255, (low >>> 8) & 255, low & 255].join('.')
}
