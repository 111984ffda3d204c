/**
 * What reloads cost in the long run: a sandboxed plugin of 60 KB is edited again and again, each edit answered to the next
 * client, and the memory of the server and the number of its children are looked at on the way.
 *
 * usage: node test/bench/reloads.ts [reloads]
 */
import { readFileSync } from 'node:fs'
import { descendantsOf } from '../../core/chaos/processes.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'

/** Reloads after which a server has the size it keeps: code is compiled and pools are filled. */
const WARM_UP = 200
const EVERY = 100

function pluginText(edit: number): string {
  return `import { definePlugin, print } from 'helios-mail/plugin'

const FILLER = ${JSON.stringify(Array.from({ length: 1000 }, (_, i) => `line ${i} of a plugin that is ${edit} edits old, and long`))}

export default definePlugin({
  name: 'long',
  summary: 'Says how often it was edited.',
  helo: () => print('250-edit ${edit}, ' + FILLER.length),
})
`
}

const reloads = Number(process.argv[2] ?? 2000)
const source = pluginText(0)
const home = await makeHome({ 'control/smtpplugins': '[helo]\nplugins/long.ts\n', 'plugins/long.ts': source })
const server = await startServer(home)

async function newcomerHears(): Promise<string> {
  const client = await server.connect()
  await client.reply()
  client.send('HELO x\r\n')
  const [said] = await client.reply()
  await client.leave()
  return said!
}

function residentMiB(): number {
  return Number(/^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))![1]) / 1024
}

try {
  console.log(`a plugin of ${Math.round(source.length / 1024)} KB, ${WARM_UP} + ${reloads} reloads`)
  let warm = 0
  const begun = performance.now()
  for (let edit = 1; edit <= WARM_UP + reloads; edit++) {
    await home.write('plugins/long.ts', pluginText(edit))
    const said = await newcomerHears()
    if (said !== `250-edit ${edit}, 1000`) throw new Error(`after edit ${edit} a client hears ${said}`)
    if (edit === WARM_UP) warm = residentMiB()
    if (edit % EVERY === 0) {
      const children = await descendantsOf(server.pid)
      console.log(`${edit} reloads: ${residentMiB().toFixed(1)} MiB, ${children.length} children, ${((performance.now() - begun) / edit).toFixed(0)} ms each`)
    }
  }
  console.log(`${reloads} reloads made the server grow by ${(residentMiB() - warm).toFixed(1)} MiB`)
} finally {
  await server.stop()
}
