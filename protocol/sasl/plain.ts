/** PLAIN (RFC 4616): `[authzid] NUL authcid NUL password` in one response. */
import { MALFORMED, wordOf, type Exchange, type Step } from './exchange.ts'

export function plain(): Exchange {
  return { opening: undefined, next }
}

function next(response: Uint8Array): Step {
  const first = response.indexOf(0)
  const second = response.indexOf(0, first + 1)
  if (first < 0 || second < 0) return MALFORMED
  const name = wordOf(response.subarray(first + 1, second))
  const password = wordOf(response.subarray(second + 1))
  if (name === undefined || password === undefined) return MALFORMED
  // Nobody may act for another.
  const other = first === 0 ? name : wordOf(response.subarray(0, first))
  return other === name ? { kind: 'password', name, password } : { kind: 'wrong', name }
}
