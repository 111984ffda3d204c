/**
 * Verbs that a bundled plugin adds to the `helios` command: declared in the `cli.ts` of its folder.
 *
 * @example
 * // plugins/colours/cli.ts
 * export const verbs: Verbs = {
 *   noun: 'colours', about: 'show the colour of each user',
 *   verbs: [{
 *     name: 'list', about: 'show all of them',
 *     run: async ({ tables, out }) => {
 *       for (const { login, colour } of await tables.find(COLOURS, {})) out(`${login} ${colour}`)
 *     },
 *   }],
 * }
 */
import type { TableEditor } from './table.ts'
import type { AccountFacts } from './world.ts'

export interface Verbs {
  /** The first word after `helios`. */
  readonly noun: string
  readonly about: string
  readonly verbs: readonly Verb[]
  /** What the command was called in Helios 0.9.0; installed under this name, too. */
  readonly formerName?: string
  /** What the plugin has to say of an account, `login@domain`, when an operator asks for everything known of it. Nothing where it says nothing. */
  account?(account: string, context: Pick<VerbContext, 'tables' | 'accounts' | 'control'>): Promise<AccountPart | undefined>
}

/** A part of what is known of an account. */
export interface AccountPart {
  /** For people, without the plugin's name. */
  readonly lines: readonly string[]
  /** The same for programs: what JSON holds. */
  readonly json: unknown
}

export interface Verb {
  readonly name: string
  readonly about: string
  readonly arguments?: readonly VerbArgument[]
  /** Options without a value, by their name without `--`, with what they mean. */
  readonly flags?: Readonly<Record<string, string>>
  /** Help that stands after the options. */
  readonly more?: string
  /** Resolves with the exit status, 0 where it says nothing. Rejects with `VerbRefusal` for what the operator can mend. */
  run(context: VerbContext): Promise<number | void>
}

export interface VerbArgument {
  readonly name: string
  readonly about: string
  readonly optional?: boolean
  /** Takes all that follow; only the last argument may. */
  readonly rest?: boolean
}

export interface VerbContext {
  /** What was given for each argument, in order; those of a `rest` argument one by one. */
  readonly arguments: readonly string[]
  /** The flags that were given. */
  readonly flags: ReadonlySet<string>
  /** The plugin's tables, made where they were missing. */
  readonly tables: TableEditor
  readonly accounts: AccountFacts
  readonly keys: KeyTools
  /** Text of a control file; undefined when there is none. */
  control(name: string): string | undefined
  /** Standard input to its end, as text. */
  input(): Promise<string>
  out(line: string): void
  err(line: string): void
}

export type KeyKind = 'rsa' | 'ed25519'

export interface KeyDescription {
  readonly kind: KeyKind
  /** The private key in PKCS #8, as PEM. */
  readonly pem: string
  /** The public key as SubjectPublicKeyInfo (RFC 5280 section 4.1), base64. */
  readonly publicKey: string
}

/** Keys for signatures: made and read by verbs only. A hook makes none. */
export interface KeyTools {
  /** A new private key, PKCS #8 as PEM; RSA of 2048 bits. */
  make(kind: KeyKind): Promise<string>
  /** What a private key is; undefined when it is none of a known kind, is locked, or is RSA of less than 1024 bits (RFC 8301 section 3.2). */
  describe(pem: string): KeyDescription | undefined
}

/** A verb that was not done: what is wrong, and what to do. */
export class VerbRefusal extends Error {
  override readonly name = 'VerbRefusal'
  readonly mend: string
  constructor(message: string, mend: string) {
    super(message)
    this.mend = mend
  }
}
