/** What a package pipes a stream into: the part of Node's `Writable` that is used. */
export interface Sink {
  write(chunk: Uint8Array): boolean
  end(): unknown
  once(event: 'drain' | 'close' | 'error', listener: () => void): unknown
}

/** What packages that read messages ask of a stream: the part of Node's `Readable` that they use. */
export interface Pipeable {
  pipe(sink: Sink): void
  on(event: 'error', listener: (reason: unknown) => void): void
}

/**
 * A message in queue form as it goes over the wire, each LF a CRLF, for packages that take a stream, such as mailauth. Read
 * once, with no more in memory than the sink wants; a failure to read is reported to `error` listeners.
 */
export function wireStream(content: AsyncIterable<Uint8Array>): Pipeable {
  const listeners: ((reason: unknown) => void)[] = []

  async function pump(sink: Sink): Promise<void> {
    let gone = false
    let goOn = (): void => undefined
    for (const event of ['close', 'error'] as const) {
      sink.once(event, () => {
        gone = true
        goOn()
      })
    }
    for await (const chunk of content) {
      if (gone) return
      if (sink.write(withCrLf(chunk))) continue
      await new Promise<void>((resolve) => {
        goOn = resolve
        sink.once('drain', resolve)
      })
    }
    if (!gone) sink.end()
  }

  return {
    on: (_event, listener) => void listeners.push(listener),
    pipe: (sink) => void pump(sink).catch((reason: unknown) => listeners.forEach((listener) => listener(reason))),
  }
}

function withCrLf(chunk: Uint8Array): Buffer {
  const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
  return Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1')
}
