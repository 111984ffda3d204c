/** Refuses listed recipients (the Helios manual, chapter 2 section 4.3; qmail-control 5.3). */
import { definePlugin, error, patterns } from '../../core/plugin/index.ts'

export default definePlugin({
  name: 'badrcptto',
  summary: 'Refuses the recipients that control/badrcptto lists.',
  control: { badrcptto: patterns('recipients to refuse, with wildcards') },
  rcpt: ({ session, control, log }) => {
    if (session.recipient === undefined) return undefined
    const match = control.badrcptto.match(session.recipient)
    if (match === undefined) return undefined
    log.info('recipient refused', { pattern: match.pattern, file: 'control/badrcptto', line: match.line })
    return error('553 sorry, your envelope recipient is in my badrcptto list (#5.7.1)')
  },
})
