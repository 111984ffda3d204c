/** Where the queue keeps what, and the ids its files are named by. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

export interface QueuePlaces {
  /** Messages still arriving, and copies made for programs. Emptied at start. */
  readonly tmp: string
  /** Accepted messages: a name here is a promise. */
  readonly msg: string
  /** Which recipients of a message are done or failed. */
  readonly state: string
  /** Messages with recipients that failed for good, kept. */
  readonly failed: string
  /** Files that are not a whole message, kept for the operator. */
  readonly corrupt: string
}

/** The directories of `<home>/queue/`. */
export function queuePlaces(home: string): QueuePlaces {
  const at = (name: string): string => join(home, 'queue', name)
  return { tmp: at('tmp'), msg: at('msg'), state: at('state'), failed: at('failed'), corrupt: at('corrupt') }
}

const DIGITS = 36
const TIME = 9
const SEQUENCE = 3
const PROCESS = 6
const idForm = new RegExp(`^[0-9a-z]{${TIME + SEQUENCE + PROCESS}}$`)

/** True for a name that `createIds` could have made. */
export function isMessageId(name: string): boolean {
  return idForm.test(name)
}

/** When the message of this id was begun, in milliseconds since 1970. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, TIME), DIGITS)
}

/** Six random characters that stand for a process in the ids it makes. */
export function processMark(): string {
  return (randomBytes(6).readUIntBE(0, 6) % DIGITS ** PROCESS).toString(DIGITS).padStart(PROCESS, '0')
}

/** The mark of the process that made this id. */
export function processOfId(id: string): string {
  return id.slice(-PROCESS)
}

/**
 * A source of message ids: 18 characters of 0-9a-z that sort by time. Time in milliseconds and a number within it,
 * never going back even when the clock does, then six random characters of this process: two processes, or two starts
 * after a clock was set back, meet once in two thousand million times, and then the second finds the name taken.
 */
export function createIds(now: () => number, process = processMark()): () => string {
  let time = 0
  let sequence = 0
  return () => {
    const current = now()
    sequence = current > time ? 0 : sequence + 1
    time = Math.max(time, current)
    if (sequence === DIGITS ** SEQUENCE) {
      time += 1
      sequence = 0
    }
    return time.toString(DIGITS).padStart(TIME, '0') + sequence.toString(DIGITS).padStart(SEQUENCE, '0') + process
  }
}
