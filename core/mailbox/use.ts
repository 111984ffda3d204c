/** What a Maildir++ holds: the messages of its folders, and their bytes. For people; a delivery asks the quota file. */
import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface MailboxUse {
  readonly messages: number
  /** Those that no reader has taken out of `new/` yet. */
  readonly unseen: number
  /** Of the message files, as the disk has them. */
  readonly bytes: number
  /** Besides the inbox. */
  readonly folders: number
}

/** Files that are looked at together. */
const TOGETHER = 64

/** Undefined where there is no mailbox. What goes away meanwhile counts as gone; links are not followed. Rejects with the system's error. */
export async function mailboxUse(maildir: string): Promise<MailboxUse | undefined> {
  const entries = await entriesOf(maildir)
  if (entries === undefined) return undefined
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name.startsWith('.')).map(({ name }) => name)
  let [messages, unseen, bytes] = [0, 0, 0]
  for (const folder of ['', ...folders]) {
    for (const part of ['new', 'cur']) {
      const directory = join(maildir, folder, part)
      const files = (await entriesOf(directory) ?? []).filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      messages += files.length
      if (part === 'new') unseen += files.length
      for (let at = 0; at < files.length; at += TOGETHER) {
        const sizes = await Promise.all(files.slice(at, at + TOGETHER).map(({ name }) => sizeOf(join(directory, name))))
        bytes += sizes.reduce((sum, size) => sum + size, 0)
      }
    }
  }
  return { messages, unseen, bytes, folders: folders.length }
}

async function entriesOf(directory: string): Promise<readonly Dirent[] | undefined> {
  try {
    return await readdir(directory, { withFileTypes: true })
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await lstat(path)).size
  } catch (error) {
    if (isGone(error)) return 0
    throw error
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
