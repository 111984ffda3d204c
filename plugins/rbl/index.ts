/** Refuses clients and names that DNS lists have (the Helios manual, chapter 2 section 4; RFC 5782; qmail-control 13). */
import { definePlugin, type Answer, type Context, type Session } from '../../core/plugin/index.ts'
import { askLists, askWorld, type Engine } from './ask.ts'
import type { List } from './lists.ts'
import { byVariable, refusal, undecided } from './reply.ts'
import { testLists } from './self-test.ts'
import { settings } from './settings.ts'
import { addUp, questionOf, type Question, type Subject } from './verdict.ts'

type Asked = Context<typeof settings>

export default definePlugin({
  name: 'rbl',
  summary: 'Refuses clients and sender\'s domains that DNS lists have.',
  settings,
  connection: check,
  mail: check,
  rcpt: check,
  selfTest: async ({ settings: { SMTPRBLS = [], SMTPDBLS = [] }, world: { dns } }) => {
    const complaints = await Promise.all([testLists(SMTPRBLS, 'addresses', dns), testLists(SMTPDBLS, 'names', dns)])
    return complaints.flat()
  },
})

async function check(asked: Asked): Promise<Answer> {
  const { session, settings: { SMTPRBLS, SMTPDBLS, RBLSMTPD, RBLTHRESHOLD, RBLUNKNOWN, RBLREPLY }, world, log } = asked
  if (session.relayClient || session.auth !== undefined) return undefined
  if (RBLSMTPD !== undefined) return byVariable(RBLSMTPD)
  const questions = [...questionsOf(SMTPRBLS, [{ kind: 'ip', ip: session.client.ip }]), ...questionsOf(SMTPDBLS, namesIn(session))]
  if (questions.length === 0) return undefined
  const { hits, score, open } = addUp(await askLists(questions, await engineOf(asked), world, log), RBLTHRESHOLD ?? 1)
  if (open.length > 0 && RBLUNKNOWN === 'later') return undecided(open)
  const [decider] = hits
  if (decider === undefined) return undefined
  log.info('listed', { lists: hits.map(({ list }) => list.zone).join(' '), score })
  return refusal(decider, RBLREPLY ?? 'permanent', world)
}

function questionsOf(lists: readonly List[] | undefined, subjects: readonly Subject[]): readonly Question[] {
  return (lists ?? []).flatMap((list) => subjects.flatMap((subject) => questionOf(list, subject) ?? []))
}

/** The sender's domain before the HELO name: what a client is told of the first is of more use to it. */
function namesIn({ helo, reversePath }: Session): readonly Subject[] {
  const domains = [reversePath?.slice(reversePath.lastIndexOf('@') + 1), helo]
  return [...new Set(domains)].flatMap((domain) => domain === undefined || domain === '' ? [] : [{ kind: 'domain', domain }])
}

async function engineOf({ settings: { RBLENGINE, RBLSERVERS }, world }: Asked): Promise<Engine> {
  const ours = askWorld(world)
  if (RBLENGINE !== 'dnsbl') return ours
  const { askDnsbl } = await import('./other-engine.ts')
  return askDnsbl(RBLSERVERS ?? [], ours)
}
