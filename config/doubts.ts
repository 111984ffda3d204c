/** What is wrong or doubtful in control files beyond their grammar, in the words of the operator. */
import { openCdb } from '../protocol/qmail/cdb.ts'
import { readLine, readList } from '../protocol/qmail/control.ts'
import type { Control } from './control.ts'
import { checkAuthExpire } from './auth-expire.ts'
import { checkLimits } from './limits.ts'
import type { Problem } from './problem.ts'
import type { Snapshot } from './snapshot.ts'

const LINES = ['smtpgreeting', 'localiphost', 'envnoathost', 'bouncefrom', 'bouncehost', 'doublebounceto', 'doublebouncehost']
const NUMBERS = ['timeoutsmtpd', 'databytes', 'queuelifetime', 'concurrencylocal']
const LISTS = ['rcpthosts', 'morercpthosts', 'locals', 'badmailfrom']
const OTHERS = ['smtpconfig', 'smtpconfig-stunnel', 'smtp-tcprules', 'smtpplugins', 'morercpthosts.cdb', 'qmailconfig', 'sqlserver']

type Read = Control['read']

export function checkFiles(snapshot: Snapshot, read: Read, control: Control): Problem[] {
  if (snapshot.failure !== undefined) {
    return [error(
      'control', `the control directory cannot be read: ${snapshot.failure}`,
      `run "helios init", or name another home with --home (this one is ${control.home})`,
    )]
  }
  const unreadable = ['me', ...LINES, ...NUMBERS, ...LISTS, ...OTHERS].flatMap((name) => {
    const reason = snapshot.unreadable.get(name)
    return reason === undefined ? [] : [error(
      `control/${name}`, `the file is there but cannot be read: ${reason}`, 'make it a readable file, or remove it',
    )]
  })
  return [
    ...unreadable, ...checkMe(snapshot, read), ...LINES.flatMap((name) => checkLine(name, read(name))),
    ...NUMBERS.flatMap((name) => checkNumber(name, read(name))), ...LISTS.flatMap((name) => checkList(name, read(name))),
    ...checkHosts(snapshot, read, control), ...checkRelay(control), ...checkLimits(control), ...checkAuthExpire(control), ...checkTwoNames(snapshot),
  ]
}

function checkMe(snapshot: Snapshot, read: Read): Problem[] {
  const mend = 'echo mail.example.org > control/me'
  if (read('me') === undefined) return snapshot.unreadable.has('me') ? [] : [error(
    'control/me', "the file with this host's name is missing", mend,
  )]
  const me = readLine(read('me'), '')
  if (me === '') return [error('control/me', "the first line should be this host's name, but is empty", mend, 1)]
  if (/[^\x21-\x7e]/.test(me) || me.startsWith('#')) return [error(
    'control/me', `"${shown(me)}" is not a host name; this file has no comments on its first line`, mend, 1,
  )]
  return []
}

function checkLine(name: string, content: string | undefined): Problem[] {
  const value = readLine(content, '')
  // These end up inside replies and header lines, which a CR or NUL would break.
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(value)) return [error(
    `control/${name}`, `the first line has a control character: "${shown(value)}"`, 'remove it; save the file with Unix line ends', 1,
  )]
  if (value.startsWith('#')) return [warning(
    `control/${name}`, 'the first line is the value, and a "#" there is part of it', 'write the value on line 1 and remarks below it', 1,
  )]
  return []
}

