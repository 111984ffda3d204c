/** Names and values of a session environment. */

/** `PATH` of every session, and of what it starts. */
export const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A name that `S` can carry and every program can be given: not empty, no `=`, no NUL, CR or LF. */
export function isEnvironmentName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  return /^[^=\x00\r\n]+$/.test(name)
}

/** A value that fits on a line of spp/1 and into a program's environment: no NUL, CR or LF. */
export function isEnvironmentValue(value: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  return !/[\x00\r\n]/.test(value)
}

/**
 * True for variables with which an `S` could choose the code that the next program runs: search path, shell start-up
 * files, loader and interpreter switches. Sandboxes and workers may not set them. Names have case.
 */
export function dangerousName(name: string): boolean {
  return /^(?:(?:PATH|IFS|ENV|BASH_ENV)$|LD_|NODE_|PERL|PYTHON|RUBY|PHP)/.test(name)
}

/**
 * An object that has no names but its own. V8 keeps one whose prototype is null as a hash table, which takes four times as long to copy
 * as one whose prototype has nothing.
 */
const Environment = function () { /* nothing */ } as unknown as new () => Record<string, string>
Environment.prototype = Object.freeze(Object.create(null) as object)

/** A copy that is a session's own, with names that need be no property of any object. */
export function copyOfEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const copy = new Environment()
  for (const name in env) copy[name] = env[name]!
  return copy
}
