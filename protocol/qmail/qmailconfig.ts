/**
 * `control/qmailconfig`, qmail-sql's `sqlserver` (spec helios 3): where users and domains stand, and how they are looked up.
 * One directive a line: keyword, blanks, value up to the end of the line.
 */
import { nearest } from '../nearest.ts'
import { asciiLower } from '../text.ts'
import { readList } from './control.ts'
import { parseConnInfo } from './conninfo.ts'

/** One database server, as a `connectionstring` line names it. */
export interface Connection {
  readonly user: string
  readonly password: string | undefined
  readonly dbname: string
  /** A host name or address; a path that begins with `/` is a socket (MySQL) or its directory (PostgreSQL). */
  readonly host: string
  readonly port: number | undefined
  readonly tls: 'off' | 'unverified' | 'verified'
  /** File of the certificates to trust; the system's when undefined. */
  readonly rootCertificates: string | undefined
}

/** Names of tables and columns. The keys are ours, the values the operator's. */
export interface TableNames {
  readonly tables: { readonly passwd: string; readonly dotqmails: string; readonly locals: string }
  readonly columns: Readonly<Record<ColumnName, string>>
}

const COLUMN_DIRECTIVES = {
  virt_host_field: 'virtual_host', login_field: 'login', passwd_field: 'password', uid_field: 'uid', gid_field: 'gid', home_field: 'home',
  hardquota_field: 'hardquota', startdate_field: 'startdate', stopdate_field: 'stopdate', enabled_field: 'enabled',
  use_dotqmail_field: 'use_dotqmail', lastlogin_field: 'lastlogin', extension_field: 'extension', dotqmail_field: 'dotqmail',
} as const
export type ColumnName = typeof COLUMN_DIRECTIVES[keyof typeof COLUMN_DIRECTIVES]
const TABLE_DIRECTIVES = { dbtable: 'passwd', dotqmailtable: 'dotqmails', localtable: 'locals' } as const

export interface QmailConfig {
  /** Absolute, without trailing slash; undefined: `<home>/mail`. */
  readonly mailRoot: string | undefined
  readonly defaultUser: string | undefined
  readonly defaultGroup: string | undefined
  /** Accepted domains come from the database while there is no file rcpthosts. */
  readonly rcpthostsFromDb: boolean
  /** Recipients in our own domains are looked up at RCPT by the server itself. */
  readonly allowedRecipientsFromDb: boolean
  /** Domain of logins without one, in lower case. */
  readonly localpop: string | undefined
  /** Each of these characters may part login and domain. */
  readonly domainSeparators: string
  /** False: rows are those without a virtual host, whatever the domain. */
  readonly checkHost: boolean
  readonly globaldomain: string | undefined
  readonly hostPostmaster: string | undefined
  /** Absolute path of the program that makes a missing home (`autohomedir`); undefined: Helios does, below the mail directory. */
  readonly homeProgram: string | undefined
  readonly driver: 'sqlite' | 'mysql' | 'postgresql'
  /** Servers to read from, tried in turn; none with `sqlite`. */
  readonly connections: readonly Connection[]
  /** Servers to write to, tried in turn; those of `connections` where none is named. */
  readonly popConnections: readonly Connection[]
  /** Seconds, 0 for no limit. */
  readonly connectionTimeout: number
  readonly queryTimeout: number
  readonly names: TableNames
  /** `localtable` was given: the table names local domains while there is no file locals. */
  readonly localsFromDb: boolean
}

export interface ConfigProblem {
  /** 1-based; 0 when the file as a whole is meant. */
  readonly line: number
  readonly reason: string
  readonly mend: string
  readonly warning?: boolean
}

/** Bounds where none is given: without them a server that hangs would hold every session. */
const CONNECTION_TIMEOUT = 5
const QUERY_TIMEOUT = 10

const DIRECTIVES: readonly string[] = [
  'mail_root', 'default_user', 'default_group', 'rcpthosts_from_db', 'allowed_recipients_from_db', 'localpop', 'domain_separators',
  'check_host', 'globaldomain', 'host_postmaster', 'autohomedir', 'dbdriver', 'connectionstring', 'popconnectionstring',
  'connection_timeout', 'query_timeout', ...Object.keys(TABLE_DIRECTIVES), ...Object.keys(COLUMN_DIRECTIVES),
]

