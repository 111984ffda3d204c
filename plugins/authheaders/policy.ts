/** What a domain asks to be done with mail that is not provably its own (DMARC, RFC 9989), and whether the operator does it. */
import type { DMARCResult } from 'mailauth'
import type { Setting } from '../../core/plugin/index.ts'
import type { Proof } from './verify.ts'

export function level(about: string): Setting<number> {
  return {
    about, form: 'a number from 0 to 3',
    parse: (text) => /^[0-3]?$/.test(text)
      ? { ok: true, value: Number(text) }
      : { ok: false, reason: `"${text}" is no level of DMARC`, mend: 'write a number from 0 (refuse nothing) to 3; 1 does what domains ask for' },
  }
}

/** Whether to refuse the message, and with which reply. `level`: 1 obeys `reject`, 2 `quarantine` too, 3 refuses for now when DNS does not answer. */
export function refusal({ dmarc, dkim, spf }: Proof, level: number): string | undefined {
  if (level === 0) return undefined
  if (dmarc.kind === 'no-author') {
    return dmarc.suspicious ? `550 sorry, I cannot tell whose message this is: ${dmarc.why} (#5.7.26)` : undefined
  }
  const unwanted = dmarc.verdicts.find(({ status, policy }) => status.result === 'fail' && level >= (POLICY_LEVEL[policy] ?? Infinity))
  if (unwanted !== undefined) {
    // What could not be looked up might have been the proof.
    const unsure = spf.status.result === 'temperror' || dkim.some(({ status }) => status.result === 'temperror')
    const name = nameOf(unwanted)
    return unsure
      ? `451 sorry, I cannot find out now whether this is from ${name} (#4.7.24)`
      : `550 sorry, neither DKIM nor SPF shows this to be from ${name}, whose DMARC policy asks me to refuse it (#5.7.26)`
  }
  const unknown = level < 3 ? undefined : dmarc.verdicts.find(({ status }) => status.result === 'temperror')
  return unknown === undefined ? undefined : `451 sorry, I cannot look up now what ${nameOf(unknown)} wants (DMARC) (#4.7.24)`
}

const POLICY_LEVEL: Readonly<Record<string, number>> = { reject: 1, quarantine: 2 }
/** A reply is one line of at most 512 bytes (RFC 5321 4.5.3.1.5). */
const LONGEST_NAME = 255

function nameOf({ status }: DMARCResult): string {
  return String(status.header?.['from'] ?? 'its author').replace(/[^!-~]/g, '?').slice(0, LONGEST_NAME)
}
