/**
 * Many plugin lists on one server: each has a client address of its own (all of 127.0.0.0/8 is loopback on Linux), and
 * a TCP rule that gives this address its list by SPPCONFFILE. Starting a server for each list would take a minute.
 */
import type { SmtpClient } from '../client/smtp-client.ts'
import { delivered, deliverInto, deliveryPlace, type Delivered } from './delivered.ts'
import { makeHome, type Home, type HomeFiles } from './home.ts'
import { startServer, type Server } from './server.ts'

export interface ListCase {
  /** Names the list, and its deliveries: letters, digits, hyphens. */
  readonly name: string
  /** As in control/smtpplugins. A section `[+deliver]` that keeps what is delivered is added where it has none. */
  readonly list: string
  /** Variables of the client's TCP rule. */
  readonly variables?: Readonly<Record<string, string>>
  readonly files?: HomeFiles
}

export interface Lists {
  readonly server: Server
  readonly home: Home
  connect(name: string): Promise<SmtpClient>
  delivered(name: string, expected: number): Promise<readonly Delivered[]>
  /** The address the clients of this list come from. */
  address(name: string): string
}

export interface ListsOptions {
  readonly compat: 'qmail-spp' | false
  readonly replyDialect?: 'detect' | 'off'
  readonly files?: HomeFiles
}

const FIRST = 10

/** Starts it; it is stopped after the tests of the file. */
export async function serveLists(cases: readonly ListCase[], options: ListsOptions): Promise<Lists> {
  const names = cases.map(({ name }) => name)
  const address = (name: string): string => {
    const index = names.indexOf(name)
    if (index < 0) throw new Error(`no list ${name}`)
    const number = FIRST + index
    return `127.0.${Math.floor(number / 250)}.${number % 250}`
  }
  const rules = cases.map(({ name, variables }) =>
    [`${address(name)}:allow`, ...Object.entries({ SPPCONFFILE: `lists/${name}`, ...variables }).map(([key, value]) => `${key}="${value}"`)].join(','))
  const home = await makeHome({
    ...Object.assign({}, ...cases.map(filesOf)) as HomeFiles,
    'control/smtp-tcprules': `${rules.join('\n')}\n`,
    ...options.files,
  }, { listeners: [{ compat: options.compat }], ...(options.replyDialect === undefined ? {} : { replyDialect: options.replyDialect }) })
  const server = await startServer(home)
  return {
    server, home, address,
    connect: (name) => server.connect({ from: address(name) }),
    delivered: (name, expected) => delivered(home, name, expected),
  }
}

function filesOf({ name, list, files }: ListCase): HomeFiles {
  const whole = list === '' || /^\[\+deliver\]/m.test(list) ? list : `${list}\n[+deliver]\n${deliverInto(name)}\n`
  return { [`lists/${name}`]: whole, ...deliveryPlace(name), ...files }
}
