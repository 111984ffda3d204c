/**
 * A server at work for half an hour: 50 messages a second, a reload each minute, a plugin that fails in every way. Says what
 * was lost, what hung, and how memory went.
 *
 * usage: node test/bench/soak.ts [minutes] [messages a second]
 */
import { soak } from '../harness/soak.ts'

const [minutes = 30, rate = 50] = process.argv.slice(2).map(Number)
const report = await soak({ seconds: minutes * 60, rate, reloadSeconds: 60, progress: (line) => console.log(line) })
console.log(`${report.sent} sent, ${report.promised} promised, ${report.delivered} delivered, ${report.lost.length} lost, ${report.stuck} stuck, ${report.reloads} reloads`)
for (const reply of report.wrong) console.log(`unexpected: ${reply}`)
console.log(`memory: ${report.memory[0]?.mib.toFixed(1)} MiB at the start, ${report.memory.at(-1)?.mib.toFixed(1)} at the end, ${report.slope.toFixed(2)} MiB in ten minutes`)
process.exitCode = report.lost.length + report.stuck + report.wrong.length > 0 ? 1 : 0
