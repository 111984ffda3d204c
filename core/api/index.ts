/**
 * The library for scripts and programs around Helios (`helios-mail`), the successor of the four PHP classes of Helios 0.9 (spec helios 10):
 * rows and operations, each for the system as a whole and for one user.
 *
 *   |            | the system | one user        |
 *   |------------|------------|-----------------|
 *   | rows       | `QmailSql` | `QmailSqlUser`  |
 *   | operations | `Helios`   | `HeliosUser`    |
 *
 * Whatever is wrong rejects with `HeliosError`: `code` is a stable word, `message` says what, `mend` what to do.
 */
export { Helios, type DomainDetails, type ImportOptions, type NewDomain } from './helios.ts'
export { HeliosUser } from './helios-user.ts'
export { QmailSql, type DotqmailRow, type NewPasswdRow, type PasswdRow } from './qmail-sql.ts'
export { QmailSqlUser } from './qmail-sql-user.ts'
export { ConfigError } from '../../config/error.ts'
export { HeliosError } from '../error.ts'
export { checkAddress, checkDomain } from '../accounts/names.ts'
export { generatePassword } from '../accounts/passwords.ts'
export type { Scheme } from '../accounts/passwords/texts.ts'
export type { AddedAlias, AliasInfo } from '../accounts/aliases.ts'
export type { Deletion } from '../accounts/deletion.ts'
export type { Found, UserDetails } from '../accounts/details.ts'
export type { DotqmailText, Dotqmails, SetDotqmail } from '../accounts/dotqmail.ts'
export type { AddedDomain, DomainInfo } from '../accounts/domains.ts'
export type { LoginOutcome } from '../accounts/login.ts'
export type { RecordedLogin } from '../accounts/logins.ts'
export { checkJid } from '../accounts/notify.ts'
export type { NotifyChange, NotifyPlan, NotifySettings } from '../accounts/notify.ts'
export type { DatabaseStatus, StatusOptions } from '../accounts/status.ts'
export { ImportRefused, type Imported } from '../accounts/transfer/import.ts'
export type { Keep, NewUser, UserInfo } from '../accounts/users.ts'
export { WorldUnavailable, type Account, type AccountFacts, type Login } from '../plugin/world.ts'
