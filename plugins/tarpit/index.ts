/** Slows down a message with many recipients (the Helios manual, chapter 2 section 4.4; helios.md 7). */
import { count, definePlugin } from '../../core/plugin/index.ts'
import { delay, secondsAt } from './delay.ts'

export default definePlugin({
  name: 'tarpit',
  summary: 'Slows down a message with many recipients.',
  settings: {
    TARPITCOUNT: count('recipients of one message that are not delayed; unset: no delays'),
    TARPITDELAY: delay('how long each recipient after those waits; unset, empty, 0 or off: no delays'),
  },
  needs: ['sleep'],
  rcpt: ({ session, settings, world, signal }) => {
    const { TARPITCOUNT: from, TARPITDELAY: kind } = settings
    if (from === undefined || kind === undefined) return undefined
    const seconds = secondsAt(session.recipients.length, from, kind, () => world.random())
    if (seconds === 0) return undefined
    return world.sleep(seconds).catch((failure: unknown) => {
      // A client that has left is what a tarpit hopes for, and no failure of this plugin.
      if (!signal.aborted) throw failure
    })
  },
})
