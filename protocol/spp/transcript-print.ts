/** A test file as text. */
import type { Expected, Given, Transcript } from './transcript.ts'
import { printDns } from './transcript-dns.ts'
import { NOTHING } from './transcript-expected.ts'
import { printHook } from './transcript-words.ts'

/** A file that `parseTranscript` reads back as this (line numbers aside). */
export function printTranscript({ always, cases }: Transcript): string {
  const blocks = cases.map(({ title, given, expected }) => [
    ...(title === undefined ? [] : [`# ${title}`]), ...printGiven(given), ...printExpected(expected),
  ])
  const background = printGiven(always)
  if (background.length > 0) blocks.unshift(['always', ...background])
  return blocks.map((lines) => `${lines.join('\n')}\n`).join('\n')
}

/** The lines that expect this outcome; never none. */
export function printExpected({ answer, fault, slept, delivered }: Expected): readonly string[] {
  const answered = answer.length === 0 ? [`> ${NOTHING}`] : answer.map((text) => `> ${text}`)
  return [
    ...(fault === undefined ? answered : [fault === 'any' ? 'fault' : `fault ${fault}`]),
    ...(slept === undefined ? [] : [`slept ${slept}`]),
    ...(delivered === undefined ? [] : [`delivered ${delivered.length === 0 ? 'nothing' : delivered.join(' ')}`]),
  ]
}

function printGiven(given: Given): string[] {
  return [
    ...(given.hook === undefined ? [] : [`hook ${printHook(given.hook)}`]),
    ...given.env.map(([name, value]) => (value === undefined ? `unset ${name}` : `${name}=${value}`)),
    ...given.accepted.map((address) => `accepted ${address}`),
    ...given.accounts.map(({ address, inactive, quota }) =>
      `account ${address}${inactive === true ? ' inactive' : ''}${quota === undefined ? '' : ` quota=${quota}`}`),
    ...given.domains.map((domain) => `domain ${domain}`),
    ...(given.accountsUnavailable === true ? ['unavailable accounts'] : []),
    ...given.dns.map(printDns),
    ...given.counted.map(({ key, amount, seconds }) => `counted ${amount}/${seconds}s ${key}`),
    ...given.stored.map(([key, value]) => `stored ${key} = ${value}`),
    ...(given.storeUnavailable === true ? ['unavailable store'] : []),
    ...given.control.flatMap(([name, content]) =>
      content === '' ? [`control ${name}`] : linesOf(content).map((text) => `control ${name}: ${text}`)),
    ...(given.now === undefined ? [] : [`now ${new Date(given.now).toISOString()}`]),
    ...(given.random === undefined ? [] : [`random ${given.random.join(' ')}`]),
    ...(given.timeout === undefined ? [] : [`timeout ${given.timeout % 1000 === 0 ? `${given.timeout / 1000}s` : `${given.timeout}ms`}`]),
    ...(given.leaves === undefined ? [] : [`leaves ${given.leaves}`]),
    ...(given.message === undefined ? [] : linesOf(given.message).map((text) => (text === '' ? '|' : `| ${text}`))),
  ]
}

/** Without their LF, which the last one has, too. */
function linesOf(content: string): readonly string[] {
  return content.split('\n').slice(0, -1)
}
