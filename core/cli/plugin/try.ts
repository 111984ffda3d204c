/** `helios plugin try`: one plugin, one question, no server. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import { parsePluginList, type Section } from '../../../protocol/spp/list.ts'
import { isEnvironmentName, isEnvironmentValue } from '../../../protocol/spp/environment.ts'
import type { LineOptions } from '../../../protocol/spp/options.ts'
import { DNS_FORMS, readDns, type GivenDns } from '../../../protocol/spp/transcript-dns.ts'
import { printHook } from '../../../protocol/spp/transcript-words.ts'
import { bytesOf, textOf } from '../../../protocol/text.ts'
import { refusal } from '../../accounts/errors.ts'
import type { Logged } from '../../lab/lab.ts'
import { fakeDnsOf } from '../../lab/given-dns.ts'
import { findTarget, identityOf, type Target } from '../../lab/target.ts'
import { tryLine, type Asked, type Question, type Tried } from '../../lab/try.ts'
import type { DnsFacts } from '../../plugin/dns.ts'
import type { Hook } from '../../plugin/plugin.ts'
import { madeUpDns } from '../../plugin/testing/dns.ts'
import { printable } from '../../trace/printable.ts'
import type { Io } from '../command.ts'
import { endSoon, hooksOf, readHook, withLab, type Workbench } from './workbench.ts'

interface TryOptions {
  readonly hook?: Section
  readonly env: readonly (readonly [name: string, value: string])[]
  readonly dns: readonly string[]
  readonly message?: string
  readonly from?: string
  readonly to: readonly string[]
  readonly helo?: string
  readonly ip?: string
  readonly json?: boolean
}

export function registerTry(noun: Command, io: Io, exit: (status: number) => void): void {
  noun.command('try').description('ask one plugin one question, without a server; exit status 1 when it fails')
    .argument('<plugin>', 'its name, its file, or a shell line such as \':echo N\'; options may stand before it, as in the list')
    .option('--hook <name>', 'when it is asked (needed where it does not say, or says several)', readHook)
    .option('--from <address>', 'the sender; "" for the null sender')
    .option('--to <address>', 'the recipient; several: all but the last were accepted before', also<string>((text) => text), [])
    .option('--helo <name>', 'what the client calls itself')
    .option('--ip <address>', 'the client\'s address', readIp)
    .option('--env <NAME=value>', 'a variable; again for another', also(readVariable), [])
    .option('--dns <line>', 'what is in DNS, such as "far.example A 192.0.2.1"; again for more. With it no name server is asked', also(readDnsLine), [])
    .option('--message <file>', 'the message, for +message and +deliver')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nAccounts, settings and control files are those of the home. Mail that the plugin delivers goes nowhere;'
      + '\nwhat a program does, it does.')
    .action(async (word: string, options: TryOptions) => {
      await withLab(io, async (bench) => {
        const target = withListedOptions(findTarget(word, { home: bench.settings.home, cwd: io.cwd }), options.hook, bench)
        const hook = await hookOf(target, options.hook, bench)
        const tried = await tryLine(await bench.lab.line(target, hook), questionOf(hook, options, io.cwd), bench.control)
        if (tried.asked === undefined || tried.asked.fault !== undefined) exit(1)
        const { lab: { logged }, mailboxes } = bench
        if (options.json === true) {
          io.out(JSON.stringify({ plugin: target.text, hook: printHook(hook), ...tried, log: logged, mailboxes }, undefined, 2))
        } else for (const line of story(target, hook, tried, bench)) io.out(line)
      }, namesOf(options.dns))
      endSoon()
    })
}

/** A plugin that is listed is asked as its line says, unless the command line says how. */
function withListedOptions(target: Target, hook: Section | undefined, { settings: { home }, control }: Workbench): Target {
  if (Object.keys(target.options).length > 0) return target
  const wanted = identityOf(target.text, home)
  const line = parsePluginList(control.smtpplugins.content ?? '').entries
    .find(({ section, text }) => (hook === undefined || section === hook) && identityOf(text, home) === wanted)
  const options: LineOptions = line?.options ?? {}
  return { ...target, options }
}

async function hookOf(target: Target, given: Hook | undefined, { lab }: Workbench): Promise<Hook> {
  const hooks = hooksOf(target.name, await lab.declared(target), given, '--hook')
  if (hooks.length === 1) return hooks[0]!
  throw refusal('which-hook', `the plugin ${target.name} is asked at ${hooks.map(printHook).join(', ')}`,
    `add --hook ${printHook(hooks[0]!)}, or another of them`)
}