/** What the file says, every default filled in. Never throws; with an error among the problems the value is not for use. */
export function parseQmailConfig(content: string | undefined): { readonly config: QmailConfig; readonly problems: readonly ConfigProblem[] } {
  const reader = new Reader(content)
  const driver = reader.oneOf('dbdriver', ['mysql', 'postgresql'])
  const connections = reader.connections('connectionstring')
  const popConnections = reader.connections('popconnectionstring')
  const config: QmailConfig = {
    mailRoot: reader.path('mail_root')?.replace(/(?<=.)\/+$/, ''),
    defaultUser: reader.text('default_user'), defaultGroup: reader.text('default_group'),
    rcpthostsFromDb: reader.flag('rcpthosts_from_db', false), allowedRecipientsFromDb: reader.flag('allowed_recipients_from_db', false),
    localpop: reader.domain('localpop'), domainSeparators: reader.text('domain_separators') ?? '@',
    checkHost: reader.flag('check_host', true), globaldomain: reader.domain('globaldomain'),
    hostPostmaster: reader.address('host_postmaster'),
    homeProgram: reader.last('autohomedir')?.value === 'builtin' ? undefined : reader.path('autohomedir'),
    driver: connections.length === 0 ? 'sqlite' : driver ?? guessDriver(connections[0]!),
    connections, popConnections: popConnections.length === 0 ? connections : popConnections,
    connectionTimeout: reader.seconds('connection_timeout') ?? CONNECTION_TIMEOUT, queryTimeout: reader.seconds('query_timeout') ?? QUERY_TIMEOUT,
    names: reader.names(), localsFromDb: reader.last('localtable') !== undefined,
  }
  if (connections.length === 0 && popConnections.length > 0) {
    reader.problem(reader.last('popconnectionstring')!.line, 'there is no connectionstring beside it, so accounts would stand in helios.db',
      'add a connectionstring line for reading; the same values will do')
  }
  return { config, problems: reader.problems }
}

/** Helios' own manual names MySQL. A port says more, and a directory of sockets is PostgreSQL's way. */
function guessDriver({ host, port }: Connection): 'mysql' | 'postgresql' {
  if (port === 5432 || /^\/.*postgres/.test(host)) return 'postgresql'
  return 'mysql'
}

interface Directive {
  readonly value: string
  readonly line: number
}

class Reader {
  readonly problems: ConfigProblem[] = []
  readonly #given = new Map<string, Directive[]>()

