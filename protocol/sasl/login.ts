/** LOGIN (draft-murchison-sasl-login): name and password, each asked for. Some clients give the name with the command. */
import { MALFORMED, wordOf, type Exchange } from './exchange.ts'

export function login(): Exchange {
  let name: string | undefined
  return {
    opening: 'Username:',
    next: (response) => {
      const word = wordOf(response)
      if (word === undefined) return MALFORMED
      if (name !== undefined) return { kind: 'password', name, password: word }
      name = word
      return { kind: 'challenge', text: 'Password:' }
    },
  }
}
