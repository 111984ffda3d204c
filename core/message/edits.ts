/** Edits of `+message`, applied: to the header byte by byte, and to the envelope. Pure. */
import type { Edit } from '../plugin/message.ts'
import type { Envelope } from './types.ts'
import type { Piece } from './header.ts'
import { sameName } from './header.ts'
import { bytesOf } from '../../protocol/text.ts'

const LF = 0x0a

/** The envelope with `reversePath` and `recipients` edits applied. Applying it twice changes nothing. */
export function editEnvelope(envelope: Envelope): Envelope {
  let { reversePath, recipients } = envelope
  for (const edit of envelope.edits) {
    if (edit.edit === 'reversePath') reversePath = edit.address
    if (edit.edit === 'recipients') recipients = edit.addresses
  }
  return { ...envelope, reversePath, recipients, ...parametersFor(recipients, envelope) }
}

/** A recipient that is still one keeps what was said of it; a new one has nothing. */
function parametersFor(addresses: readonly string[], { recipients, recipientParameters }: Envelope): Pick<Envelope, 'recipientParameters'> {
  if (recipientParameters === undefined || addresses === recipients) return {}
  return { recipientParameters: addresses.map((address) => recipientParameters[recipients.indexOf(address)] ?? {}) }
}

/** Whether any edit changes the header. */
export function editsHeader(edits: readonly Edit[]): boolean {
  return edits.some((edit) => edit.edit === 'insert' || edit.edit === 'remove' || edit.edit === 'replace')
}

/** What is wrong with an edit, in words for its author, or undefined. An edit with a problem changes nothing. */
export function editProblem(edit: Edit): string | undefined {
  if (edit.edit === 'reversePath' || edit.edit === 'recipients') return undefined
  if (!/^[!-9;-~]+$/.test(edit.name)) return `${JSON.stringify(edit.name)} is not the name of a header field`
  if (edit.edit !== 'insert' && edit.index !== undefined && !(Number.isInteger(edit.index) && edit.index >= 0)) {
    return `${edit.index} is not the number of a field: the first is 0`
  }
  return undefined
}

/**
 * Applies header edits in order. Untouched fields keep every byte. `insert` at the top goes above everything, at the
 * bottom below everything; `remove` and `replace` with an index that is not there do nothing; `replace` without an index leaves
 * exactly one field of that name, where the first was, or at the bottom when there was none.
 */
export function editHeader(pieces: readonly Piece[], edits: readonly Edit[]): readonly Piece[] {
  return edits.reduce((before, edit) => (editProblem(edit) === undefined ? applyEdit(before, edit) : before), pieces)
}

function applyEdit(pieces: readonly Piece[], edit: Edit): readonly Piece[] {
  switch (edit.edit) {
    case 'insert':
      return edit.at === 'top' ? [field(edit.name, edit.value), ...pieces] : append(pieces, field(edit.name, edit.value))
    case 'remove': {
      const chosen = choose(pieces, edit.name, edit.index)
      return pieces.filter((_, position) => !chosen.includes(position))
    }
    case 'replace': {
      const chosen = choose(pieces, edit.name, edit.index)
      const piece = field(edit.name, edit.value)
      if (chosen.length === 0) return edit.index === undefined ? append(pieces, piece) : pieces
      return pieces.flatMap((old, position) => (position === chosen[0] ? [piece] : chosen.includes(position) ? [] : [old]))
    }
    case 'reversePath':
    case 'recipients':
      return pieces
  }
}

/** Positions of all fields of that name, or of the `index`th of them. */
function choose(pieces: readonly Piece[], name: string, index: number | undefined): readonly number[] {
  const all = pieces.flatMap((piece, position) => (sameName(piece.name, name) ? [position] : []))
  return index === undefined ? all : all.slice(index, index + 1)
}

function append(pieces: readonly Piece[], piece: Piece): readonly Piece[] {
  const last = pieces.at(-1)
  if (last === undefined || last.bytes.at(-1) === LF) return [...pieces, piece]
  return [...pieces.slice(0, -1), { ...last, bytes: Buffer.concat([last.bytes, Buffer.of(LF)]) }, piece]
}

/**
 * A field as it will stand in the message. The value is as in HeaderField; without a blank in front it gets one. A line
 * end in it begins a folded line, whatever follows, and empty lines are left out: else a value could smuggle in a field of
 * its own or end the header.
 */
function field(name: string, value: string): Piece {
  const lines = value.replace(/\r\n/g, '\n').replace(/[\r\0]/g, ' ').replace(/\n(?:[ \t]*\n)+/g, '\n').replace(/\n[ \t]*$/, '')
  const folded = lines.replace(/\n(?![ \t])/g, '\n\t')
  const blank = folded === '' || /^[ \t\n]/.test(folded) ? '' : ' '
  return { name, bytes: bytesOf(`${name}:${blank}${folded}\n`) }
}
