/** Signs what leaves in the name of a domain of ours (DKIM, RFC 6376). */
import type { MessageInput } from 'mailauth'
import { definePlugin, error, headWithin, insertField, linesWithin, LineTooLong, oneOf, wireStream, type Edit, type Message, type Session, type World } from '../../core/plugin/index.ts'
import { asciiLower } from '../../protocol/text.ts'
import { authorOf, type Author } from './author.ts'
import { KEYS, tables } from './schema.ts'

/** The world shows the first 256 KiB of a header: behind them another From could stand. mailauth's time grows with the square of the lines. */
const BOUNDS = { bytes: 240 * 1024, lines: 5000 }
/** SMTP has 1000 bytes (RFC 5321 section 4.5.3.1.6), and who gets more on the way cuts it; mailauth's time grows with the square. */
const LONGEST_LINE = 256 * 1024

export default definePlugin({
  name: 'dkim-sign',
  summary: 'Signs outgoing mail with the DKIM keys of its domain.',
  settings: {
    DKIMSIGN: oneOf('for whom: own, authenticated users in the name of their domain or address; any, in that of every domain with a key; no or off, nobody; unset: own', ['own', 'any', 'no', 'off']),
  },
  tables,
  message: async ({ session, settings, world, message, log }) => {
    if (settings.DKIMSIGN === 'no' || settings.DKIMSIGN === 'off' || (!session.relayClient && session.auth === undefined)) return undefined
    const author = authorOf(await message.header())
    if (author === undefined) return undefined
    const keys = (await world.tables.find(KEYS, { domain: author.domain })).filter(({ used }) => used === 1)
    if (keys.length === 0) return undefined
    if (settings.DKIMSIGN !== 'any' && !await maySignAs(author, session, world)) {
      log.warn('not signed: the message is in the name of somebody else', { domain: author.domain })
      return undefined
    }
    if (!await headWithin(message, BOUNDS)) return error('554 sorry, the header of this message is too long to be signed (#5.6.0)')
    try {
      return await sign(message, author.domain, keys, world)
    } catch (reason) {
      if (reason instanceof LineTooLong) return error('554 sorry, a line of this message is too long to be signed (#5.6.0)')
      throw reason
    }
  },
})

/**
 * Clients that a TCP rule lets relay are trusted by their address. A user, and whoever relays because he logged in by POP3 or
 * IMAP, signs as himself, as another address of his, or as his domain.
 */
async function maySignAs(author: Author, { auth, logins }: Session, { accounts }: World): Promise<boolean> {
  const users = auth === undefined ? logins : [auth.user]
  if (users.length === 0) return true
  for (const user of users) if (await isHis(author, user, accounts)) return true
  return false
}

async function isHis({ domain, address }: Author, login: string, accounts: World['accounts']): Promise<boolean> {
  const user = await accounts.find(login)
  if (user === undefined) return false
  if (asciiLower(user.domain) === domain) return true
  return address !== undefined && (await accounts.aliases(`${user.login}@${user.domain}`)).some((alias) => asciiLower(alias) === asciiLower(address))
}

interface Key {
  readonly selector: string
  readonly pem: string
}

async function sign(message: Message, domain: string, keys: readonly Key[], world: World): Promise<readonly Edit[]> {
  const { dkimSign } = await import('mailauth')
  const options = {
    canonicalization: 'relaxed/relaxed', signTime: new Date(world.now()), strict: true,
    signatureData: keys.map(({ selector, pem }) => ({ signingDomain: domain, selector, privateKey: pem })),
  }
  const { signatures, errors } = await dkimSign(wireStream(linesWithin(message.content(), LONGEST_LINE)) as unknown as MessageInput, options as unknown as Parameters<typeof dkimSign>[1])
  // Unsigned, it would be refused by whoever obeys the domain's policy: better for now than for good.
  for (const { selector, err } of errors) throw new Error(`the key ${selector} of ${domain} cannot sign: ${err.message}`)
  return signatures.split(/\r\n(?![ \t])/).filter((field) => field !== '').map((field) =>
    insertField(field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 1).replaceAll('\r\n', '\n')))
}
