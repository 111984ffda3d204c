/** A name server that misbehaves as a test likes, on UDP only. */
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { after } from 'node:test'

/**
 * What becomes of a question. `truncated`: a reply that says "ask over TCP", where nobody listens. `stray`: the right
 * answer, with another question's number. `{ a }`: these addresses.
 */
export type Oddity = 'silent' | 'servfail' | 'refused' | 'nxdomain' | 'truncated' | 'garbage' | 'stray' | { readonly a: readonly string[]; readonly ttl?: number }

export interface OddNameServer {
  /** `127.0.0.1:PORT`, as the setting `dns.servers` takes it. */
  readonly address: string
  /** Questions so far, as `A name`, repeated ones too. */
  readonly asked: readonly string[]
  /** Holds replies back until they are let go. */
  hold(): () => void
}

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 2: 'NS', 5: 'CNAME', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA' }
const CODES = { servfail: 2, nxdomain: 3, refused: 5, truncated: 0, stray: 0 } as const
const HEADER = 12

/** Answers each question as `behave` says of its name; it is closed after the tests of the file. */
export async function startOddNameServer(behave: (name: string, type: string) => Oddity): Promise<OddNameServer> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  after(() => { socket.close() })
  const asked: string[] = []
  let held: (() => void)[] | undefined
  socket.on('message', (question: Buffer, from: RemoteInfo) => {
    const { name, type, end } = readQuestion(question)
    asked.push(`${type} ${name}`)
    const reply = replyTo(question, end, behave(name, type))
    if (reply === undefined) return
    const send = (): void => socket.send(reply, from.port, from.address)
    if (held === undefined) send()
    else held.push(send)
  })
  return {
    address: `127.0.0.1:${socket.address().port}`, asked,
    hold: () => {
      held = []
      return () => {
        for (const send of held ?? []) send()
        held = undefined
      }
    },
  }
}

function readQuestion(message: Buffer): { readonly name: string; readonly type: string; readonly end: number } {
  const labels: string[] = []
  let at = HEADER
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length).toLowerCase())
    at += 1 + length
  }
  return { name: labels.join('.'), type: TYPES[message.readUInt16BE(at + 1)] ?? 'other', end: at + 5 }
}

function replyTo(question: Buffer, end: number, oddity: Oddity): Buffer | undefined {
  if (oddity === 'silent') return undefined
  if (oddity === 'garbage') return Buffer.concat([question.subarray(0, 2), Buffer.from('no reply at all')])
  const addresses = typeof oddity === 'object' ? oddity.a : []
  const header = Buffer.alloc(HEADER)
  header.writeUInt16BE(oddity === 'stray' ? question.readUInt16BE(0) ^ 1 : question.readUInt16BE(0), 0)
  // Response, recursion desired and available; TC is 0x200 (RFC 1035 section 4.1.1).
  const code = typeof oddity === 'object' ? 0 : CODES[oddity]
  header.writeUInt16BE(0x8180 | (oddity === 'truncated' ? 0x200 : 0) | code, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(addresses.length, 6)
  const ttl = typeof oddity === 'object' ? oddity.ttl ?? 60 : 0
  return Buffer.concat([header, question.subarray(HEADER, end), ...addresses.map((address) => addressRecord(address, ttl))])
}

function addressRecord(address: string, ttl: number): Buffer {
  const record = Buffer.alloc(16)
  // The question's name, type A, class IN.
  record.writeUInt16BE(0xc000 | HEADER, 0)
  record.writeUInt16BE(1, 2)
  record.writeUInt16BE(1, 4)
  record.writeUInt32BE(ttl, 6)
  record.writeUInt16BE(4, 10)
  for (const [index, byte] of address.split('.').entries()) record[12 + index] = Number(byte)
  return record
}