/** Variables that the dialogue sets itself are taken for what a client would have said. */
function questionOf(hook: Hook, options: TryOptions, cwd: string): Question {
  const env = Object.fromEntries(options.env)
  const to = options.to.length > 0 || env['SMTPRCPTTO'] === undefined ? options.to : [env['SMTPRCPTTO']]
  return {
    hook, env, to,
    ip: options.ip ?? env['TCPREMOTEIP'] ?? '192.0.2.1',
    helo: options.helo ?? env['SMTPHELOHOST'] ?? 'client.far.example',
    from: options.from ?? env['SMTPMAILFROM'] ?? 'sender@far.example',
    ...(options.message === undefined ? {} : { message: readMessage(resolve(cwd, options.message)) }),
  }
}

/** In queue form: CRLF becomes LF. */
function readMessage(path: string): Buffer {
  try {
    return bytesOf(textOf(readFileSync(path)).replaceAll('\r\n', '\n'))
  } catch (cause) {
    throw refusal('message-file', `cannot read ${path}: ${(cause as Error).message}`, 'name a file with the whole message, header and all')
  }
}

const VERDICTS: Readonly<Record<Asked['verdict'], string>> = {
  'next': 'nothing decided: the next line of the list is asked',
  'go-on': 'done: no later line is asked, built-in checks are made',
  'skip-checks': 'done: no later line is asked, and the built-in check is skipped',
  'refuse': 'refused',
  'hang-up': 'refused, and the connection ends',
}
/** Where there is no client, the same means something else. */
const DELIVERY_VERDICTS: Readonly<Record<Asked['verdict'], string>> = {
  'next': 'not its mail: the next line of the list is asked',
  'go-on': 'not delivered: tried again later',
  'skip-checks': 'delivered',
  'refuse': 'not delivered: 4xx is tried again later, 5xx has failed for good',
  'hang-up': 'not delivered: tried again later',
}

function story(target: Target, hook: Hook, tried: Tried, { lab, mailboxes }: Workbench): readonly string[] {
  const { asked, refusedBefore, reply, closes } = tried
  const name = printable(target.text)
  if (asked === undefined) {
    const { command, reply: refusal = [] } = refusedBefore ?? {}
    const why = command === undefined ? 'spp is off in this session (NOSPP)' : `${command} was refused before it was asked`
    return [`${name} at [${printHook(hook)}] was not asked: ${printable(why)}`, ...refusal.map((line) => row('client', `< ${line}`))]
  }
  const { runtime, ms, answer, verdict, fault, exit, facts } = asked
  return [
    `${name} at [${printHook(hook)}] (${runtime}, ${ms} ms${runtime === 'inline' ? '' : ' with the start of its process'})`,
    ...answer.map((line) => row('answer', line)),
    ...(answer.length === 0 && fault === undefined ? [row('answer', '(nothing)')] : []),
    ...(fault === undefined ? [] : [row('fault', `${fault.kind}: ${fault.detail}`)]),
    ...(exit === undefined || exit === 0 ? [] : [row('exit', String(exit))]),
    ...facts.map((fact) => row('asked', `${fact.question}: ${fact.answer} (${fact.ms} ms)`)),
    ...mailboxes.map((maildir) => row('mailbox', `would have been delivered into ${maildir}`)),
    ...lab.logged.map(({ level, message }: Logged) => row(level === 'warn' ? 'warned' : 'said', message)),
    row('verdict', (hook === 'deliver' ? DELIVERY_VERDICTS : VERDICTS)[verdict]),
    ...reply.map((line) => row('client', `< ${line}`)),
    ...(reply.length === 0 && hook !== 'deliver' ? [row('client', '(no reply)')] : []),
    ...(closes ? [row('client', '(the connection ends)')] : []),
  ]
}

function row(what: string, text: string): string {
  return `  ${what.padEnd(8)} ${printable(text)}`
}

/** For commander: an option that may be given several times. */
function also<T>(read: (text: string) => T): (text: string, before: readonly T[]) => readonly T[] {
  return (text, before) => [...before, read(text)]
}

function readIp(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('Write an IPv4 or IPv6 address.')
  return text
}

function readDnsLine(text: string): string {
  const wrong = readDns([], text)
  if (wrong !== undefined) throw new InvalidArgumentError(`${wrong}; write ${DNS_FORMS}.`)
  return text
}

/** What these lines make up; undefined without any. Throws HeliosError where two contradict. */
function namesOf(lines: readonly string[]): DnsFacts | undefined {
  if (lines.length === 0) return undefined
  const read: GivenDns[] = []
  for (const line of lines) {
    const wrong = readDns(read, line)
    if (wrong !== undefined) throw refusal('dns-line', `--dns "${line}": ${wrong}`, 'keep one of them')
  }
  return madeUpDns(fakeDnsOf(read))
}

function readVariable(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  const [name, value] = [text.slice(0, at), text.slice(at + 1)]
  if (at < 1 || !isEnvironmentName(name) || !isEnvironmentValue(value)) throw new InvalidArgumentError('Write NAME=value, on one line.')
  return [name, value]
}
