/** `helios init`: makes a home, with a domain and a user to try it with. */
import { existsSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { writeHome } from '../../config/init.ts'
import { ConfigError } from '../../config/error.ts'
import { homeOwner } from '../../config/home-owner.ts'
import { isHome } from '../../config/load.ts'
import { checkDomain, generatePassword, HeliosError, type Helios } from '../api/index.ts'
import { DEMO_FILE } from '../server/demo.ts'
import type { Io, Noun } from './command.ts'
import { withAccountsOf } from './home.ts'
import { writeEditorFiles } from './plugin/editor.ts'

export interface InitOptions {
  /** This host's name; the system's when absent. */
  readonly me?: string
  /** Its first domain; `example.test`, which no one on the Internet has, when absent. */
  readonly domain?: string
  /** Login of its first user, `demo` when absent. */
  readonly user?: string
}

export const DEMO_DOMAIN = 'example.test'
const DEMO_USER = 'demo'

export const init: Noun = {
  register(program, io) {
    program.command('init').description('make a home, with a domain and a user to try it with')
      .argument('[dir]', 'the home; else --home, else ./helios-home')
      .option('--me <host>', "this host's name (default: the system's)")
      .option('--domain <domain>', `the first domain to take mail for (default: ${DEMO_DOMAIN}, to try things)`)
      .option('--user <login>', `login of the first user (default: ${DEMO_USER})`)
      .action(async (dir: string | undefined, options: InitOptions) => {
        const home = dir === undefined ? (await io.settings()).home : resolve(io.cwd, dir)
        if (!await initHome(home, options, io)) return
        io.out(`next: helios serve${home === resolve(io.cwd, 'helios-home') ? '' : ` --home ${near(io.cwd, home)}`}`)
      })
  },
}

/**
 * Makes the home and says what was made; of a home that is complete nothing is changed, which is false. The user's password is
 * generated and shown this once. Rejects with HeliosError or ConfigError.
 * @param home absolute path
 */
export async function initHome(home: string, options: InitOptions, io: Pick<Io, 'out' | 'cwd'>): Promise<boolean> {
  const begun = await isHome(home)
  if (begun && existsSync(join(home, 'helios.db'))) {
    io.out(`${home} is a home already: nothing was changed`)
    return false
  }
  refuseHomeOfAnother(home)
  const domain = checkDomain(options.domain ?? DEMO_DOMAIN)
  const { written } = await makeFiles(home, { me: options.me ?? hostName(), domain })
  io.out(begun ? `${home} was a home without accounts; added: ${[...written, 'helios.db'].join(' ')}` : `home made in ${home}`)
  writeEditorFiles(home)
  // Somebody's own control files: no demo domain among them.
  const user = begun && options.domain === undefined ? undefined : `${options.user ?? DEMO_USER}@${domain}`
  await withAccountsOf(home, async (helios) => user === undefined ? undefined : addFirstUser(helios, domain, user, io))
  if (user !== undefined && options.domain === undefined) writeFileSync(join(home, DEMO_FILE), `${user}\n`)
  return true
}

/** Root would write where links of the owner's lead, and leave behind what the owner cannot write. */
function refuseHomeOfAnother(home: string): void {
  const owner = process.geteuid?.() === 0 ? homeOwner(home) : undefined
  if (owner === undefined || owner === 0) return
  throw new HeliosError('home', `${home} belongs to the user with id ${owner}, and root makes no home in it`, {
    fault: 'operator', mend: `run it as that user: runuser -u "$(id -nu ${owner})" -- helios init ${home}`,
  })
}

async function makeFiles(home: string, options: Parameters<typeof writeHome>[1]) {
  try {
    return await writeHome(home, options)
  } catch (error) {
    if (error instanceof ConfigError || !(error instanceof Error)) throw error
    throw new HeliosError('home', `cannot make a home in ${home}: ${error.message}`, {
      fault: 'system', mend: 'name a directory you may write to: helios init DIR', cause: error,
    })
  }
}

async function addFirstUser(helios: Helios, domain: string, address: string, io: Pick<Io, 'out'>): Promise<void> {
  await helios.addDomain(domain, { postmaster: false })
  const password = generatePassword()
  const user = await helios.addUser({ address, password })
  io.out(`user ${user.address}, password ${password} (shown this once; "helios user passwd" changes it)`)
  io.out(`mail for it arrives in ${(await user.info()).home}/Maildir`)
}

/** The system's name where it can stand in a greeting. */
function hostName(): string {
  const name = hostname().toLowerCase()
  return /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name) ? name : 'localhost'
}

function near(cwd: string, path: string): string {
  const way = relative(cwd, path)
  return way === '' ? '.' : way.startsWith('..') ? path : way
}
