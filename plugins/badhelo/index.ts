/** Refuses listed HELO and EHLO names (the Helios manual, chapter 2 section 4.3; qmail-control 5.3). */
import { definePlugin, error, flag, patterns } from '../../core/plugin/index.ts'

export default definePlugin({
  name: 'badhelo',
  summary: 'Refuses the HELO and EHLO names that control/badhelo lists.',
  settings: { BADHELO: flag('look HELO and EHLO names up in control/badhelo') },
  control: { badhelo: patterns('HELO and EHLO names to refuse, with wildcards') },
  helo: ({ session, settings, control, log }) => {
    if (settings.BADHELO !== true || session.helo === undefined) return undefined
    // The argument keeps its trailing blanks (spp-protocol 8.2): with one of them a listed name would get past.
    const match = control.badhelo.match(session.helo.trim())
    if (match === undefined) return undefined
    log.info('HELO name refused', { pattern: match.pattern, file: 'control/badhelo', line: match.line })
    return error('553 sorry, your HELO name is in my badhelo list (#5.7.1)')
  },
})
