/** `qmailctl`: the words that administrators of qmail know, for a Helios server. */
import { setTimeout as delay } from 'node:timers/promises'
import { Argument, type Command } from 'commander'
import { loadSettings } from '../../config/load.ts'
import { HeliosError } from '../error.ts'
import type { Io } from './command.ts'
import type { RunWords } from './former-names.ts'
import { requireOwnersProcess } from './server-process.ts'
import { isAlive, readStatus } from './status.ts'

/** Longer than a server takes that lets its sessions and deliveries end. */
const PATIENCE_MS = 60_000

const HELP = `
  start     run the server here, in the foreground: a service manager starts it so
  stop      end it, and wait until it has ended
  restart   stop, and then start
  stat      whether it runs, with what, and the queue
  queue     the same
  hup       read the control files now (it does so by itself at the next connection)
  reload    the same
  cdb       the same: rules are read as they stand in control/smtp-tcprules. Without a running server they are checked`

type Options = Readonly<{ home?: string; config?: string }>

export function registerQmailctl(command: Command, run: RunWords, io: Pick<Io, 'out'>): void {
  const server = async (): Promise<{ readonly pid: number; readonly home: string } | undefined> => {
    const { home } = await loadSettings({ ...command.opts<Options>(), cwd: process.cwd() })
    const found = await readStatus(home)
    return found !== undefined && isAlive(found.status.pid) ? { pid: found.status.pid, home } : undefined
  }
  const stop = async (): Promise<void> => {
    const found = await server()
    if (found === undefined) return io.out('no server is running')
    const { pid, home } = found
    requireOwnersProcess(home, pid)
    await end(pid)
    io.out(`the server (pid ${pid}) has ended`)
  }
  const verbs: Readonly<Record<string, () => Promise<void>>> = {
    start: () => run(['serve']),
    stop,
    restart: async () => {
      await stop()
      await run(['serve'])
    },
    stat: () => run(['status']), queue: () => run(['status']),
    hup: () => run(['reload']), reload: () => run(['reload']),
    cdb: async () => run(await server() === undefined ? ['check'] : ['reload']),
  }
  command.description('start, stop and look after the server').addArgument(new Argument('<verb>').choices(Object.keys(verbs))).addHelpText('after', HELP)
    .action((verb: string) => verbs[verb]!())
}

async function end(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGTERM')
  } catch (cause) {
    throw new HeliosError('not-permitted', `the server (pid ${pid}) is another user's: ${(cause as Error).message}`, {
      fault: 'operator', mend: 'run this as root, or as the user it runs as', cause,
    })
  }
  for (let waited = 0; isAlive(pid); waited += 50) {
    if (waited >= PATIENCE_MS) throw new HeliosError('no-answer', `the server (pid ${pid}) has not ended within ${PATIENCE_MS / 1000} s`, { fault: 'system', mend: 'look at its log' })
    await delay(50)
  }
}
