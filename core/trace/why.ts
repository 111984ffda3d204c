/**
 * A traced session as text: what the client said, which line of which file was asked, what it answered,
 * and who decided each reply. Pure: events in, lines out.
 */
import { printable } from './printable.ts'
import type { TracedSession } from './read.ts'
import type { TraceEvent } from './types.ts'

type EventOf<K extends TraceEvent['event']> = Extract<TraceEvent, { readonly event: K }>

/** The lines that tell one session's story, without line ends. Times are milliseconds since its first event. */
export function explainSession({ session, events }: TracedSession): readonly string[] {
  const start = events[0]?.t ?? 0
  const lines = [`session ${printable(session)}, ${new Date(start).toISOString()}`]
  for (const event of events) {
    const [first, ...more] = describe(event)
    lines.push(`${elapsed(event.t - start)}  ${first}`, ...more.map((line) => `${' '.repeat(WIDTH)}  ${line}`))
  }
  return lines
}

const WIDTH = 9

function elapsed(ms: number): string {
  return `+${ms} ms`.padStart(WIDTH)
}

function describe(event: TraceEvent): readonly [string, ...string[]] {
  switch (event.event) {
    case 'connect': return [connected(event)]
    case 'tls': return [secured(event)]
    case 'command': return [`> ${printable(event.line)}`]
    case 'hook': return asked(event)
    case 'fact': return [`    ${printable(`${event.plugin} asked ${event.question}: ${event.answer}`)} (${milliseconds(event.ms)})`]
    case 'reply': return replied(event)
    case 'message': return [taken(event)]
    case 'delivery': return delivered(event)
    case 'close': return [`closed: ${printable(event.reason)}`]
    // What a newer Helios recorded.
    default: return [printable(JSON.stringify(event))]
  }
}

function connected({ ip, port, host, service, generation, rule, via }: EventOf<'connect'>): string {
  const name = host === undefined ? '' : ` (${printable(host)})`
  const access = rule === undefined ? '' : `, access rule ${printable(rule)}`
  const proxy = via === undefined ? '' : ` through ${printable(via)}`
  return `connected from ${printable(ip)}:${port}${name}${proxy} to ${printable(service)}, generation ${generation}${access}`
}

function secured({ protocol, cipher, serverName, client, verified }: EventOf<'tls'>): string {
  const asked = serverName === undefined ? '' : `, asked for ${serverName}`
  const shown = client === undefined ? '' : `, client certificate of ${client}${verified === true ? '' : ' (not verified)'}`
  return printable(`TLS began: ${protocol} ${cipher}${asked}${shown}`)
}

function taken({ id, from, to, size }: EventOf<'message'>): string {
  const recipients = to.map((address) => `<${address}>`).join(' ')
  return printable(`message ${id} from <${from}> to ${recipients}, ${size} bytes`)
}

function asked(event: EventOf<'hook'>): [string, ...string[]] {
  const shadow = event.shadow === true ? ', in shadow: not obeyed' : ''
  const how = `${event.runtime}, ${milliseconds(event.ms)}${shadow}`
  const lines: [string, ...string[]] = [`  [${event.hook}] ${event.file}:${event.number} ${printable(event.line)} (${how})`]
  for (const command of event.commands) lines.push(`      answered ${printable(command)}`)
  const detail = event.detail ?? ''
  if (event.fault !== undefined) lines.push(printable(`      failed: ${event.fault}${detail === '' ? '' : `: ${detail}`}`))
  else if (detail !== '') lines.push(`      ${printable(detail)}`)
  if (event.exit !== undefined && event.exit !== 0) lines.push(`      exit ${printable(String(event.exit))}`)
  for (const line of event.complaint ?? []) lines.push(`      wrote ${printable(line)}`)
  if (event.commands.length === 0 && event.fault === undefined) lines.push('      answered nothing')
  return lines
}

function replied({ text, decidedBy }: EventOf<'reply'>): [string, ...string[]] {
  const [first, ...more] = text.replace(/\r?\n$/, '').split(/\r?\n/).map((line) => `< ${printable(line)}`)
  return decidedBy === undefined ? [first!, ...more] : [first!, ...more, `  ${decision(decidedBy)}`]
}

function delivered({ id, to, status, text, ms, decidedBy }: EventOf<'delivery'>): [string, ...string[]] {
  const said = text === '' ? '' : `: ${printable(text)}`
  const words = { delivered: 'delivered', later: 'will be tried again', failed: 'failed for good' }
  const first = `message ${printable(id)} to <${printable(to)}> ${words[status]}${said} (${milliseconds(ms)})`
  return decidedBy === undefined ? [first] : [first, `  ${decision(decidedBy)}`]
}

/** The dialogue may have said already what was decided, such as `discarded by …`. */
function decision(decidedBy: string): string {
  return decidedBy.startsWith('discarded') ? printable(decidedBy) : `decided by ${printable(decidedBy)}`
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`
}
