/** The session that a test file's variables describe: what a plugin in TypeScript is told in words of its own. */
import type { Hook } from '../plugin/plugin.ts'
import type { SessionFields } from '../plugin/testing/session.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Fields for `testSession`; a variable that is not given leaves its field to the hook's default.
 * @param accepted recipients of this transaction that were accepted before; where there are none, `SMTPRCPTCOUNT` makes some up
 */
export function sessionFields(hook: Hook, env: Environment, accepted: readonly string[]): SessionFields {
  const given = <T>(name: string, field: (value: string | undefined) => T): T | undefined =>
    Object.hasOwn(env, name) ? field(env[name]) : undefined
  const user = env['SMTPAUTHUSER']
  const recipients = recipientsBefore(hook, env, accepted)
  return {
    client: { ip: env['TCPREMOTEIP'] ?? '192.0.2.1', port: Number(env['TCPREMOTEPORT'] ?? 40000) || 0, host: env['TCPREMOTEHOST'] },
    relayClient: env['RELAYCLIENT'] !== undefined,
    ...given('SMTPHELOHOST', (helo) => ({ helo })),
    ...given('SMTPMAILFROM', (reversePath) => ({ reversePath })),
    ...(asksAboutRecipient(hook) ? given('SMTPRCPTTO', (recipient) => ({ recipient })) : undefined),
    ...(recipients === undefined ? undefined : { recipients }),
    ...given('SMTPRCPTCOUNTALL', (count) => ({ recipientsAsked: Number(count ?? 0) || 0 })),
    ...given('SMTPRCPTHOSTSOK', (allowed) => ({ recipientAllowed: allowed === '1' || env['RELAYCLIENT'] !== undefined })),
    ...given('SMTPAUTHUSER', () => ({ auth: user === undefined ? undefined : { user, method: env['SMTPAUTHMETHOD'] ?? 'plain' } })),
  }
}

function asksAboutRecipient(hook: Hook): boolean {
  return hook === 'rcpt' || hook === 'pass' || hook === 'deliver'
}

/** Accepted so far; from DATA on the last of them is `SMTPRCPTTO` (spp-protocol 8.2). */
function recipientsBefore(hook: Hook, env: Environment, accepted: readonly string[]): readonly string[] | undefined {
  const last = asksAboutRecipient(hook) || env['SMTPRCPTTO'] === undefined ? [] : [env['SMTPRCPTTO']]
  if (accepted.length > 0) return [...accepted, ...last.filter((address) => !accepted.includes(address))]
  const count = env['SMTPRCPTCOUNT'] === undefined ? undefined : Math.min(Number(env['SMTPRCPTCOUNT']) || 0, 10_000)
  if (count === undefined) return last.length === 0 ? undefined : last
  const before = hook === 'pass' ? count - 1 : count
  return [...Array.from({ length: Math.max(before, 0) }, (_, index) => `recipient${index + 1}@local.example`), ...last]
}
