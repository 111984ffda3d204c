/** Authentication-Results fields that claim to be ours (RFC 8601 section 5). */
import { removeField, type Edit, type HeaderField } from '../../core/plugin/index.ts'
import { asciiLower } from '../../protocol/text.ts'

const FIELD = 'authentication-results'

/** The edits that remove every field of a server with this name, and every one whose server cannot be told. */
export function removeForged(fields: readonly HeaderField[], ownName: string): readonly Edit[] {
  const results = fields.filter(({ name }) => asciiLower(name.trimEnd()) === FIELD)
  const forged = results.flatMap(({ value }, index) => claimsToBe(value, ownName) ? [index] : [])
  // From the last one up: each removal changes the numbers behind it.
  return forged.toReversed().map((index) => removeField('Authentication-Results', index))
}

function claimsToBe(value: string, ownName: string): boolean {
  const name = serverOf(value)
  return name === undefined || asciiLower(name).replace(/\.$/, '') === asciiLower(ownName).replace(/\.$/, '')
}

/** `authserv-id` (RFC 8601 section 2.2): a token or a quoted string, with comments and blanks in front. */
function serverOf(value: string): string | undefined {
  const rest = withoutComments(value)?.trimStart()
  if (rest === undefined) return undefined
  const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(rest)?.[1]
  if (quoted !== undefined) return quoted.replace(/\\(.)/gs, '$1')
  return /^[^\s;"]+(?=[\s;]|$)/.exec(rest)?.[0]
}

/** Comments nest (RFC 5322 section 3.2.2). Undefined when one does not end. */
function withoutComments(value: string): string | undefined {
  let depth = 0
  let quoted = false
  let kept = ''
  for (let at = 0; at < value.length; at++) {
    const char = value[at]!
    if (char === '\\' && (depth > 0 || quoted)) {
      if (depth === 0) kept += value.slice(at, at + 2)
      at++
    } else if (depth === 0 && char === '"') {
      quoted = !quoted
      kept += char
    } else if (!quoted && char === '(') depth++
    else if (!quoted && char === ')' && depth > 0) {
      depth--
      kept += ' '
    } else if (depth === 0) kept += char
  }
  return depth > 0 ? undefined : kept
}
