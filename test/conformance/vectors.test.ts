/**
 * The 52 vectors of spp-protocol 15, to the byte: a listener in compat mode, the reply dialect off. They are numbered as
 * there; 19 to 21 and 22 to 23 are one session each.
 */
import { describe, test } from 'node:test'
import { deliverInto, deliveryPlace } from '../harness/delivered.ts'
import { makeHome } from '../harness/home.ts'
import { serveLists } from '../harness/lists.ts'
import { startServer } from '../harness/server.ts'
import { play } from '../harness/transcript.ts'
import { run, type Case } from './case.ts'
import { VECTORS } from './vectors.ts'

const SETTINGS = { listeners: [{ compat: 'qmail-spp' as const }], replyDialect: 'off' as const }
const LISTED = '553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)'

const BADMAILFROM: readonly Case[] = [
  {
    name: '38', about: 'badmailfrom is told at RCPT, before plugins', list: '[mail]\n:echo P250-mailplugin\n[rcpt]\n:echo P250-rcptplugin',
    talk: [
      '< G', '> M', '< 250-mailplugin', '< 250 ok', '> U', `< ${LISTED}`, '> MAIL FROM:<c@d.example>', '< 250-mailplugin', '< 250 ok',
      '> U', '< 250-rcptplugin', '< 250 ok',
    ],
  },
  { name: '39', about: 'O at MAIL skips badmailfrom', list: '[mail]\n:echo O', talk: ['< G', '> M', '< 250 ok', '> U', '< 250 ok'] },
]

const lists = await serveLists(VECTORS, { compat: 'qmail-spp', replyDialect: 'off' })
const listed = await serveLists(BADMAILFROM, {
  compat: 'qmail-spp', replyDialect: 'off', files: { 'control/badmailfrom': 'a@b.example\n' },
})
const bare = await makeHome({
  'control/smtpplugins': undefined, 'control/smtp-tcprules': '127.0.0.2:allow,NOSPP=""\n', ...deliveryPlace('none'),
}, SETTINGS)
const without = await startServer(bare)
const plain = await makeHome({
  'control/smtpplugins': `[rcpt]\n:echo "P250-$SMTPRCPTTO"\n[+deliver]\n${deliverInto('none')}\n`, ...deliveryPlace('none'),
}, SETTINGS)
const usual = await startServer(plain)

describe('spp-protocol 15', { concurrency: 4 }, () => {
  test('1: no list', async () => {
    await play(await without.connect(), ['< 421 unable to read controls (#4.3.0)', '= close'])
  })
  test('2: no list, and NOSPP set', async () => {
    await play(await without.connect({ from: '127.0.0.2' }), ['< G', '> EHLO', '< K'])
  })
  for (const vector of VECTORS) test(`${vector.name}: ${vector.about}`, () => run(lists, vector))
  for (const vector of BADMAILFROM) test(`${vector.name}: ${vector.about}`, () => run(listed, vector))
  test('a list at its usual place', async () => {
    await play(await usual.connect(), ['< G', '> M', '< 250 ok', '> U', '< 250-u@local.example', '< 250 ok'])
  })
})
