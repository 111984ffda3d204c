/** `helios tcprules`: which access rule applies to a client. */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { lookup, parseTcpRules } from '../../protocol/qmail/tcprules.ts'
import { textOf } from '../../protocol/text.ts'
import { HeliosError } from '../error.ts'
import { printable } from '../trace/printable.ts'
import type { Noun } from './command.ts'
import { existingHome } from './home.ts'

const FILE = 'control/smtp-tcprules'

interface RuleOptions {
  readonly host?: string
  readonly info?: string
  readonly json?: boolean
}

export const tcprules: Noun = {
  register(program, io) {
    program.command('tcprules').description(`show which line of ${FILE} applies to a client, and what it sets`)
      .argument('<ip>', 'the client\'s address', readIp)
      .option('--host <name>', 'its name, as if confirmed by DNS')
      .option('--info <text>', 'its user, as if told by an ident server')
      .option('--json', 'as JSON')
      .action(async (ip: string, { host, info, json }: RuleOptions) => {
        const { home } = await existingHome(io)
        const found = lookup(parseTcpRules(await read(join(home, FILE))).rules, { ip, host, info })
        const variables = Object.fromEntries(found.variables)
        if (json === true) {
          const rule = found.rule === undefined ? null : { file: FILE, line: found.rule.line, text: found.rule.text }
          return io.out(JSON.stringify({ allow: found.allow, rule, variables }, undefined, 2))
        }
        if (found.rule === undefined) return io.out(`no rule of ${FILE} applies: the client is allowed`)
        io.out(`${FILE}:${found.rule.line}: ${printable(found.rule.text)}`)
        io.out(found.allow ? 'allowed' : 'denied: the connection is closed')
        for (const [name, value] of Object.entries(variables)) io.out(`${printable(name)}=${printable(value)}`)
      })
  },
}

async function read(path: string): Promise<string | undefined> {
  try {
    return textOf(await readFile(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new HeliosError('control-file', `cannot read ${path}: ${(error as Error).message}`, {
      fault: 'system', mend: 'run this as the user who owns the home, or as root', cause: error,
    })
  }
}

function readIp(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('Write an IPv4 or IPv6 address.')
  return text
}
