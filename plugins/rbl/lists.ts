/**
 * The variables that name lists: `SMTPRBLS` and `SMTPDBLS`. Blank-separated as in the Helios manual, with rblsmtpd's
 * `zone`, `zone:text`, `-r zone` and `-a zone`, and return codes and a score behind the zone:
 *
 *   zone[=code,code..code][;score=N][:text]
 *
 * A text with blanks stands in quotes, single or double, anywhere in the word: `zone:"no mail from %IP%"`.
 */
import type { Parsed, Setting } from '../../core/plugin/index.ts'
import { questionName } from '../../protocol/dns/name.ts'
import { parseIPv4 } from '../../protocol/qmail/ip.ts'

export interface List {
  /** In lower case, without a dot at its end. */
  readonly zone: string
  /** A hit here lets the client through, whatever the others say. */
  readonly allow: boolean
  /** Which return codes are hits; none: every code that is a listing. */
  readonly codes: readonly Codes[]
  /** What a hit counts, from -1000 to 1000. */
  readonly score: number
  /** What a client is told instead of the list's own words; `%IP%` and `%DOMAIN%` stand for what is listed. */
  readonly text: string | undefined
}

/** Addresses as numbers, both ends included. */
export interface Codes {
  readonly from: number
  readonly to: number
}

/** 32 nibbles with their dots and one before the zone: 64 of 253 characters. */
const LONGEST_ZONE = 189
const MOST_SCORE = 1000

export function lists(about: string): Setting<readonly List[]> {
  return { about, form: 'zones with a blank between them, each zone[=codes][;score=N][:text]; -a before one that lets clients through', parse: parseLists }
}

export function parseLists(text: string): Parsed<readonly List[]> {
  const words = splitWords(text)
  if (words === undefined) return wrong('a quote is opened and not closed', 'close it, or write the text without quotes and without blanks')
  const found: List[] = []
  let option: string | undefined
  for (const word of words) {
    if (option === undefined && word.startsWith('-')) {
      const joined = /^-[ar](.+)$/s.exec(word)?.[1]
      if (joined === undefined && !/^-[ar]$/.test(word)) return wrong(`${word.slice(0, 20)} is no option here`, OTHER_OPTIONS)
      option = word.slice(0, 2)
      if (joined === undefined) continue
    }
    const list = parseList(word.startsWith('-') ? word.slice(2) : word, option === '-a')
    if ('reason' in list) return wrong(list.reason, list.mend)
    found.push(list)
    option = undefined
  }
  return option === undefined ? { ok: true, value: found } : wrong(`behind ${option} there is no zone`, `write ${option} zone.example`)
}

const OTHER_OPTIONS = 'rblsmtpd\'s -a and -r are known; for -b and -B write RBLREPLY=permanent or temporary, for -c and -C RBLUNKNOWN=later or accept'

type Wrong = { readonly reason: string; readonly mend: string }

function wrong(reason: string, mend: string): Parsed<never> {
  return { ok: false, reason, mend }
}

/** Words between blanks; quotes keep blanks and disappear. Undefined when one is not closed. */
function splitWords(text: string): readonly string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (const character of text) {
    if (quote !== undefined) {
      if (character === quote) quote = undefined
      else word += character
    } else if (character === '"' || character === '\'') {
      quote = character
      word ??= ''
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      word = (word ?? '') + character
    }
  }
  if (word !== undefined) words.push(word)
  return quote === undefined ? words : undefined
}

function parseList(word: string, allow: boolean): List | Wrong {
  const parts = /^([^=;:]*)(?:=([^;:]*))?((?:;[^;:]*)*)(?::(.*))?$/s.exec(word)
  if (parts === null) return { reason: `"${word}" is no list`, mend: 'write zone.example, or zone.example=127.0.0.2;score=3:text' }
  const [, name, codesText, options, text] = parts
  const zone = questionName(name!)
  if (zone === undefined || zone.length > LONGEST_ZONE || /[^a-z0-9._-]/.test(zone) || parseIPv4(zone) !== undefined) {
    return { reason: `"${name!}" is no zone of a list`, mend: 'write the name of a list\'s zone, such as zen.example' }
  }
  const codes = codesText === undefined ? [] : codesText.split(',').map(parseCodes)
  if (codes.some((each) => each === undefined)) {
    return { reason: `"${codesText!}" are no return codes of ${zone}`, mend: 'write addresses or ranges within 127.0.0.0/8, such as 127.0.0.2,127.0.0.4..8' }
  }
  const score = parseScore(options!, allow)
  if (typeof score !== 'number') return { reason: `${zone}: ${score.reason}`, mend: score.mend }
  return { zone, allow, codes: codes as readonly Codes[], score, text: text === '' ? undefined : text }
}

/** `127.0.0.2`, `127.0.0.4..8` or `127.0.0.4..127.0.1.255`; undefined for what no list answers when it means a listing. */
function parseCodes(text: string): Codes | undefined {
  const [first, last = first, more] = text.split('..') as [string, string?, string?]
  const from = parseIPv4(first)
  const to = parseIPv4(/^[0-9]{1,3}$/.test(last) ? first.replace(/[0-9]+$/, last) : last)
  if (from === undefined || to === undefined || more !== undefined || from > to || from >>> 24 !== 127 || to >>> 24 !== 127) return undefined
  return { from, to }
}

function parseScore(options: string, allow: boolean): number | Wrong {
  if (options === '') return 1
  const digits = /^;score=(-?[0-9]{1,4})$/.exec(options)?.[1]
  const score = Number(digits)
  if (digits === undefined || Math.abs(score) > MOST_SCORE) {
    return { reason: `"${options.slice(1)}" is no option of a list`, mend: `write ;score=N once, N a whole number from -${MOST_SCORE} to ${MOST_SCORE}` }
  }
  return allow ? { reason: 'a list behind -a has no score: it lets clients through', mend: 'remove either' } : score
}
