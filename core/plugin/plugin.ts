/**
 * A plugin: a named thing with handlers for some hooks.
 *
 * @example
 * export default definePlugin({
 *   name: 'maxrcpts',
 *   summary: 'Limits the recipients of one message.',
 *   settings: { MAXRECIPIENTS: count('recipients one message may have') },
 *   rcpt: ({ session, settings }) =>
 *     session.recipients.length >= (settings.MAXRECIPIENTS ?? Infinity)
 *       ? error('550 sorry, too many recipients (#5.7.1)')
 *       : undefined,
 * })
 */
import type { Command } from '../../protocol/spp/command.ts'
import type { ControlShape, ControlValues } from './control.ts'
import type { Edit, Message } from './message.ts'
import type { SettingsShape, SettingValues } from './settings.ts'
import type { Table } from './table.ts'
import type { Effect, World } from './world.ts'

/** The moments at which plugins are asked. `message` and `deliver` are written `[+message]` and `[+deliver]` in the list. */
export type Hook = 'connection' | 'helo' | 'auth' | 'mail' | 'rcpt' | 'pass' | 'data' | 'message' | 'deliver'
export const HOOKS: readonly Hook[] = ['connection', 'helo', 'auth', 'mail', 'rcpt', 'pass', 'data', 'message', 'deliver']

/** One SMTP connection as a handler may see it. Read-only. Bytes that are not UTF-8 stand as lone surrogates, in every text. */
export interface Session {
  /** The id in logs and traces. */
  readonly id: string
  /** The environment, exactly what an external plugin sees. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly client: { readonly ip: string; readonly port: number; readonly host: string | undefined }
  /** The HELO or EHLO argument as sent; undefined before the first. */
  readonly helo: string | undefined
  /** Sender of the transaction: at MAIL the one being asked about. Empty for the null sender, undefined before MAIL. */
  readonly reversePath: string | undefined
  /** Recipients accepted so far in this transaction. */
  readonly recipients: readonly string[]
  /** The recipient being asked about, at rcpt, pass and deliver. */
  readonly recipient: string | undefined
  /** RCPT commands of this transaction that reached the plugins, this one included. */
  readonly recipientsAsked: number
  /** True when the client may relay, or the recipient's domain is in rcpthosts. */
  readonly recipientAllowed: boolean
  /** True when the connection began with RELAYCLIENT set, or the client has logged in. */
  readonly relayClient: boolean
  /** Who has logged in here: `user` is the account, `login@domain`. */
  readonly auth: { readonly user: string; readonly method: string } | undefined
  /** Accounts that logged in by POP3 or IMAP from the client's address, not longer than AUTHEXPIRE minutes before it connected. */
  readonly logins: readonly string[]
  readonly tls: { readonly protocol: string; readonly cipher: string } | undefined
}

export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
}

export interface Context<S extends SettingsShape = SettingsShape, C extends ControlShape = ControlShape> {
  readonly session: Session
  readonly settings: SettingValues<S>
  readonly control: ControlValues<C>
  readonly world: World
  readonly log: Log
  /** Aborted when the client has left or the line's time is up. */
  readonly signal: AbortSignal
}

export interface MessageContext<S extends SettingsShape = SettingsShape, C extends ControlShape = ControlShape> extends Context<S, C> {
  readonly message: Message
}

export type Answer = Command | readonly Command[] | undefined | void
export type Handler<X> = (context: X) => Answer | Promise<Answer>
export type MessageAnswer = Command | Edit | readonly (Command | Edit)[] | undefined | void

export interface Plugin<S extends SettingsShape = SettingsShape, C extends ControlShape = ControlShape> {
  /** The folder's name. */
  readonly name: string
  /** One line for lists and pages. */
  readonly summary: string
  readonly settings?: S
  readonly control?: C
  /** Effects the handlers use. */
  readonly needs?: readonly Effect[]
  /** Its tables, those of the `schema.ts` beside it. Bundled plugins only. */
  readonly tables?: readonly Table[]
  /** Built-in checks that step aside while this plugin is listed. */
  readonly replaces?: readonly 'badmailfrom'[]
  readonly connection?: Handler<Context<S, C>>
  readonly helo?: Handler<Context<S, C>>
  readonly auth?: Handler<Context<S, C>>
  readonly mail?: Handler<Context<S, C>>
  readonly rcpt?: Handler<Context<S, C>>
  /** Asked once a recipient has passed everything else. */
  readonly pass?: Handler<Context<S, C>>
  readonly data?: Handler<Context<S, C>>
  /** The content is in, nothing is promised yet. Nothing: next line; N or O: accept and skip the rest; E: refuse; D: answer 250 and discard. */
  readonly message?: (context: MessageContext<S, C>) => MessageAnswer | Promise<MessageAnswer>
  /** One recipient of a queued message. O: delivered; E4xx: later; E5xx: bounce; nothing or N: not mine. */
  readonly deliver?: Handler<MessageContext<S, C>>
  /**
   * Would `deliver` take this recipient's domain? Asked at RCPT; where no line of `[+deliver]` would, the recipient is
   * refused. Without this function a plugin with `deliver` takes every domain.
   */
  readonly takes?: (context: Context<S, C>, domain: string) => boolean | Promise<boolean>
  /**
   * Asked after each load, once with the settings that every client gets and once with those of each TCP rule that changes
   * any of them: does what they name work? Each sentence it answers becomes a warning in the log. Nobody waits for it. Of
   * plugins in the server's own process only.
   */
  readonly selfTest?: (context: Pick<Context<S, C>, 'settings' | 'world'>) => readonly string[] | Promise<readonly string[]>
}

/** Checks nothing at run time but gives a plugin its types. */
export function definePlugin<const S extends SettingsShape = {}, const C extends ControlShape = {}>(plugin: Plugin<S, C>): Plugin<S, C> {
  return plugin
}
