/** `helios why`: what happened in a session, and who decided it. */
import { InvalidArgumentError } from 'commander'
import { HeliosError } from '../error.ts'
import { findSessions, type TracedSession, type TraceQuery } from '../trace/read.ts'
import { explainSession } from '../trace/why.ts'
import type { Io, Noun } from './command.ts'
import { existingHome } from './home.ts'

interface WhyOptions {
  readonly from?: string
  readonly to?: string
  readonly client?: string
  readonly last?: number
  readonly json?: boolean
}

export const why: Noun = {
  register(program, io, exit) {
    program.command('why').description('explain what was decided in a session, and by which line of which file')
      .argument('[id]', 'of a session, or of a message (the one in its 250 reply)')
      .option('--from <text>', 'sessions with this in the sender')
      .option('--to <text>', 'sessions with this in a recipient, refused ones too')
      .option('--client <text>', 'sessions with this in the client\'s address or name')
      .option('--last <n>', 'how many, newest first (default: 1)', readCount)
      .option('--json', 'as JSON')
      .addHelpText('after', '\nWithout an id and without options: the newest session.')
      .action(async (id: string | undefined, options: WhyOptions) => {
        const settings = await existingHome(io)
        const query = toQuery(id, options)
        const sessions = await search(settings.home, query)
        if (options.json === true) io.out(JSON.stringify(sessions, undefined, 2))
        else show(io, sessions)
        if (sessions.length > 0) return
        exit(1)
        const off = 'it is switched off; in the settings: "trace": { "enabled": true }'
        const why = settings.trace.enabled ? 'it keeps the newest sessions only, and one under way from the end of its first message on' : off
        if (options.json !== true) io.err(`helios: no such session in ${settings.home}/trace (${why})`)
      })
  },
}

function toQuery(id: string | undefined, { from, to, client, last = 1 }: WhyOptions): TraceQuery {
  const given = Object.entries({ id, from, to, client }).filter(([, value]) => value !== undefined)
  return { last, ...Object.fromEntries(given) }
}

async function search(home: string, query: TraceQuery): Promise<readonly TracedSession[]> {
  try {
    return await findSessions(home, query)
  } catch (error) {
    throw new HeliosError('trace', `cannot read ${home}/trace: ${(error as Error).message}`, {
      fault: 'system', mend: 'run this as the user who owns the home, or as root', cause: error,
    })
  }
}

function show(io: Io, sessions: readonly TracedSession[]): void {
  for (const [index, session] of sessions.entries()) {
    if (index > 0) io.out('')
    for (const line of explainSession(session)) io.out(line)
  }
}

function readCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Write a number from 1 on.')
  return Number(text)
}
