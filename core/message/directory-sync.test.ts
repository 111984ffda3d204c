import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FileSystem } from './file-system.ts'
import { DirectorySync } from './directory-sync.ts'
import { nodeFileSystem } from './file-system.ts'

/** A file system whose syncs end when the test says so. */
function slowSyncs() {
  const running: { readonly path: string; readonly end: (error?: Error) => void }[] = []
  const fs: FileSystem = {
    ...nodeFileSystem,
    open: async (path) => ({
      read: () => Promise.reject(new Error('not here')), write: () => Promise.reject(new Error('not here')),
      size: async () => 0, close: async () => undefined,
      sync: () => new Promise((resolve, reject) => {
        running.push({ path, end: (error) => (error === undefined ? resolve() : reject(error)) })
      }),
    }),
  }
  return { fs, running }
}

const settle = (): Promise<void> => new Promise((resolve) => {
  setImmediate(resolve)
})

test('callers during a sync share the next one, which begins after their call', async () => {
  const { fs, running } = slowSyncs()
  const directories = new DirectorySync(fs)
  const ended: number[] = []
  const calls = [0, 1, 2, 3].map(async (caller) => {
    if (caller > 0) await settle()
    await directories.sync('/d')
    ended.push(caller)
  })
  await settle()
  await settle()
  assert.equal(running.length, 1)
  running[0]!.end()
  await settle()
  assert.deepEqual(ended, [0])
  assert.equal(running.length, 2)
  running[1]!.end()
  await Promise.all(calls)
  assert.deepEqual(ended, [0, 1, 2, 3])
  assert.equal(running.length, 2)
})

test('a failed sync fails all who shared it and nobody else', async () => {
  const { fs, running } = slowSyncs()
  const directories = new DirectorySync(fs)
  const first = directories.sync('/d')
  await settle()
  const second = directories.sync('/d')
  const third = directories.sync('/d')
  const outcomes = Promise.allSettled([first, second, third, directories.sync('/other')])
  await settle()
  running.find((sync) => sync.path === '/other')!.end()
  running[0]!.end(new Error('EIO'))
  await settle()
  running.at(-1)!.end()
  assert.deepEqual((await outcomes).map((outcome) => outcome.status), ['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
  const later = directories.sync('/d')
  await settle()
  running.at(-1)!.end()
  await later
})
