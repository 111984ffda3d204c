/** Delivery into a Maildir: written to tmp/, synced, moved to new/, synced again; only then is it delivered. */
import { join } from 'node:path'
import type { FileSystem, OpenFile } from '../message/file-system.ts'
import type { Logger } from '../message/logger.ts'
import type { Message } from '../plugin/message.ts'
import type { Account, MailboxEffects } from '../plugin/world.ts'
import { printUniqueName } from '../../protocol/maildir/name.ts'
import { HeliosError } from '../error.ts'
import { DirectorySync } from '../message/directory-sync.ts'
import { errorCode, nodeFileSystem } from '../message/file-system.ts'
import { DeliveryError } from '../plugin/world.ts'
import { deliveredToLine, HeaderLineSearch, returnPathLine } from './lines.ts'
import { checkReal, findMaildir } from './place.ts'
import { createSweeper } from './sweep.ts'

export interface MailboxOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** This host's name, as file names show it. */
  readonly host: string
  /** Absolute path of the directory in which mailboxes are made: `<home>/mail`, or what control/qmailconfig says now. It must exist. */
  readonly mailRoot: string | (() => string)
  readonly log: Logger
  /** Sees to it that the account has a home, where one is to be made otherwise than below `mailRoot` by the delivery itself. */
  readonly makeHome?: (account: Account) => Promise<void>
  readonly fs?: FileSystem
  readonly directories?: DirectorySync
}

type Addresses = Parameters<MailboxEffects['deliver']>[2]

/** What an operator does about it. */
const MISSING_HOME = 'homes below mail_root are made here: make this one for the user the server runs as, or name a program for that in control/qmailconfig (autohomedir)'
const LOOK_AT_THE_DISK = 'look at the disk, its space and inodes, and at owner and mode of the directories'

/** Texts of a delivery that did not happen (qmail-control 7.6 and 9). */
const LOOPING = '554 This message is looping: it already has my Delivered-To line. (#5.4.6)'
const NO_MAILDIR = '451 Unable to chdir to maildir. (#4.2.1)'
const TROUBLE = '451 Temporary error on maildir delivery. (#4.3.0)'
const DISK_FULL = '451 Temporary error on maildir delivery: disk full. (#4.3.0)'

/** Of this process, whichever mailbox object made them: part of what makes a file name unique. */
let deliveries = 0

/** Maildirs on this machine. Every trouble is a DeliveryError to the caller and a warning with path and mend in the log. */
export function createMailbox(options: MailboxOptions): MailboxEffects {
  const { now, host, log, fs = nodeFileSystem, directories = new DirectorySync(fs) } = options
  const sweep = createSweeper(fs, now)

  const write = async (account: Account, message: Message, { reversePath, recipient }: Addresses): Promise<string> => {
    await options.makeHome?.(account)
    const mailRoot = typeof options.mailRoot === 'string' ? options.mailRoot : options.mailRoot()
    const place = await findMaildir(fs, directories, mailRoot, account)
    const deliveredTo = deliveredToLine(recipient)
    const lines = Buffer.concat([returnPathLine(reversePath), deliveredTo])
    const size = lines.length + message.size
    const name = printUniqueName({ time: now(), pid: process.pid, sequence: ++deliveries, host, size })
    const arriving = join(place.tmp, name)
    const delivered = join(place.new, name)

    const file = await fs.open(arriving, 'create')
    let path = arriving
    try {
      await writeMessage(file, lines, message, new HeaderLineSearch(deliveredTo))
      await fs.rename(arriving, delivered)
      path = delivered
      await directories.sync(place.new)
      // Not the file itself: a reader may have moved it to cur/ by now, and then it is delivered.
      await checkReal(fs, place.new)
    } catch (error) {
      await fs.unlink(path).catch(() => undefined)
      throw error
    }
    await sweep(place.tmp)
    return name
  }

  return {
    deliver: async (account, message, envelope) => {
      try {
        return await write(account, message, envelope)
      } catch (error) {
        if (error instanceof DeliveryError) throw error
        const text = replyFor(error)
        const mend = error instanceof HeliosError ? error.mend : errorCode(error) === 'ENOENT' ? MISSING_HOME : LOOK_AT_THE_DISK
        const reason = error instanceof Error ? error.message : String(error)
        log.warn({ event: 'mailbox trouble', message: message.id, maildir: account.maildir, err: error },
          `msg ${message.id}: not delivered to ${account.maildir}: ${reason}; it is tried again later; ${mend}`)
        throw new DeliveryError(text, { cause: error })
      }
    },
  }
}

/** Writes, syncs and closes. A message whose bytes are not those it promised is refused: its name would lie about its size. */
async function writeMessage(file: OpenFile, lines: Uint8Array, message: Message, search: HeaderLineSearch): Promise<void> {
  let open = true
  try {
    let pending: Uint8Array | undefined = lines
    let size = 0
    for await (const chunk of message.content()) {
      if (search.push(chunk)) throw new DeliveryError(LOOPING, { permanent: true })
      size += chunk.length
      await file.write(pending === undefined ? chunk : Buffer.concat([pending, chunk]))
      pending = undefined
    }
    if (pending !== undefined) await file.write(pending)
    if (size !== message.size) throw new Error(`message ${message.id} has ${size} bytes and should have ${message.size}`)
    await file.sync()
    open = false
    await file.close()
  } finally {
    if (open) await file.close().catch(() => undefined)
  }
}

function replyFor(error: unknown): string {
  const code = errorCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return DISK_FULL
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'EACCES') return NO_MAILDIR
  return error instanceof HeliosError && error.code.startsWith('mailbox-') ? NO_MAILDIR : TROUBLE
}
