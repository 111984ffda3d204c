/**
 * The other engine, for who chooses it (`RBLENGINE=dnsbl`). It knows "listed" and nothing else: see the README for where it
 * is wrong. It asks DNS by itself, so what it learned stands in no trace.
 */
import { batch } from 'dnsbl'
import type { Engine } from './ask.ts'
import type { Answered } from './verdict.ts'

const TIMEOUT_MS = 5000

/**
 * @param servers addresses with or without port; none: the system's, and never the public ones of the package
 * @param names asks the lists of names, which the package does not know
 */
export function askDnsbl(servers: readonly string[], names: Engine): Engine {
  return async (questions) => {
    const clients = questions.flatMap((question) => question.subject.kind === 'ip' ? [{ question, ip: question.subject.ip }] : [])
    const about = names(questions.filter(({ subject }) => subject.kind === 'domain'))
    const found = await batch([...new Set(clients.map(({ ip }) => ip))], [...new Set(clients.map(({ question }) => question.list.zone))], {
      servers: servers.length > 0 ? servers : undefined, timeout: TIMEOUT_MS,
    })
    const listed = new Set(found.filter((each) => each.listed).map(({ blacklist }) => blacklist))
    return [
      ...clients.map(({ question }): Answered => ({ ...question, finding: { kind: listed.has(question.list.zone) ? 'listed' : 'not-listed' } })),
      ...await about,
    ]
  }
}
