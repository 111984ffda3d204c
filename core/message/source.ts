/** Bytes of a message, wherever they are: in memory or at the beginning of a file. */
import type { FileSystem } from './file-system.ts'

export interface Source {
  /** Bytes. */
  readonly size: number
  /** Everything from that byte on. */
  chunks(from: number): AsyncGenerator<Uint8Array>
}

const CHUNK = 128 * 1024

export function memorySource(bytes: Uint8Array): Source {
  return {
    size: bytes.length,
    async *chunks(from) {
      if (from < bytes.length) yield bytes.subarray(from)
    },
  }
}

/** The first `size` bytes of a file. A file that has become shorter makes the iteration throw. */
export function fileSource(fs: FileSystem, path: string, size: number): Source {
  return {
    size,
    async *chunks(from) {
      if (from >= size) return
      const file = await fs.open(path, 'read')
      try {
        for (let at = from; at < size;) {
          const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size - at))
          const got = await file.read(chunk, at)
          if (got < chunk.length) throw new Error(`${path} ends at byte ${at + got}, ${size - at - got} bytes too early`)
          at += got
          yield chunk
        }
      } finally {
        await file.close().catch(() => undefined)
      }
    },
  }
}
