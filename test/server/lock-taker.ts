/** Takes the lock of a home at the moment it is told, says how that went, and lets go when it is told again. */
import { HeliosError } from '../../core/error.ts'
import { lockHome, type HomeLock } from '../../core/server/lock.ts'

const [home = ''] = process.argv.slice(2)
let lock: HomeLock | undefined

process.on('message', ({ at }: { readonly at?: number }) => {
  if (at === undefined) {
    lock?.release()
    lock = undefined
    process.send!('let go')
    return
  }
  while (Date.now() < at);
  try {
    lock = lockHome(home)
    process.send!('has it')
  } catch (error) {
    process.send!(error instanceof HeliosError ? error.code : String(error))
  }
})
process.send!('ready')
