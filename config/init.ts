/** Makes a home: its directories, commented control files, example plugins and settings. Never overwrites anything. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { link, mkdir, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { selfSignedCertificate } from '../protocol/x509/self-signed.ts'
import { ConfigError } from './error.ts'
import { DEFAULTS, SETTINGS_FILES } from './schema.ts'

export interface HomeOptions {
  /** This host's name. */
  readonly me: string
  /** The first domain to take mail for; may be the same name. */
  readonly domain: string
}

/** What was done, as paths relative to the home. */
export interface HomeFiles {
  readonly written: readonly string[]
  /** Files that were there already and stay as they were. */
  readonly kept: readonly string[]
}

/** Ten years: nobody checks it, and nobody should have to think of it. */
const CERTIFICATE_DAYS = 3650
const DAY = 24 * 60 * 60 * 1000
const DIRECTORIES = ['control', 'plugins', 'queue', 'mail', 'trace']
/** Files that hold a key, or are going to hold passwords. */
const SECRETS: readonly string[] = ['qmailconfig', 'key.pem']
const DEFAULT_FILES = fileURLToPath(new URL('defaults/', import.meta.url))

/**
 * Makes what is missing of a home. Directories it makes are for their owner only: mail passes through them.
 * @param home absolute path
 * Rejects with ConfigError for a name that is none, and with the system's error where nothing can be written.
 */
export async function writeHome(home: string, options: HomeOptions): Promise<HomeFiles> {
  checkName('me', options.me)
  checkName('domain', options.domain)
  await mkdir(home, { recursive: true, mode: 0o700 })
  for (const directory of DIRECTORIES) await mkdir(join(home, directory), { recursive: true, mode: 0o700 })
  const written: string[] = []
  const kept: string[] = []
  // First, so that the control file that names them never stands without them; not where its operator has certificates already.
  if (await isThere(join(home, 'tls')) || !await isThere(join(home, 'control', 'smtpconfig-stunnel'))) {
    for (const [name, made] of await writeCertificate(join(home, 'tls'), options.me)) (made ? written : kept).push(join('tls', name))
  }
  for (const directory of ['control', 'plugins']) {
    for (const name of (await readdir(join(DEFAULT_FILES, directory))).toSorted()) {
      const text = fill(await readFile(join(DEFAULT_FILES, directory, name), 'utf8'), options)
      const path = join(directory, name)
      ;(await writeNew(join(home, directory), name, text) ? written : kept).push(path)
    }
  }
  const present = new Set(await readdir(home))
  const settings = SETTINGS_FILES.find((name) => present.has(name))
  if (settings !== undefined) return { written, kept: [...kept, settings] }
  await writeNew(home, SETTINGS_FILES[0]!, settingsText())
  return { written: [...written, SETTINGS_FILES[0]!], kept }
}

/** Writes a file that is not there yet; false when it is. Whole or not at all, so that what is kept later is never a torn half. */
async function writeNew(directory: string, name: string, text: string): Promise<boolean> {
  const draft = join(directory, `.${name}.${process.pid}`)
  // Never through a link that stands in its place.
  await rm(draft, { force: true })
  await writeFile(draft, text, { flag: 'wx', mode: text.startsWith('#!') ? 0o755 : SECRETS.includes(name) ? 0o600 : 0o644 })
  try {
    await link(draft, join(directory, name))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await unlink(draft)
  }
}

/** A key and a certificate of this host's own, so that mail to it can be encrypted from the first day. True for what was made. */
async function writeCertificate(directory: string, me: string): Promise<readonly (readonly [name: string, made: boolean])[]> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const fresh = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const madeKey = await writeNew(directory, 'key.pem', String(fresh.export({ type: 'pkcs8', format: 'pem' })))
  if (await isThere(join(directory, 'cert.pem'))) return [['key.pem', madeKey], ['cert.pem', false]]
  const privateKey = madeKey ? fresh : createPrivateKey(await readFile(join(directory, 'key.pem')))
  const now = Date.now()
  const certificate = selfSignedCertificate({
    names: [me.toLowerCase()], privateKey, publicKey: createPublicKey(privateKey), serial: randomBytes(16),
    // Clocks differ.
    from: new Date(now - DAY), to: new Date(now + CERTIFICATE_DAYS * DAY),
  })
  return [['key.pem', madeKey], ['cert.pem', await writeNew(directory, 'cert.pem', certificate)]]
}

const isThere = (path: string): Promise<boolean> => stat(path).then(() => true, () => false)

function fill(text: string, { me, domain }: HomeOptions): string {
  const hosts = me.toLowerCase() === domain.toLowerCase() ? me : `${me}\n${domain}`
  return text.replaceAll('{{me}}', me).replaceAll('{{hosts}}', hosts)
}

function settingsText(): string {
  const listeners = DEFAULTS.listeners.map(({ service, host, port, compat }) => ({ service, host, port, compat, tls: 'starttls' }))
  return `${JSON.stringify({ listeners, log: DEFAULTS.log }, undefined, 2)}\n`
}

const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/

function checkName(what: 'me' | 'domain', name: string): void {
  if (HOST_NAME.test(name)) return
  throw new ConfigError([{
    severity: 'error', file: what === 'me' ? 'control/me' : 'control/rcpthosts',
    reason: `${JSON.stringify(name)} is not a host or domain name`,
    mend: 'write letters, digits, "-" and dots, such as mail.example.org; names with other letters in their xn-- form',
  }])
}
