/** Content with header edits applied, readable as often as needed. */
import type { Edit, HeaderField } from '../plugin/message.ts'
import type { Source } from './source.ts'
import { editHeader, editsHeader } from './edits.ts'
import { fieldsOf, readHeader, splitHeader } from './header.ts'

export interface View {
  /** Bytes, edits included. */
  readonly size: number
  header(): Promise<readonly HeaderField[]>
  content(): AsyncGenerator<Uint8Array>
}

/** The content of a source as its edits make it. Reads the header only when there is something to edit; rejects as the source does. */
export async function viewOf(source: Source, edits: readonly Edit[]): Promise<View> {
  return editsHeader(edits) ? editedView(source, edits) : plainView(source)
}

/** The content of a source as it is. */
export function plainView(source: Source): View {
  return {
    size: source.size,
    header: async () => fieldsOf((await readHeader(source)).pieces),
    content: () => source.chunks(0),
  }
}

async function editedView(source: Source, edits: readonly Edit[]): Promise<View> {
  const { pieces, length } = await readHeader(source)
  const header = Buffer.concat(editHeader(pieces, edits).map((piece) => piece.bytes))
  return {
    size: header.length + source.size - length,
    header: async () => fieldsOf(splitHeader(header, true).pieces),
    async *content() {
      if (header.length > 0) yield header
      yield* source.chunks(length)
    },
  }
}
