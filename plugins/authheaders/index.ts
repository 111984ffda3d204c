/** Checks what a message can prove of its author, tells it in one field, and refuses what a domain disowns (RFC 8601, RFC 9989). */
import { definePlugin, error, headWithin, LineTooLong, nodeResolver, orOff, wireStream, type ControlFile } from '../../core/plugin/index.ts'
import { readLine } from '../../protocol/qmail/control.ts'
import { removeForged } from './forged.ts'
import { BOUNDS, withFewSignatures } from './head.ts'
import { level, refusal } from './policy.ts'
import { resultsField } from './results.ts'
import { verify, type Given, type Proof } from './verify.ts'

const hostName = (about: string): ControlFile<string> => ({ about, parse: (content) => ({ value: readLine(content, ''), problems: [] }) })

export default definePlugin({
  name: 'authheaders',
  summary: 'Checks DKIM, SPF, ARC and DMARC and tells the outcome in Authentication-Results.',
  settings: {
    DMARC: orOff(level('whose wishes are obeyed: 1 refuse where the domain says reject, 2 where it says quarantine too, 3 and for now where DNS does not answer; 0 or unset: only tell'), 0),
  },
  control: { me: hostName('name of this host, and of its results') },
  message: async ({ session, settings, control, world, message, log }) => {
    if (!await headWithin(message, BOUNDS)) return error('554 sorry, the header of this message is too long to be checked (#5.6.0)')
    const forged = removeForged(await message.header(), control.me)
    if (forged.length > 0) log.warn('the message claimed results of ours', { fields: forged.length })
    // These are ours to vouch for: nothing is checked, but nothing may be claimed either.
    if (session.relayClient || session.auth !== undefined) return forged
    const proof = await verifyWithin({
      message: wireStream(withFewSignatures(message)), ip: session.client.ip, helo: session.helo?.trim() ?? '', sender: session.reversePath ?? '',
      receiver: control.me, now: world.now(), resolver: nodeResolver(world.dns),
    })
    if (proof === undefined) return error('554 sorry, a line of this message is too long for its signature to be checked (#5.6.0)')
    const reply = refusal(proof, settings.DMARC ?? 0)
    if (reply === undefined) return [...forged, resultsField(proof, control.me)]
    log.info('message refused by DMARC', { results: [...proof.dkim.map(({ info }) => info), proof.spf.info].join('; ').slice(0, 500) })
    return error(reply)
  },
})

/** Undefined where a line is too long. */
async function verifyWithin(given: Given): Promise<Proof | undefined> {
  try {
    return await verify(given)
  } catch (reason) {
    if (reason instanceof LineTooLong) return undefined
    throw reason
  }
}