function checkNumber(name: string, content: string | undefined): Problem[] {
  if (content === undefined) return []
  const value = readLine(content, '')
  const file = `control/${name}`
  if (!/^[0-9]/.test(value)) return [warning(
    file, `"${shown(value)}" is not a number, so the default holds`, 'write digits on line 1, or remove the file', 1,
  )]
  if (!/^[0-9]+$/.test(value)) return [warning(
    file, `"${shown(value)}" counts as ${/^[0-9]+/.exec(value)![0]}: what follows the digits is ignored`,
    'write digits only; sizes are in bytes, times in seconds', 1,
  )]
  if (name === 'timeoutsmtpd' && Number(value) === 0) return [warning(
    file, '0 acts as 1 second', 'write the seconds a client may stay silent, such as 1200', 1,
  )]
  if (name === 'concurrencylocal' && Number(value) > 120) return [warning(
    file, `${value} acts as 120, the most deliveries at once`, 'write a number up to 120', 1,
  )]
  if (name === 'concurrencylocal' && Number(value) === 0) return [warning(
    file, '0 stops all deliveries', 'write a number such as 10, unless that is meant', 1,
  )]
  return []
}

function checkList(name: string, content: string | undefined): Problem[] {
  const file = `control/${name}`
  return readList(content).flatMap(({ text, line }): Problem[] => {
    if (text.endsWith('\r')) return [error(
      file, 'the line ends in a carriage return and so matches nothing', 'save the file with Unix line ends', line,
    )]
    if (/[ \t]/.test(text)) return [warning(
      file, `"${shown(text)}" has a blank in it and matches nothing`, 'one entry a line, from its first column', line,
    )]
    if (name === 'badmailfrom') return []
    if (text.includes('@')) return [warning(
      file, `"${shown(text)}" is an address, and domains stand here`, 'write the part after the "@"', line,
    )]
    if (text.startsWith('*.')) return [warning(
      file, `"${shown(text)}" is compared as it stands: there are no wildcards here`,
      name === 'locals' ? 'write each domain' : `write ${text.slice(1)} for all subdomains`, line,
    )]
    return []
  })
}

function checkHosts(snapshot: Snapshot, read: Read, { qmailconfig }: Control): Problem[] {
  const problems: Problem[] = []
  const compiled = snapshot.files.get('morercpthosts.cdb')
  if (!snapshot.files.has('rcpthosts') && !snapshot.unreadable.has('rcpthosts') && !qmailconfig.rcpthostsFromDb) {
    problems.push(error(
      'control/rcpthosts', 'the file is missing, which in qmail means an open relay: mail for every domain would be accepted',
      'list the domains you take mail for in control/rcpthosts (an empty file means none), or let rcpthosts_from_db in control/qmailconfig say yes',
    ))
  }
  if (compiled !== undefined && read('morercpthosts') === undefined && openCdb(compiled) === undefined) {
    problems.push(error(
      'control/morercpthosts.cdb', 'this is not a cdb file, or it is damaged',
      'put the source in place as control/morercpthosts; compiling is not needed',
    ))
  }
  return problems
}

function checkRelay(control: Control): Problem[] {
  if (!control.smtpconfig.some(([name]) => name === 'RELAYCLIENT')) return []
  return [warning(
    'control/smtpconfig', 'RELAYCLIENT here holds for every client and makes this server an open relay',
    'set it for your own networks in control/smtp-tcprules',
  )]
}

/** qmail-sql's name for the file is a link to the new one, or the new one is not there. */
function checkTwoNames({ files }: Snapshot): Problem[] {
  const [current, old] = [files.get('qmailconfig'), files.get('sqlserver')]
  if (current === undefined || old === undefined || current.equals(old)) return []
  return [warning(
    'control/sqlserver', 'control/qmailconfig is there too and says something else; only that one is read',
    'remove one, or make it a link: ln -sf qmailconfig control/sqlserver',
  )]
}

/** File contents in a message: short, and no control characters. */
function shown(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is replaced
  const clean = text.replace(/[\x00-\x1f\x7f]/g, '?')
  return clean.length > 80 ? `${clean.slice(0, 80)}…` : clean
}

function error(file: string, reason: string, mend: string, line?: number): Problem {
  return { severity: 'error', file, reason, mend, ...(line === undefined ? {} : { line }) }
}

function warning(file: string, reason: string, mend: string, line?: number): Problem {
  return { ...error(file, reason, mend, line), severity: 'warning' }
}
