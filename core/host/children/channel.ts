/**
 * JSON lines of bounded length over a pipe of our own. Node's own IPC is not used: what is inherited there, and
 * what its parser does with a child's bytes, is not ours to bound.
 */
import type { Duplex } from 'node:stream'

export interface Channel<Out> {
  /** Hands one value over; values of one turn of the event loop leave in one write. */
  send(value: Out): void
  /** As `send`, and writes at once. */
  sendNow(value: Out): void
  close(): void
}

/** What a channel's owner is told; `closed` comes exactly once and last. */
export interface ChannelEvents<In> {
  received(value: In): void
  /** @param reason undefined when the other side simply ended */
  closed(reason: string | undefined): void
}

const LF = 0x0a

/** @param maxLine bytes of one received line; a longer one closes the channel */
export function openChannel<In, Out>(socket: Duplex, maxLine: number, events: ChannelEvents<In>): Channel<Out> {
  let waiting = ''
  let partial: Buffer[] = []
  let partialLength = 0
  let open = true

  socket.on('data', read)
  socket.on('error', (error) => end(error.message))
  socket.on('end', () => end(undefined))
  socket.on('close', () => end(undefined))

  function end(reason: string | undefined): void {
    if (!open) return
    open = false
    socket.destroy()
    events.closed(reason)
  }

  function read(chunk: Buffer): void {
    let start = 0
    for (let at = chunk.indexOf(LF); at !== -1 && open; at = chunk.indexOf(LF, start)) {
      const piece = chunk.subarray(start, at)
      start = at + 1
      take(partialLength === 0 ? piece : Buffer.concat([...partial, piece]))
      partial = []
      partialLength = 0
    }
    if (start < chunk.length) {
      partial.push(chunk.subarray(start))
      partialLength += chunk.length - start
      if (partialLength > maxLine) end(`a line of more than ${maxLine} bytes`)
    }
  }

  function take(line: Buffer): void {
    let value: In
    try {
      value = JSON.parse(line.toString('utf8')) as In
    } catch {
      return end(`not JSON: ${line.toString('latin1', 0, 80)}`)
    }
    events.received(value)
  }

  function flush(): void {
    const text = waiting
    waiting = ''
    if (open && text !== '') socket.write(text)
  }

  return {
    send(value) {
      if (waiting === '') setImmediate(flush)
      waiting += `${JSON.stringify(value)}\n`
    },
    sendNow(value) {
      waiting += `${JSON.stringify(value)}\n`
      flush()
    },
    close: () => end(undefined),
  }
}
