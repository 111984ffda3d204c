/** Whom a server that root starts is to become, as an operator wrote it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../../config/settings.ts'
import { parseQmailConfig } from '../../protocol/qmail/qmailconfig.ts'
import { textOf } from '../../protocol/text.ts'
import { asOwner } from '../accounts/ownership.ts'
import { HeliosError } from '../error.ts'

export interface WantedUser {
  /** A name; undefined: whoever starts the server. */
  readonly user: string | undefined
  /** The user's own group when undefined. */
  readonly group: string | undefined
  /** Where the user was named. */
  readonly file: string | undefined
}

/** Whom a server that root starts is to become: the settings' `user`, else `default_user`. Throws HeliosError `user` where that cannot be read. */
export function wantedUser({ home, user, file }: Pick<Settings, 'home' | 'user' | 'file'>): WantedUser {
  const { name, content } = readAccountsFile(home)
  const { defaultUser, defaultGroup } = parseQmailConfig(content).config
  if (user === undefined) return { user: defaultUser, group: defaultGroup, file: name }
  return { user, group: user === defaultUser ? defaultGroup : undefined, file }
}

/** control/qmailconfig, or the file of its old name. Read with the rights of who owns the home: a link in it leads root nowhere. */
function readAccountsFile(home: string): { readonly name: string; readonly content: string | undefined } {
  return asOwner(home, () => {
    for (const name of ['control/qmailconfig', 'control/sqlserver']) {
      const content = readIfThere(join(home, name))
      if (content !== undefined) return { name, content }
    }
    return { name: 'control/qmailconfig', content: undefined }
  })
}

function readIfThere(path: string): string | undefined {
  try {
    return textOf(readFileSync(path))
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new HeliosError('user', `cannot read ${path}, which may name the user to become: ${message}`, {
      fault: 'operator', mend: 'let the owner of the home read it', cause,
    })
  }
}
