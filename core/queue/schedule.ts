/** When a message is tried again: qmail's quadratic back-off (qmail-control 11.1). Pure. */

/** The `k` of local deliveries. */
export const LOCAL = 10

/** Seconds a message may stay: control/queuelifetime's default. */
export const LIFETIME_SECONDS = 604_800

/** Ends the report of a recipient that was tried long enough. */
export const TOO_LONG = "I'm not going to try again; this message has been in the queue too long."

/**
 * The attempt after one begun at `now`: birth + (floor(sqrt(age)) + k) squared, in seconds; so a local message is
 * tried at 0, 100, 400, 900 … seconds. Times in milliseconds since 1970; a birth in the future counts as now.
 */
export function nextAttempt(birth: number, now: number, k: number): number {
  const age = Math.max(0, Math.floor((now - birth) / 1000))
  return Math.min(birth, now) + (Math.floor(Math.sqrt(age)) + k) ** 2 * 1000
}

/** Whether an attempt at `now` is the last: the message is older than it may become. */
export function isLastAttempt(birth: number, now: number, lifetimeSeconds: number): boolean {
  return now - birth > lifetimeSeconds * 1000
}
