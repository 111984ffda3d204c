/**
 * Settings are variables of the session environment, because that is where qmail puts them:
 * smtpconfig for everybody, a tcprules line for one network, an `S` of an earlier plugin for one
 * session. A declaration is parser, documentation and check in one.
 */

export type Parsed<T> =
  /** `doubt`: it works, but whoever chose it should know something; `helios check` warns. */
  | { readonly ok: true; readonly value: T; readonly doubt?: { readonly reason: string; readonly mend: string } }
  | { readonly ok: false; readonly reason: string; readonly mend: string }

export interface Setting<T> {
  /** One line: what the value means, with its unit. */
  readonly about: string
  /** The forms it takes, for documentation: `number`, `a zone name …`. */
  readonly form: string
  /** Reads the variable's text. Unset variables are never parsed: the handler sees undefined. */
  parse(text: string): Parsed<T>
}

/** A whole number of things, 0 or more. The empty string is 0, as the plugins of the Helios manual read it. */
export function count(about: string): Setting<number> {
  return {
    about, form: 'a whole number, 0 or more',
    parse: (text) => /^[0-9]{0,15}$/.test(text)
      ? { ok: true, value: Number(text) }
      : { ok: false, reason: `"${text}" is not a whole number`, mend: 'write digits only, such as 10' },
  }
}

/** True for `off`, in any case: how a TCP rule switches off for one network what smtpconfig has set for all, as it cannot unset a variable. */
export function isOff(text: string): boolean {
  return text.toLowerCase() === 'off'
}

/** As another setting, and `off` alone is this value. */
export function orOff<T>(setting: Setting<T>, off: T): Setting<T> {
  return { ...setting, form: `off, or ${setting.form}`, parse: (value) => isOff(value) ? { ok: true, value: off } : setting.parse(value) }
}

/** The most there may be of something: as `count`, and `off` is no limit (Infinity). */
export function limit(about: string): Setting<number> {
  return orOff(count(about), Infinity)
}

/** On when the variable is set, even to the empty string (as `BADHELO`); false for `off`. */
export function flag(about: string): Setting<boolean> {
  return { about, form: 'off | anything else, or nothing: being set is what counts', parse: (text) => ({ ok: true, value: !isOff(text) }) }
}

/** A rung of a ladder whose rungs each include those before: 0 is `off`, and empty is 1, for being set is enough (as `MFDNSCHECK`). */
export function rung(about: string, most: number): Setting<number> {
  return orOff({
    about, form: `a number from 0 to ${most}; empty is 1`,
    parse: (value) => {
      const number = value === '' ? 1 : Number(value)
      return /^[0-9]?$/.test(value) && number <= most
        ? { ok: true, value: number }
        : { ok: false, reason: `"${value}" is no number from 0 to ${most}`, mend: `write 0 (off) to ${most}; 1 is a good start` }
    },
  }, 0)
}

/** Any text. */
export function text(about: string, form = 'text'): Setting<string> {
  return { about, form, parse: (value) => ({ ok: true, value }) }
}

/** One of a few words (no case), or what `other` reads. */
export function oneOf<const W extends string>(about: string, words: readonly W[]): Setting<W> {
  return {
    about, form: words.join(' | '),
    parse: (value) => {
      const word = words.find((known) => known.toLowerCase() === value.toLowerCase())
      return word === undefined
        ? { ok: false, reason: `"${value}" is none of ${words.join(', ')}`, mend: `write one of ${words.join(', ')}` }
        : { ok: true, value: word }
    },
  }
}

export type SettingsShape = Readonly<Record<string, Setting<unknown>>>
export type SettingValues<S extends SettingsShape> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T | undefined : never }
