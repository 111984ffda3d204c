/** Several processes under TLS, with logins, and with one that stands still: what they share beside connections and files. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { openSqlite } from '../../core/accounts/database.ts'
import { hashPassword } from '../../core/accounts/passwords.ts'
import { SmtpClient } from '../client/smtp-client.ts'
import { certificateFiles, makeCertificate, tlsFiles } from '../harness/certificates.ts'
import { hello, served, start, statusFile, until, WHO, type Served } from './workers-kit.ts'

const LISTENER = { service: 'smtp', host: '127.0.0.1', port: 0 }
const asked = { certificates: [{ cert: 'tls/test.pem', key: 'tls/test.key' }], CAfile: 'tls/friend.pem' }
const friend = makeCertificate(['friend.example'])
const { home, server } = await start({
  'control/smtpplugins': `[helo]\n${WHO}\n`, ...tlsFiles(), ...certificateFiles({ friend }),
}, {
  listeners: [
    { ...LISTENER, tls: 'starttls', auth: 'always' }, { ...LISTENER, tls: true },
    { ...LISTENER, tls: { mode: 'implicit', ...asked, verify: 2 } }, { ...LISTENER, tls: { mode: 'implicit', ...asked, verify: 1 } },
  ],
})
const [STARTTLS, IMPLICIT, FRIENDS, PERHAPS] = server.ports as [number, number, number, number]
const database = openSqlite(home.path)
await database.write.insertInto('passwd').values({ login: 'ann', virtual_host: 'local.example', startdate: null, password: await hashPassword('right') }).execute()
await database.close()

interface Secure extends Served {
  readonly socket: TLSSocket
  /** The last ticket that came, as node:tls hands it back. */
  readonly session: Buffer
}

async function secure(port: number, options: ConnectionOptions): Promise<Secure> {
  const client = await SmtpClient.connect(port)
  if (port === STARTTLS) {
    await client.reply()
    assert.equal(await client.command('STARTTLS'), '220 ready for tls')
  }
  try {
    const socket = await client.secure(options)
    // Those of TLS 1.3 come behind a whole handshake.
    const ticket = socket.getProtocol() === 'TLSv1.3' && !socket.isSessionReused() ? once(socket, 'session') as Promise<[Buffer]> : [socket.getSession()!]
    const greeted = async (): Promise<number> => {
      if (port !== STARTTLS) await client.reply()
      return Number((await hello(client))[0]!.slice(4))
    }
    const [[session], pid] = await Promise.all([ticket, greeted()])
    return { client, pid, socket, session }
  } catch (cause) {
    await client.leave()
    throw cause
  }
}

describe('two processes', { concurrency: true }, () => {
  for (const [name, port] of [['STARTTLS', STARTTLS], ['TLS from the first byte', IMPLICIT]] as const) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      test(`${name}, ${version}: a session is taken up again by another process`, async () => {
        const versions = { minVersion: version, maxVersion: version }
        const first = await secure(port, versions)
        assert.equal(first.socket.isSessionReused(), false)
        await first.client.leave()
        await until(async () => {
          const again = await secure(port, { ...versions, session: first.session })
          assert.equal(again.socket.isSessionReused(), true)
          await again.client.leave()
          return again.pid !== first.pid
        })
      })
    }
  }

  test('a session is not taken up where more is asked of the client', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const versions = { minVersion: version, maxVersion: version }
      const stranger = await secure(IMPLICIT, versions)
      const perhaps = await secure(PERHAPS, versions)
      await Promise.all([stranger, perhaps].map(({ client }) => client.leave()))
      for (const { session } of [stranger, perhaps]) await assert.rejects(secure(FRIENDS, { ...versions, session }), 'it needs a certificate')
      const own = await secure(FRIENDS, { ...versions, ...friend })
      await own.client.leave()
      // The same ticket, to each process.
      const pids = new Set<number>()
      await until(async () => {
        const again = await secure(FRIENDS, { ...versions, session: own.session })
        assert.equal(again.socket.isSessionReused(), true)
        await again.client.leave()
        return pids.add(again.pid).size === 2
      })
    }
  })

  test('failed logins of a network are counted over all processes', async () => {
    const options = { from: '127.0.9.1' }
    const wrong = `AUTH PLAIN ${Buffer.from('\0ann@local.example\0wrong').toString('base64')}`
    const one = await served(server, options)
    const other = await until(async () => {
      const found = await served(server, options)
      return found.pid === one.pid ? undefined : found
    })
    assert.equal(await one.client.command(wrong), '535 authentication failed (#5.7.8)')
    const since = performance.now()
    assert.equal(await other.client.command(wrong), '535 authentication failed (#5.7.8)')
    // However slow the machine is, it is not sooner.
    assert.ok(performance.now() - since >= 950, 'the second try of a network waits a second, whichever process it comes to')
    await until(async () => {
      const { client } = await served(server, options)
      client.send(`${wrong}\r\n`)
      // Who does not wait for the answer has failed as well.
      await client.leave()
      return server.stderr().includes('many failed logins from 127.0.9.1: ')
    })
  })

  test('a process that stands still is replaced, and the others serve meanwhile', async () => {
    const still = await start({ 'control/smtpplugins': `[helo]\n${WHO}\n` }, { stuckSeconds: 10 })
    const stuck = await served(still.server)
    process.kill(stuck.pid, 'SIGSTOP')
    assert.notEqual((await served(still.server)).pid, stuck.pid)
    assert.equal(await stuck.client.rest(), '', 'ends with its process')
    await until(async () => (await statusFile(still.home))?.workers.every(({ pid }) => pid !== undefined && pid !== stuck.pid))
    await still.server.told(new RegExp(`server process \\d \\(pid ${stuck.pid}\\) is stuck and is ended`))
    assert.equal((await still.server.stop()).code, 0)
  })
})
