/**
 * From root to the user of the settings, or to `default_user` of control/qmailconfig: all mailboxes are one user's, and the server is that one
 * (spec helios 2, single-uid delivery). Root binds the ports and does nothing else: whatever is opened or made in the home is
 * opened as the user who owns it, so that no link planted there leads root anywhere. That owner is the only one a server of this
 * home may become: who can edit its settings gains nobody's rights by that.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { homeOwner, notOwnedBy } from '../../config/home-owner.ts'
import type { Settings } from '../../config/settings.ts'
import { withRightsOf } from '../accounts/ownership.ts'
import { HeliosError } from '../error.ts'
import { codeRoot, moduleFile } from '../paths.ts'
import { wantedUser } from './wanted-user.ts'

export interface ServerUser {
  /** Does this with the user's rights and comes back. What it does must not wait. */
  as<T>(work: () => T): T
  /** For good, with the user's groups and no way back. Throws HeliosError `installation`. */
  become(): void
}

/** Nobody else than who started the server. */
const NOBODY_ELSE: ServerUser = { as: (work) => work(), become: () => {} }

/** Whom this server becomes. Throws HeliosError `user` or `home-owner`, before anything was done. */
export function serverUser(settings: Pick<Settings, 'home' | 'user' | 'file'>): ServerUser {
  if (process.getuid?.() !== 0) return staying(settings.user)
  const { home } = settings
  const { user, group, file } = wantedUser(settings)
  const own = user === undefined ? undefined : lookUp(user, file)
  const identity = own === undefined || group === undefined ? own : withGroup(own, group, file)
  const owner = homeOwner(home)
  if (identity === undefined || identity.uid === 0) {
    if (owner === undefined || owner === 0) return NOBODY_ELSE
    throw new HeliosError('user', `${home} belongs to ${nameOf(owner)}, and root would run its plugins`, {
      fault: 'operator', mend: `write "user": "${nameOf(owner)}" into the settings, or give the home to root: chown -R root ${home}`,
    })
  }
  const foreign = notOwnedBy(home, identity.uid)
  if (foreign.length > 0) {
    throw new HeliosError('home-owner', `the server becomes ${identity.name}, who does not own ${foreign.map((name) => (name === '.' ? home : name)).join(' ')}`, {
      fault: 'operator', mend: `chown -R ${identity.name}:${group ?? ''} ${home}`,
    })
  }
  return rootBecoming(identity)
}

/**
 * For a command that runs what stands in a home, such as its plugins: root becomes who owns the home, for good, as the server would; anybody else
 * stays. Throws HeliosError `installation`, or `home-owner` where that one does not get to the home.
 */
export function becomeOwner(home: string): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(home)
  if (uid === 0) return
  const name = nameOf(uid)
  if (name === String(uid)) becomeNameless(uid, gid)
  else rootBecoming(lookUp(name, undefined)).become()
  try {
    accessSync(home, constants.R_OK | constants.X_OK)
  } catch (cause) {
    throw new HeliosError('home-owner', `${home} belongs to ${name}, who does not get to it`, {
      fault: 'operator', mend: `let ${name} through each directory above it (chmod o+x), and look at its own mode`, cause,
    })
  }
}

function becomeNameless(uid: number, gid: number): void {
  process.setgroups!([])
  process.setgid!(gid)
  process.setuid!(uid)
  requireReadable(String(uid))
}

/** The user with another of its groups. One it is not in would be a gift to whoever can edit the file. */
function withGroup(user: Identity, group: string, file: string | undefined): Identity {
  const gid = groupId(group, file)
  const before = process.getgroups!()
  try {
    initgroups(user.name, user.gid)
    if (gid === user.gid || process.getgroups!().includes(gid)) return { ...user, gid }
  } finally {
    process.setgroups!(before)
  }
  throw new HeliosError('user', `${user.name} is not in the group ${group}`, {
    fault: 'operator', mend: `usermod -aG ${group} ${user.name}, or correct default_group in ${file ?? 'control/qmailconfig'}`,
  })
}

/** Asks the system, as for users. */
function groupId(name: string, file: string | undefined): number {
  const before = process.getegid!()
  try {
    process.setegid!(name)
    return process.getegid!()
  } catch (cause) {
    throw new HeliosError('user', `there is no group ${name} on this machine`, {
      fault: 'operator', mend: `create it, or correct default_group in ${file ?? 'control/qmailconfig'}`, cause,
    })
  } finally {
    process.setegid!(before)
  }
}

/** Node has it, its types do not. */
function initgroups(user: string, group: number): void {
  (process as unknown as { initgroups(user: string, group: number): void }).initgroups(user, group)
}

interface Identity {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Asks the system and not /etc/passwd, which is not where every user stands. */
function lookUp(name: string, file: string | undefined): Identity {
  try {
    process.seteuid!(name)
  } catch (cause) {
    throw new HeliosError('user', `there is no user ${name} on this machine`, {
      fault: 'operator', mend: `create it, or correct its name in ${file ?? 'the settings'}`, cause,
    })
  }
  try {
    const { uid, gid } = userInfo()
    return { name, uid, gid }
  } finally {
    process.seteuid!(0)
  }
}

function rootBecoming({ name, uid, gid }: Identity): ServerUser {
  return {
    as: (work) => withRightsOf({ uid, gid, takeGroups: () => initgroups(name, gid) }, work),
    become() {
      initgroups(name, gid)
      process.setgid!(gid)
      process.setuid!(uid)
      // What libraries look at to find files of the user's.
      Object.assign(process.env, { HOME: userInfo().homedir, USER: name, LOGNAME: name })
      requireReadable(name)
    },
  }
}

function staying(user: string | undefined): ServerUser {
  const uid = process.geteuid?.()
  if (user === undefined || uid === undefined || nameOf(uid) === user) return NOBODY_ELSE
  throw new HeliosError('user', `the settings say "user": "${user}", and this is ${nameOf(uid)}, who cannot become another`, {
    fault: 'operator', mend: `start the server as root or as ${user}, or take "user" out of the settings`,
  })
}

/** The server's parts are started from the installation, now as this user. */
function requireReadable(name: string): void {
  try {
    accessSync(process.execPath, constants.X_OK)
    accessSync(moduleFile('core/host/children/broker-child'), constants.R_OK)
  } catch (cause) {
    throw new HeliosError('installation', `${name} may not read ${codeRoot} or run ${process.execPath}`, {
      fault: 'operator', mend: 'install both where everybody may read them, such as /opt, and not below a home directory', cause,
    })
  }
}

function nameOf(uid: number): string {
  if (uid === process.geteuid?.()) {
    try {
      return userInfo().username
    } catch {
      return String(uid)
    }
  }
  // As root the system tells; nobody else asks for another.
  process.seteuid!(uid)
  try {
    return userInfo().username
  } catch {
    return String(uid)
  } finally {
    process.seteuid!(0)
  }
}
