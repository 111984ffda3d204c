/** Dot-qmail texts in the database: what stands for the files `.qmail` and `.qmail-EXTENSION` of a user (spec helios 4.2). */
import { parseDotqmail, type Dotqmail } from '../../protocol/qmail/dotqmail.ts'
import { asciiLower } from '../../protocol/text.ts'
import { ConfigError } from '../../config/error.ts'
import { LOGIN_LENGTH } from './accounts.ts'
import { changed, insertNew } from './changes.ts'
import type { Database } from './database.ts'
import { refusal } from './errors.ts'
import { isTrue } from './schema.ts'
import { requireUser } from './users.ts'

export interface DotqmailText {
  /** Empty for the plain address, `lists` for `login-lists@…`, `lists-default` for what begins so, `default` for every other. */
  readonly extension: string
  readonly text: string
}

export interface Dotqmails {
  /** The user's texts are looked at: `use_dotqmail`. */
  readonly used: boolean
  readonly texts: readonly DotqmailText[]
}

export interface SetDotqmail extends DotqmailText {
  readonly user: string
  readonly read: Dotqmail
  /** The user's texts were not looked at before. */
  readonly firstUse: boolean
}

/** Bytes that MySQL's `text` holds. */
const LONGEST = 65_535

/**
 * Puts the text in the place of the one that stands there, and has the user's texts looked at from now on. Throws ConfigError for what the grammar does
 * not have, with lines of `source`; HeliosError `unknown-user`, `bad-extension`, `bad-dotqmail` for no text and one that is too long.
 */
export async function setDotqmail(database: Database, address: string, ext: string, given: string, source: string): Promise<SetDotqmail> {
  const { login, domain } = await requireUser(database, address)
  const extension = checkExtension(ext)
  if (given === '') {
    throw refusal('bad-dotqmail', 'there is no text', 'write "./Maildir/" to deliver as without one, a line "#" to discard, or delete the text with "helios dotqmail del"')
  }
  const text = given.endsWith('\n') ? given : `${given}\n`
  if (Buffer.byteLength(text) > LONGEST) throw refusal('bad-dotqmail', `the text is longer than ${LONGEST} bytes`, 'let a program or an alias do the work')
  const read = parseDotqmail(text)
  const errors = read.problems.filter(({ warning }) => warning !== true)
  if (errors.length > 0) throw new ConfigError(errors.map((problem) => ({ severity: 'error', file: source, ...problem })))
  const added = await insertNew(() => database.write.insertInto('dotqmails').values({ login, virtual_host: domain, extension, dotqmail: text }).execute())
  if (!added) {
    await changed(() => database.write.updateTable('dotqmails').set({ dotqmail: text })
      .where('login', '=', login).where('virtual_host', '=', domain).where('extension', '=', extension).execute())
  }
  const firstUse = !await isUsed(database, login, domain)
  // After the text: a user who is said to have texts and has none loses the mail of every extension.
  if (firstUse) await use(database, login, domain, true)
  return { user: `${login}@${domain}`, extension, text, read, firstUse }
}

/** The texts of a user. Throws HeliosError `unknown-user`. */
export async function listDotqmail(database: Database, address: string): Promise<Dotqmails & { readonly user: string }> {
  const { login, domain } = await requireUser(database, address)
  return { user: `${login}@${domain}`, used: await isUsed(database, login, domain), texts: await textsOf(database, login, domain) }
}

/** One text. Throws HeliosError `unknown-user`, `bad-extension`, `unknown-dotqmail`. */
export async function readDotqmail(database: Database, address: string, ext: string): Promise<DotqmailText & { readonly user: string; readonly used: boolean }> {
  const extension = checkExtension(ext)
  const { user, used, texts } = await listDotqmail(database, address)
  const found = texts.find((each) => asciiLower(each.extension) === extension)
  if (found === undefined) throw unknown(user, extension)
  return { user, used, ...found }
}

/** Takes one text away; with the last one the user's texts are no longer looked at, which is `lastUse`. Throws as `readDotqmail`. */
export async function deleteDotqmail(database: Database, address: string, ext: string): Promise<DotqmailText & { readonly user: string; readonly lastUse: boolean }> {
  const { user, extension, text, used } = await readDotqmail(database, address, ext)
  const { login, domain } = await requireUser(database, address)
  const lastUse = used && (await textsOf(database, login, domain)).length === 1
  if (lastUse) await use(database, login, domain, false)
  await changed(() => database.write.deleteFrom('dotqmails').where('login', '=', login).where('virtual_host', '=', domain).where('extension', '=', extension).execute())
  return { user, extension, text, lastUse }
}

async function textsOf(database: Database, login: string, domain: string): Promise<readonly DotqmailText[]> {
  const rows = await changed(() => database.write.selectFrom('dotqmails').select(['extension', 'dotqmail'])
    .where('login', '=', login).where('virtual_host', '=', domain).orderBy('extension').execute())
  return rows.map(({ extension, dotqmail }) => ({ extension, text: dotqmail }))
}

async function isUsed(database: Database, login: string, domain: string): Promise<boolean> {
  const row = await database.write.selectFrom('passwd').select('use_dotqmail').where('login', '=', login).where('virtual_host', '=', domain).executeTakeFirst()
  return isTrue(row?.use_dotqmail)
}

async function use(database: Database, login: string, domain: string, used: boolean): Promise<void> {
  await changed(() => database.write.updateTable('passwd').set({ use_dotqmail: used ? 1 : 0 }).where('login', '=', login).where('virtual_host', '=', domain).execute())
}

/** In lower case, as it is looked up. */
function checkExtension(text: string): string {
  // What stands between login and domain of an address, dots included.
  if (/^[\x21-\x7e]*$/.test(text) && !/[/@]/.test(text) && text.length <= LOGIN_LENGTH) return asciiLower(text)
  throw refusal('bad-extension', `"${text}" cannot be an extension`, `write what stands after the login and "-", such as lists, lists-default or default, of at most ${LOGIN_LENGTH} characters`)
}

function unknown(user: string, extension: string): Error {
  return refusal('unknown-dotqmail', `${user} has no dot-qmail text ${extension === '' ? 'for the address itself' : `for ${extension}`}`, `"helios dotqmail list ${user}" shows what there is`)
}
