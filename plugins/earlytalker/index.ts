/** Lets strangers wait for the greeting, and answers those that speak before it or between replies (RFC 5321 3.1, RFC 2920). */
import { definePlugin, hangUp, orOff, set, WorldUnavailable, type Command, type Log, type Session, type World } from '../../core/plugin/index.ts'
import { manners, type Answer, type Manners } from './manners.ts'

export default definePlugin({
  name: 'earlytalker',
  summary: 'Lets strangers wait for the greeting, and turns away those that do not.',
  settings: { EARLYTALKER: orOff<Manners | 'off'>(manners('what to do with clients that speak out of turn, and how long strangers wait; empty: as usual; unset: nothing'), 'off') },
  needs: ['sleep', 'store'],
  connection: async ({ session, settings, world, signal, log }) => {
    const { EARLYTALKER: wanted } = settings
    if (wanted === undefined || wanted === 'off' || session.relayClient) return undefined
    const { answer, wait, keep } = wanted
    const key = `waited ${session.client.ip}`
    const known = keep > 0 && await isKnown(key, world.store)
    if (!known && wait > 0) {
      try {
        await world.sleep(wait)
      } catch (failure) {
        // A client that has left is what this is for, and no failure of the plugin.
        if (!signal.aborted) throw failure
        return undefined
      }
    }
    // The variable may have come while this slept.
    if (session.env['SMTPEARLYTALKER'] !== undefined) {
      log.info('spoke before the greeting', { answer })
      return answerTo(answer, 'my greeting', session)
    }
    if (!known && wait > 0 && keep > 0) await keepInMind(key, keep, world.store)
    return undefined
  },
  mail: ({ session, settings, log }) => outOfTurn(session, settings.EARLYTALKER, log),
  data: ({ session, settings, log }) => outOfTurn(session, settings.EARLYTALKER, log),
})

function outOfTurn(session: Session, wanted: Manners | 'off' | undefined, log: Log): Command | undefined {
  if (wanted === undefined || wanted === 'off' || session.relayClient || session.env['SMTPBADPIPELINING'] === undefined) return undefined
  log.info('did not wait for a reply', { answer: wanted.answer })
  return answerTo(wanted.answer, 'my replies', session)
}

/** The connection ends with the answer: what such a client sends next may be anything, content read as commands for one. */
function answerTo(answer: Answer, what: string, session: Session): Command | undefined {
  switch (answer) {
    case 'refuse':
      return hangUp(`554 sorry, you must wait for ${what} (#5.5.0)`)
    case 'later':
      return hangUp(`421 sorry, you must wait for ${what}: please try again (#4.5.0)`)
    case 'note':
      // The limit of the same name would refuse behind this line; what else stands in the variable stays.
      return what === 'my greeting' ? set('LIMITS', `${session.env['LIMITS'] ?? ''} earlyTalkers=note`.trim()) : undefined
  }
}

/** Without a memory everybody waits: no reason to turn anybody away. */
async function isKnown(key: string, store: World['store']): Promise<boolean> {
  try {
    return await store.get(key) !== undefined
  } catch (failure) {
    if (failure instanceof WorldUnavailable) return false
    throw failure
  }
}

async function keepInMind(key: string, seconds: number, store: World['store']): Promise<void> {
  try {
    await store.set(key, 'yes', seconds)
  } catch (failure) {
    if (!(failure instanceof WorldUnavailable)) throw failure
  }
}
