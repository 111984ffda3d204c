/** What goes wrong around sessions, as the log says it. */
import { HeliosError } from '../error.ts'
import type { Logger } from '../log.ts'
import type { Told } from './listeners.ts'

export function complaintsTo(log: Logger): Told {
  return {
    failed: (what, cause) => {
      if (cause instanceof HeliosError) log.error({ code: cause.code }, `${what}: ${cause.message} (${cause.mend})`)
      else log.error({ err: cause }, what)
    },
    unproxied: (via, fault) => log.warn({ via }, `no session: the PROXY header of ${via} cannot be used: ${fault}`),
  }
}
