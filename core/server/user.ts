/** From root to the user of the settings, once the sockets are bound. */
import { readFileSync } from 'node:fs'
import { HeliosError } from '../error.ts'

/** Becomes `user` with its groups when this process is root; does nothing otherwise. Throws HeliosError `user`. */
export function becomeUser(user: string | undefined): void {
  if (user === undefined || process.getuid?.() !== 0) return
  const entry = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':')).find(([name]) => name === user)
  const [uid, gid] = [Number(entry?.[2]), Number(entry?.[3])]
  if (entry === undefined || !Number.isInteger(uid) || !Number.isInteger(gid)) {
    throw new HeliosError('user', `there is no user ${user} in /etc/passwd`, { fault: 'operator', mend: 'create it, or correct "user" in the settings' })
  }
  // Node has it, its types do not.
  ;(process as unknown as { initgroups(user: string, group: number): void }).initgroups(user, gid)
  process.setgid!(gid)
  process.setuid!(uid)
}
