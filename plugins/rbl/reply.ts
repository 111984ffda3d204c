/** What a listed client is told. Lists' words are strangers' words: they must not break the reply or fill it. */
import { error, type Command, type World } from '../../core/plugin/index.ts'
import type { Answered } from './verdict.ts'

export type Permanence = 'permanent' | 'temporary'

/** rblsmtpd cuts at 200 bytes (qmail-control 13). */
const LONGEST_REASON = 200
const LONGEST_NAME = 120

/** The operator's text, or who is listed where and why: the list is asked for its reason (RFC 5782 section 2.1). */
export async function refusal(decider: Answered, permanence: Permanence, { dns }: Pick<World, 'dns'>): Promise<Command> {
  const { list, subject, name } = decider
  const listed = printable(subject.kind === 'ip' ? subject.ip : subject.domain.trim()).slice(0, LONGEST_NAME)
  const fill = (text: string): string => text.replaceAll('%IP%', listed).replaceAll('%DOMAIN%', listed)
  if (list.text !== undefined) return coded(printable(fill(list.text)), permanence)
  const found = await dns.resolve(name, 'TXT')
  const reason = found.kind === 'answer' ? `: ${printable(fill(found.records[0]!)).slice(0, LONGEST_REASON)}` : ''
  return coded(`sorry, ${listed} is listed in ${list.zone}${reason}`, permanence)
}

export function undecided(open: readonly Answered[]): Command {
  return error(`451 sorry, I cannot ask ${open[0]!.list.zone} now whether you are listed (#4.7.1)`)
}

/** rblsmtpd's own variable: `-text` refuses for good, `text` for now, nothing lets through. */
export function byVariable(text: string): Command | undefined {
  if (text === '') return undefined
  const bare = printable(text.replace(/^-/, '')).slice(0, LONGEST_REASON)
  return error(text.startsWith('-') ? `553 ${bare} (#5.7.1)` : `451 ${bare} (#4.7.1)`)
}

function coded(text: string, permanence: Permanence): Command {
  return error(permanence === 'permanent' ? `550 ${text.slice(0, 480)} (#5.7.1)` : `451 ${text.slice(0, 480)} (#4.7.1)`)
}

/** Printable ASCII; every other character is a question mark, as rblsmtpd has it. */
function printable(text: string): string {
  return text.replace(/[^ -~]/gu, '?')
}
