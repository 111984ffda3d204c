import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'
import { play } from '../harness/transcript.ts'

const EXAMPLES = join(import.meta.dirname, '..', '..', 'docs', 'examples')

/** The same list, server and talk, whichever protocol the program is asked by. */
for (const options of ['', '@protocol=spp2 ']) {
  test(`a limit on recipients: ${options}plugins/maxrcpts.sh`, async () => {
    const home = await makeHome({
      'control/smtpconfig': 'export MAXRECIPIENTS=2\n',
      'control/smtpplugins': `[rcpt]\n${options}plugins/maxrcpts.sh\n[+deliver]\n:echo O\n`,
      ...Object.fromEntries(['maxrcpts.sh', 'spp2.sh'].map((file) => [`plugins/${file}`, readFileSync(join(EXAMPLES, file), 'utf8')])),
    })
    const server = await startServer(home)
    for (let client = 0; client < 2; client++) {
      await play(await server.connect(), [
        '< G', '> M', '< 250 ok', '> RCPT TO:<a@local.example>', '< 250 ok', '> RCPT TO:<b@local.example>', '< 250 ok',
        '> RCPT TO:<c@local.example>', '< 550 sorry, too many recipients (#5.7.1)',
        '> RSET', '< 250 flushed', '> M', '< 250 ok', '> U', '< 250 ok',
      ])
    }
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
  })
}
