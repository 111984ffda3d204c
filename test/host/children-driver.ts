/** Plays the server that is killed: starts a broker, tells its process id, runs one shell line. usage: children-driver.ts HOME LINE */
import { Broker } from '../../core/host/children/broker.ts'
import { ENV } from './children-kit.ts'

const [home, text] = process.argv.slice(2) as [string, string]
const log = { info: () => undefined, warn: (message: string) => void process.stderr.write(`${message}\n`) }
const broker = await Broker.start({ log })
process.stdout.write(`${broker.pid}\n`)
await broker.run({ form: 'shell', text, cwd: home, env: ENV, timeoutMs: 600_000 })
