/** The settings of this plugin; the lists have a file of their own. */
import { oneOf, orOff, text, type Setting } from '../../core/plugin/index.ts'
import { isServerAddress } from '../../protocol/dns/server-address.ts'
import { lists } from './lists.ts'

export const settings = {
  SMTPRBLS: orOff(lists('lists of addresses, asked about the client'), []),
  SMTPDBLS: orOff(lists('lists of names, asked about the sender\'s domain and the HELO name'), []),
  RBLTHRESHOLD: threshold('the score from which on a client is refused; unset: 1'),
  RBLREPLY: oneOf('whether who is listed may come back; unset: permanent (550)', ['permanent', 'temporary']),
  RBLUNKNOWN: oneOf('what becomes of mail where a list that does not answer could decide; unset: accept', ['accept', 'later']),
  RBLENGINE: engine('what asks the lists of addresses; unset: helios'),
  RBLSERVERS: servers('name servers that the engine dnsbl asks; unset: the system\'s'),
  RBLSMTPD: text('rblsmtpd\'s answer for this client: nothing lets it through, -text refuses for good, text for now', 'nothing, -text or text'),
}

function threshold(about: string): Setting<number> {
  return {
    about, form: 'a whole number, 1 or more',
    parse: (value) => /^[1-9][0-9]{0,5}$/.test(value)
      ? { ok: true, value: Number(value) }
      : { ok: false, reason: `"${value}" is no threshold`, mend: 'write a whole number from 1 on' },
  }
}

function servers(about: string): Setting<readonly string[]> {
  return {
    about, form: 'addresses with a blank between them, with a port where it is not 53',
    parse: (value) => {
      const addresses = value.split(/\s+/).filter((address) => address !== '')
      const wrong = addresses.find((address) => !isServerAddress(address))
      return wrong === undefined
        ? { ok: true, value: addresses }
        : { ok: false, reason: `"${wrong}" is no address of a name server`, mend: 'write addresses such as 192.0.2.53 or 192.0.2.53:5353' }
    },
  }
}

/** Whoever takes the weaker engine is told so by `helios check`. */
function engine(about: string): Setting<'helios' | 'dnsbl'> {
  const words = oneOf(about, ['helios', 'dnsbl'])
  return {
    ...words,
    parse: (value) => {
      const parsed = words.parse(value)
      return parsed.ok && parsed.value === 'dnsbl' ? { ...parsed, doubt: WEAKER } : parsed
    },
  }
}

const WEAKER = {
  reason: 'the engine dnsbl takes every answer for a listing, also 127.255.255.254 of a list that refuses you, and it takes every failure for "not listed"; '
    + 'it heeds no return codes, keeps no answers, and what it asked stands in no trace',
  mend: 'take the line out: the engine helios knows the difference',
}
