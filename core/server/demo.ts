/** What a newcomer's server says besides where it listens: how to send a first message, and where it will be. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Holds the address of the demo user that `helios init` made; delete it and the server stops advertising. */
export const DEMO_FILE = 'demo-user'

/** Lines for standard output in a demo home, none elsewhere. */
export function demoLines(home: string, listeners: readonly { readonly service: string; readonly address: string }[]): readonly string[] {
  const address = demoUser(home)
  const listener = listeners.find(({ service }) => service === 'smtp')
  if (address === undefined || listener === undefined) return []
  const at = address.lastIndexOf('@')
  const maildir = join(home, 'mail', address.slice(at + 1), address.slice(0, at), 'Maildir', 'new')
  return [
    `demo user ${address}`,
    `  printf 'Subject: hello\\r\\n\\r\\nHello, Helios.\\r\\n' | curl -sS smtp://${listener.address} --mail-from you@example.org --mail-rcpt ${address} --upload-file -`,
    `  swaks --server ${listener.address} --from you@example.org --to ${address}`,
    `mail arrives in ${maildir}`,
  ]
}

function demoUser(home: string): string | undefined {
  try {
    const address = readFileSync(join(home, DEMO_FILE), 'utf8').trim()
    return /^[^\s@]+@[^\s@]+$/.test(address) ? address : undefined
  } catch {
    return undefined
  }
}