  constructor(content: string | undefined) {
    for (const { text, line } of readList(content)) {
      const [, keyword = '', value = ''] = /^[ \t]*([^ \t]+)[ \t]*(.*)$/s.exec(text) ?? []
      if (keyword === '' || keyword.startsWith('#')) continue
      if (text.endsWith('\r')) {
        this.problem(line, 'the line ends in a carriage return, which would be part of the value', 'save the file with Unix line ends')
      } else if (!DIRECTIVES.includes(keyword)) {
        const meant = nearest(keyword, DIRECTIVES)
        this.problem(line, `"${keyword.slice(0, 40)}" is no directive that Helios knows, so it has no effect${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
          'correct it; leave it if it is there for another program', true)
      } else if (value === '') this.problem(line, `"${keyword}" has no value`, `write "${keyword} VALUE", or put a "#" before the line`)
      else {
        const given = this.#given.get(keyword) ?? []
        this.#given.set(keyword, [...given, { value, line }])
        if (given.length > 0 && !keyword.endsWith('connectionstring')) {
          this.problem(line, `"${keyword}" stands on line ${given.at(-1)!.line} already, and this one counts`, 'remove one of the two', true)
        }
      }
    }
  }

  problem(line: number, reason: string, mend: string, warning = false): void {
    this.problems.push({ line, reason, mend, ...(warning ? { warning } : {}) })
  }

  last(keyword: string): Directive | undefined {
    return this.#given.get(keyword)?.at(-1)
  }

  text(keyword: string): string | undefined {
    return this.last(keyword)?.value
  }

  /** A value that is right, or undefined after a problem. */
  checked(keyword: string, fits: (value: string) => boolean, wrong: string, mend: string): string | undefined {
    const given = this.last(keyword)
    if (given === undefined || fits(given.value)) return given?.value
    this.problem(given.line, `the value of ${keyword} is not ${wrong}`, mend)
    return undefined
  }

  oneOf<W extends string>(keyword: string, words: readonly W[]): W | undefined {
    return this.checked(keyword, (value) => words.some((word) => word === value), `one of ${words.join(', ')}`,
      `write "${keyword} ${words[0]}"`) as W | undefined
  }

  flag(keyword: string, fallback: boolean): boolean {
    const word = this.oneOf(keyword, ['yes', 'no'])
    return word === undefined ? fallback : word === 'yes'
  }

  path(keyword: string): string | undefined {
    return this.checked(keyword, (value) => /^\/[^\0]*$/.test(value), 'an absolute path', `write "${keyword} /absolute/path"`)
  }

  domain(keyword: string): string | undefined {
    const value = this.checked(keyword, isDomain, 'a domain', `write "${keyword} example.org"`)
    return value === undefined ? undefined : asciiLower(value)
  }

  address(keyword: string): string | undefined {
    return this.checked(keyword, (value) => /^[^@\s]+@[^@\s]+$/.test(value) && isDomain(value.slice(value.indexOf('@') + 1)), 'an address',
      `write "${keyword} postmaster@example.org"`)
  }

  seconds(keyword: string): number | undefined {
    const value = this.checked(keyword, (text) => /^[0-9]{1,6}$/.test(text), 'a number of seconds', `write digits, or 0 for no limit`)
    return value === undefined ? undefined : Number(value)
  }

  names(): TableNames {
    const name = (directive: string, fallback: string): string => this.checked(directive, (value) => /^[A-Za-z_][A-Za-z0-9_$]{0,62}$/.test(value),
      'a name', 'write letters, digits and "_", as the database spells it') ?? fallback
    const named = <N extends string>(directives: Readonly<Record<string, N>>): Record<N, string> =>
      Object.fromEntries(Object.entries(directives).map(([directive, own]) => [own, name(directive, own)])) as Record<N, string>
    return { tables: named(TABLE_DIRECTIVES), columns: named(COLUMN_DIRECTIVES) }
  }

  connections(keyword: string): readonly Connection[] {
    return (this.#given.get(keyword) ?? []).flatMap(({ value, line }) => this.#connection(keyword, value, line) ?? [])
  }

  #connection(keyword: string, text: string, line: number): Connection | undefined {
    const wrong = (reason: string, mend: string): undefined => this.problem(line, `${keyword}: ${reason}`, mend) as undefined
    if (/^[a-z]+:\/\//.test(text)) return wrong('addresses of the form "postgresql://" are not read here', 'write user=… password=… dbname=… host=…')
    const parsed = parseConnInfo(text)
    if (!parsed.ok) return wrong(parsed.reason, "write user=NAME password='WORDS' dbname=NAME host=NAME")
    const { pairs } = parsed
    for (const key of pairs.keys()) {
      if (!KEYS.includes(key)) this.problem(line, `${keyword}: "${key.slice(0, 40)}" is not used`, `the keywords here are ${KEYS.join(', ')}`, true)
    }
    const user = pairs.get('user')
    if (user === undefined || user === '') return wrong('there is no user=', 'add user=NAME')
    const port = pairs.get('port')
    if (port !== undefined && !(/^[0-9]{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65536)) return wrong('the port is none', 'write port=3306 or the like')
    const sslmode = pairs.get('sslmode') ?? 'disable'
    const tls = SSL_MODES.get(sslmode)
    if (tls === undefined) return wrong(`sslmode cannot be "${sslmode}"`, `write one of ${[...SSL_MODES.keys()].join(', ')}`)
    return {
      user, password: pairs.get('password'), dbname: pairs.get('dbname') || user, tls, rootCertificates: pairs.get('sslrootcert'),
      host: pairs.get('socket') || pairs.get('hostaddr') || pairs.get('host') || 'localhost', port: port === undefined ? undefined : Number(port),
    }
  }
}

const KEYS: readonly string[] = ['user', 'password', 'dbname', 'host', 'hostaddr', 'port', 'socket', 'sslmode', 'sslrootcert']
const SSL_MODES: ReadonlyMap<string, Connection['tls']> = new Map([
  ['disable', 'off'], ['require', 'unverified'], ['verify-ca', 'verified'], ['verify-full', 'verified'],
])

function isDomain(value: string): boolean {
  return /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/.test(value)
}
