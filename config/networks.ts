/** Networks in the settings: `"proxy": ["10.0.0.0/8", "2001:db8::/32"]`. */
import { parseNetwork, type Network } from '../protocol/network.ts'

/** The networks these texts name; what is wrong is told and left out. */
export function readNetworks(texts: readonly string[], wrong: (reason: string, mend: string) => void): readonly Network[] {
  return texts.flatMap((text) => {
    const network = parseNetwork(text)
    if (network !== undefined) return [network]
    wrong(`${JSON.stringify(text)} is no network`, networkMend(text))
    return []
  })
}

function networkMend(text: string): string {
  const address = text.split('/')[0]!
  if (text.includes('/') && parseNetwork(address) !== undefined) return 'write the first address of the network and the number of its bits, such as 10.0.0.0/8'
  return 'write an address or a network, such as 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32'
}
