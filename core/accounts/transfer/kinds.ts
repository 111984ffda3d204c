/** What an export has, kind by kind: which rows of which table, under which names. The order is that in which they are written, and put back. */
import type { Table } from '../../plugin/table.ts'
import type { Value } from './record.ts'

/** `flag`: true or false. `date`: `YYYY-MM-DD HH:MM:SS` in UTC. */
export type FieldType = 'text' | 'integer' | 'flag' | 'date'

export interface Field {
  /** In the file. */
  readonly name: string
  /** In the table. */
  readonly column: string
  readonly type: FieldType
  /** What stands there where the file says nothing; undefined: the file must say it. */
  readonly missing: Value | undefined
  /** Characters a text may have. */
  readonly length?: number
}

export interface Kind {
  readonly name: string
  readonly table: string
  readonly fields: readonly Field[]
  /** Columns of the primary key: rows are written in this order. */
  readonly key: readonly string[]
  /** Names in its key are compared without case. */
  readonly folds?: boolean
  /** A change of these alone is none: what a running server writes. */
  readonly passing?: readonly string[]
}

const text = (name: string, length: number, column = name): Field => ({ name, column, type: 'text', missing: undefined, length })
const optional = (name: string, length: number, column = name): Field => ({ name, column, type: 'text', missing: null, length })
const integer = (name: string, column = name): Field => ({ name, column, type: 'integer', missing: null })
const flag = (name: string, missing: boolean): Field => ({ name, column: name, type: 'flag', missing })
const date = (name: string): Field => ({ name, column: name, type: 'date', missing: null })

/** No rows of a table alone: lines of control/rcpthosts, rows of helios_domains, and directories. */
export const DOMAIN: Kind = { name: 'domain', table: 'helios_domains', fields: [text('domain', 64), flag('accepted', true)], key: ['domain'], folds: true }
export const USER: Kind = {
  name: 'user', table: 'passwd', key: ['virtual_host', 'login'], folds: true, passing: ['lastlogin'],
  fields: [
    text('login', 64), text('domain', 64, 'virtual_host'), optional('password', 255), { ...integer('quota', 'hardquota'), missing: 0 }, flag('enabled', true),
    date('startdate'), date('stopdate'), flag('use_dotqmail', false), date('lastlogin'), optional('home', 200), integer('uid'), integer('gid'),
  ],
}
export const DOTQMAIL: Kind = {
  name: 'dotqmail', table: 'dotqmails', key: ['virtual_host', 'login', 'extension'], folds: true,
  fields: [text('login', 64), text('domain', 64, 'virtual_host'), { ...text('extension', 64), missing: '' }, text('text', 65_535, 'dotqmail')],
}
export const LOCAL: Kind = { name: 'local', table: 'locals', fields: [text('domain', 64, 'virtual_host')], key: ['virtual_host'], folds: true }
/** An empty login is the domain's catch-all. */
export const ALIAS: Kind = {
  name: 'alias', table: 'helios_aliases', fields: [{ ...text('login', 64), missing: '' }, text('domain', 64), text('target', 320)], key: ['domain', 'login', 'target'],
  folds: true,
}
export const NOTIFY: Kind = {
  name: 'notify', table: 'helios_notify', key: ['domain', 'login'], folds: true,
  fields: [text('login', 64), text('domain', 64), flag('enabled', true), optional('jid', 255), optional('password', 255), optional('send_to', 255)],
}

/** Everything there is with these declared tables. */
export function kindsWith(tables: readonly Table[]): readonly Kind[] {
  return [DOMAIN, LOCAL, USER, DOTQMAIL, ALIAS, NOTIFY, ...tables.map(kindOf)]
}

function kindOf({ name, columns, key }: Table): Kind {
  const fields = Object.entries(columns).map(([column, type]): Field => {
    if (type === 'integer') return { ...integer(column), missing: undefined }
    return type === 'text' ? { name: column, column, type: 'text', missing: undefined } : text(column, type.text)
  })
  return { name, table: `helios_${name}`, fields, key }
}
