import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Edit } from '../plugin/message.ts'
import type { Piece } from './header.ts'
import type { Envelope } from './types.ts'
import { changeRecipients, changeReversePath, insertField, removeField, replaceField } from '../plugin/message.ts'
import { editEnvelope, editHeader } from './edits.ts'
import { fieldsOf, splitHeader } from './header.ts'
import { memorySource } from './source.ts'
import { viewOf } from './view.ts'

async function edited(message: string, ...edits: readonly Edit[]): Promise<string> {
  const view = await viewOf(memorySource(Buffer.from(message)), edits)
  const chunks: Uint8Array[] = []
  for await (const chunk of view.content()) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  assert.equal(view.size, bytes.length)
  assert.deepEqual(await view.header(), fieldsOf(splitHeader(bytes, true).pieces))
  return bytes.toString()
}

const message = 'Received: 1\n by x\nX-Spam:no\nreceived: 2\nSubject: hi\n\nbody\n'

test('insert', async () => {
  assert.equal(await edited(message, insertField('X-A', 'b')), `X-A: b\n${message}`)
  assert.equal(await edited(message, insertField('X-A', ' b\n c', 'bottom')), message.replace('\n\n', '\nX-A: b\n c\n\n'))
  assert.equal(await edited('', insertField('X-A', 'b', 'bottom')), 'X-A: b\n')
  assert.equal(await edited('\nbody', insertField('X-A', 'b', 'bottom')), 'X-A: b\n\nbody')
  assert.equal(await edited('a: no line end', insertField('X-A', 'b', 'bottom')), 'a: no line end\nX-A: b\n')
})

test('remove: all of a name, or one of them', async () => {
  assert.equal(await edited(message, removeField('RECEIVED')), 'X-Spam:no\nSubject: hi\n\nbody\n')
  assert.equal(await edited(message, removeField('received', 1)), 'Received: 1\n by x\nX-Spam:no\nSubject: hi\n\nbody\n')
  assert.equal(await edited(message, removeField('received', 2)), message)
  assert.equal(await edited('To : a\n\n', removeField('To')), '\n')
})

test('replace: one, all by one, or a new one', async () => {
  assert.equal(await edited(message, replaceField('Received', 'z', 1)), message.replace('received: 2', 'Received: z'))
  assert.equal(await edited(message, replaceField('Received', 'z')), 'Received: z\nX-Spam:no\nSubject: hi\n\nbody\n')
  assert.equal(await edited(message, replaceField('X-New', 'z')), message.replace('\n\n', '\nX-New: z\n\n'))
  assert.equal(await edited(message, replaceField('X-New', 'z', 0)), message)
})

test('edits see what earlier ones did', async () => {
  const edits = [insertField('A', '1'), insertField('A', '2'), removeField('a', 1), replaceField('A', '3', 0)]
  assert.equal(await edited('\nb', ...edits), 'A: 3\n\nb')
})

test('a value cannot begin a field of its own nor end the header, and a bad name changes nothing', async () => {
  assert.equal(await edited('\nb', insertField('A', 'x\nB: y\r\n\n\rz\0\n \n')), 'A: x\n\tB: y\n z \n\nb')
  for (const name of ['', 'A B', 'A:', 'A\nB', 'é']) assert.equal(await edited(message, insertField(name, 'x')), message)
  assert.equal(await edited(message, removeField('Received', -1)), message)
  assert.equal(await edited(message, removeField('Received', 0.5)), message)
})

const anyEdit = fc.oneof(
  fc.record({
    edit: fc.constant('insert' as const), name: fc.constantFrom('N', 'M'), value: fc.string(),
    at: fc.constantFrom('top' as const, 'bottom' as const),
  }),
  fc.record({ edit: fc.constant('remove' as const), name: fc.constantFrom('N', 'm') }),
  fc.record({ edit: fc.constant('replace' as const), name: fc.constantFrom('N', 'm'), value: fc.string(), index: fc.nat({ max: 3 }) }),
)
const untouchable = fc.constantFrom('A: b\n', 'B:\n c\n', 'b : \r\n', 'no field\n', 'é: ü\n')

test('property: fields that no edit names keep every byte and their order', () => {
  const anyFields = fc.array(fc.oneof(untouchable, fc.constantFrom('N: 1\n', 'm: 2\n')), { maxLength: 8 })
  fc.assert(fc.property(anyFields, fc.array(anyEdit, { maxLength: 5 }), (fields, edits) => {
    const { pieces } = splitHeader(Buffer.from(fields.join('')), true)
    const keep = (all: readonly Piece[]): string[] =>
      all.map((piece) => Buffer.from(piece.bytes).toString()).filter((line) => !/^[nm]:/i.test(line))
    const after = editHeader(pieces, edits)
    assert.deepEqual(keep(after), keep(pieces))
    assert.ok(after.every((piece) => !/\n[^ \t]|\n[ \t]*\n/.test(Buffer.from(piece.bytes).toString())))
  }))
})

test('the envelope takes the last address and the last recipients, once or twice', () => {
  const envelope: Envelope = {
    reversePath: 'a@b', recipients: ['c@d'], env: {}, sessionId: 's', receivedAt: 0, parameters: {},
    edits: [changeReversePath('x@y'), changeRecipients(['1@z', '2@z']), changeReversePath(''), insertField('A', 'b')],
  }
  const once = editEnvelope(envelope)
  assert.equal(once.reversePath, '')
  assert.deepEqual(once.recipients, ['1@z', '2@z'])
  assert.deepEqual(editEnvelope(once), once)
})

test('recipients that stay keep their parameters', () => {
  const envelope: Envelope = {
    reversePath: '', recipients: ['a@b', 'c@d'], recipientParameters: [{ NOTIFY: 'NEVER' }, { ORCPT: 'rfc822;x' }], env: {}, sessionId: 's', receivedAt: 0,
    parameters: {}, edits: [changeRecipients(['new@d', 'c@d'])],
  }
  const once = editEnvelope(envelope)
  assert.deepEqual(once.recipientParameters, [{}, { ORCPT: 'rfc822;x' }])
  assert.deepEqual(editEnvelope(once), once)
  assert.deepEqual(editEnvelope({ ...envelope, edits: [] }).recipientParameters, envelope.recipientParameters)
})
