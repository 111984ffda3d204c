/** Asks strangers to come back: a mail server does, most programs that send unwanted mail do not (RFC 6647). */
import { definePlugin, error, patterns, text, type Session, type World } from '../../core/plugin/index.ts'
import { networkOf } from '../../protocol/qmail/network.ts'
import { asciiLower } from '../../protocol/text.ts'
import { terms, type Terms } from './terms.ts'

/** A first attempt is kept as its time in milliseconds, everything that is known by this word and the time. */
const KNOWN = 'known '
/** What is known is kept anew at most once in this part of `keep`. */
const REFRESHES = 10

export default definePlugin({
  name: 'greylist',
  summary: 'Asks strangers to come back in a few minutes.',
  settings: {
    GREYLIST: terms('how strangers are treated; empty: as usual; off or unset: not at all'),
    SPFRESULT: text('what SPF says of this sender and client, set by the plugin spf', 'pass | fail | softfail | neutral | none | temperror | permerror'),
  },
  control: { greylistexcept: patterns('client addresses, client names, senders and recipients that are never delayed') },
  needs: ['store'],
  rcpt: async ({ session, settings, control, world, log }) => {
    const { GREYLIST: wanted } = settings
    if (wanted === undefined || wanted === 'off' || session.relayClient || session.auth !== undefined) return undefined
    // What no file of ours takes mail for is refused anyway, and not to be remembered.
    if (!session.recipientAllowed || (wanted.spf && settings.SPFRESULT === 'pass')) return undefined
    const { client, reversePath = '', recipient = '' } = session
    if ([client.ip, client.host, reversePath, recipient].some((each) => each !== undefined && control.greylistexcept.match(each) !== undefined)) return undefined
    const seconds = await secondsToWait(session, wanted, world)
    if (seconds === 0) return undefined
    log.info('greylisted', { network: networkOf(client.ip), seconds })
    return error(`451 sorry, I do not know you yet: please come back in ${seconds} seconds (#4.7.1)`)
  },
})

/** Seconds until this mail may pass, 0 for now. */
async function secondsToWait(session: Session, { delay, retry, keep, network: enough }: Terms, world: World): Promise<number> {
  const { store, counters } = world
  const now = world.now()
  const network = networkOf(session.client.ip)
  const networkKey = `network ${network}`
  if (enough > 0 && await isKnown(networkKey, keep, now, store)) return 0

  const key = `mail ${network} ${lasting(session.reversePath ?? '')} ${asciiLower(session.recipient ?? '')}`
  const first = await store.setIfAbsent(key, String(now), retry)
  if (first.startsWith(KNOWN)) {
    await refresh(key, first, keep, now, store)
    return 0
  }
  // Whole seconds, and no more than the delay where the clock was set back.
  const left = Math.ceil(Math.min(Number(first) + delay * 1000 - now, delay * 1000) / 1000)
  if (left > 0) return left
  await store.set(key, `${KNOWN}${now}`, keep)
  if (enough > 0 && await counters.add(networkKey, keep) >= enough) await store.set(networkKey, `${KNOWN}${now}`, keep)
  return 0
}

async function isKnown(key: string, keep: number, now: number, store: World['store']): Promise<boolean> {
  const value = await store.get(key)
  if (value?.startsWith(KNOWN) !== true) return false
  await refresh(key, value, keep, now, store)
  return true
}

/** Writes again only now and then: a busy sender would cost a write for each of its mails. */
async function refresh(key: string, value: string, keep: number, now: number, store: World['store']): Promise<void> {
  if (now - Number(value.slice(KNOWN.length)) >= keep * 1000 / REFRESHES) await store.set(key, `${KNOWN}${now}`, keep)
}

/** The part of a sender that stays the same: lists and bulk senders put numbers or a tag into each message's. */
function lasting(sender: string): string {
  const at = sender.lastIndexOf('@')
  const local = at < 0 ? sender : sender.slice(0, at)
  return asciiLower(`${local.replace(/\+.*$/s, '').replaceAll(/[0-9]+/g, '#')}${at < 0 ? '' : sender.slice(at)}`)
}
