/** Holds senders to the addresses that are theirs (the Helios manual, chapter 3 section 4; helios.md 8). */
import {
  definePlugin, error, isOff, type Command, type Context, type ControlFile, type Message, type MessageContext, type Session, type Setting,
} from '../../core/plugin/index.ts'
import { readLine } from '../../protocol/qmail/control.ts'
import { decide, type Decision } from './decide.ts'
import { explain } from './explain.ts'
import { addressesIn } from './header-from.ts'
import { ownersFor } from './owner.ts'
import { listsOf, tables } from './schema.ts'
import { peopleOf, senderOf } from './sender.ts'

/** What is held to the rules: the envelope sender, or the From field of the message as well. */
type Reach = 'off' | 'envelope' | 'header'

const reach = (about: string): Setting<Reach> => ({
  about, form: 'off | header | anything else, or nothing',
  parse: (value) => ({ ok: true, value: isOff(value) ? 'off' : value.toLowerCase() === 'header' ? 'header' : 'envelope' }),
})
const line = (about: string): ControlFile<string> => ({ about, parse: (content) => ({ value: readLine(content, ''), problems: [] }) })

const settings = { ANTISPOOF: reach('hold senders to the addresses that are theirs; "header": the From field of the message, too') }
const control = {
  me: line('name of this host'),
  envnoathost: line('domain of addresses that are written without one; missing: the name in control/me'),
  localiphost: line('name for an address in brackets that is this host\'s; missing: the name in control/me'),
}

const AUTHENTICATE = error('530 authentication required (#4.7.1)')
const DENIED = error('550 permission denied (#5.7.0)')
const UNKNOWN = error('451 sorry, whether that address is yours is not known now (#4.3.0)')
const NO_FROM = error('550 sorry, a message needs a From field here (#5.6.0)')
const TOO_MUCH = error('550 sorry, that From field or header is too long to be checked (#5.6.0)')

/** Bytes of a header that the world shows. Behind them a second From field could stand unseen. */
const HEADER_BYTES = 256 * 1024
/** RFC 5322 sets no limit; no person writes with that many hands. */
const MOST_ADDRESSES = 100

export default definePlugin({
  name: 'antispoof',
  summary: 'Holds senders to the addresses that are theirs.',
  settings, control, tables,
  mail: (context) => {
    const { session: { reversePath }, settings: { ANTISPOOF: wanted } } = context
    return wanted === undefined || wanted === 'off' || reversePath === undefined ? undefined : check(context, reversePath, 'sender')
  },
  message: (context) => context.settings.ANTISPOOF === 'header' ? checkHeader(context) : undefined,
})

type Own<X> = X & Context<typeof settings, typeof control>

async function checkHeader(context: Own<MessageContext<typeof settings, typeof control>>): Promise<Command | undefined> {
  const { message, session, log } = context
  const refuse = (answer: Command, reason: string): Command => {
    log.info('From field refused', { ...whose(session), reason })
    return answer
  }
  if (!await endsInTime(message)) return refuse(TOO_MUCH, `the header is longer than ${HEADER_BYTES} bytes`)
  const fields = (await message.header()).filter(({ name }) => name.trim().toLowerCase() === 'from')
  if (fields.length === 0) return refuse(NO_FROM, 'there is no From field')
  const addresses = new Set(fields.flatMap(({ value }) => addressesIn(value)))
  if (addresses.size > MOST_ADDRESSES) return refuse(TOO_MUCH, `the From field has ${addresses.size} addresses`)
  for (const address of addresses) {
    const refusal = await check(context, address, 'From field')
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** Asks the rules; whatever one of the people may do is allowed. Every refusal is logged. */
async function check(
  { session, control: host, world, log }: Own<Context>, address: string, what: 'sender' | 'From field',
): Promise<Command | undefined> {
  const sender = senderOf(address, host, session.env['TCPLOCALIP'])
  if (sender === undefined) return undefined
  const decisions: Decision[] = []
  for (const person of peopleOf(session)) {
    const decision = await decide(sender, person, await listsOf(world.tables, ownersFor(person)), world.accounts)
    if (decision.allowed) return undefined
    decisions.push(decision)
  }
  const decision = decisions.find(({ by }) => by === 'unreadable') ?? decisions.at(-1)!
  const fields = { ...whose(session), address, reason: explain(decision) }
  if (decision.by === 'unreadable') {
    log.warn('a permissions list cannot be read: mend it with "helios antispoof set"', fields)
    return UNKNOWN
  }
  log.info(`${what} refused`, fields)
  return session.auth === undefined ? AUTHENTICATE : DENIED
}

/** What a line of the log says of who sends. */
function whose({ client, auth }: Session): Readonly<Record<string, string>> {
  return { ip: client.ip, user: auth?.user ?? 'not logged in' }
}

/** True when the header ends within the part of it that can be read. */
async function endsInTime(message: Message): Promise<boolean> {
  let seen = 0
  // An empty line may come first: then there is no header.
  let before = 0x0a
  for await (const chunk of message.content()) {
    for (const byte of chunk) {
      if (byte === 0x0a && before === 0x0a) return true
      before = byte
      if (++seen > HEADER_BYTES) return false
    }
  }
  return true
}
