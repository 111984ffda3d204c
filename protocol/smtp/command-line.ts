/** One command line of an SMTP client (spp-protocol 14, qmail-control 6). */

export interface CommandLine {
  /** Upper case (ASCII letters only); empty for an empty line or one that begins with a space. */
  readonly verb: string
  /** Behind the first space and further spaces, otherwise as sent: case, inner and trailing spaces kept. */
  readonly argument: string
}

/**
 * Takes a line apart. `line` is Text without its LF; one trailing CR is dropped here.
 * As in qmail a NUL ends the line, so neither part ever holds one. Never throws.
 */
export function parseCommandLine(line: string): CommandLine {
  const text = untilNul(line.endsWith('\r') ? line.slice(0, -1) : line)
  const space = text.indexOf(' ')
  if (space === -1) return { verb: upper(text), argument: '' }
  let start = space
  while (text[start] === ' ') start++
  return { verb: upper(text.slice(0, space)), argument: text.slice(start) }
}

function untilNul(text: string): string {
  const nul = text.indexOf('\0')
  return nul === -1 ? text : text.slice(0, nul)
}

/** ASCII only: the long s would become an S otherwise, and MAIL could be spelled in other scripts. */
function upper(verb: string): string {
  if (!/[a-z]/.test(verb)) return verb
  return verb.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
}
