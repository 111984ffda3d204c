/**
 * Runs the tests: those beside the sources, then those under test/, each file in a process of its own. Prints what was
 * skipped, for a skip is easily missed; with HELIOS_PEERS=require a missing program is a failure.
 *
 * usage: node test/run.ts [unit | stories] [file…]
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const [which, ...files] = process.argv.slice(2)
const found = (patterns: string[]): string[] => globSync(patterns, { cwd: root, exclude: (name) => name.includes('node_modules') }).toSorted()

const unit = found(['{protocol,config,core,plugins}/**/*.test.ts'])
const stories = found(['test/**/*.test.ts'])
const runs: readonly (readonly [name: string, files: readonly string[]])[] = [['unit', unit], ['stories', stories]]
/** What only a hang meets; tests that are long by nature say so themselves. */
const LONGEST_MS = 240_000
/** So many are named with their time, for who wants the tests quicker. */
const SLOWEST = 12

let status = 0
for (const [name, all] of runs) {
  if (which !== undefined && which !== name) continue
  const chosen = files.length === 0 ? all : all.filter((file) => files.some((part) => file.includes(part)))
  if (chosen.length === 0) continue
  const run = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', '--test', '--test-reporter=dot', '--test-reporter-destination=stderr',
    '--test-reporter=spec', '--test-reporter-destination=stdout', '--test-concurrency=2', `--test-timeout=${LONGEST_MS}`, ...chosen], {
    cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 1 << 28,
    // Hundreds of processes read the same sources.
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'helios') },
  })
  report(run.stdout)
  if (run.status !== 0) status = 1
}
process.exitCode = status

/** The failures, the closing lines, and what took longest; each passed test by name would bury them. */
function report(output: string): void {
  const from = output.indexOf('✖ failing tests:')
  const lines = output.split('\n')
  for (const line of lines.filter((text) => text.startsWith('SKIPPED:'))) console.log(line)
  for (const line of lines.filter((text) => /^ℹ (tests|pass|fail|cancelled|skipped|duration_ms) /.test(text))) console.log(line)
  if (from >= 0) console.log(output.slice(from))
  const tests = [...output.matchAll(/^[✔✖▶] (.*) \((\d+)(?:\.\d+)?ms\)/gm)].map(([, name, ms]) => ({ name, ms: Number(ms) }))
  for (const { name, ms } of tests.toSorted((one, other) => other.ms - one.ms).slice(0, SLOWEST)) console.log(`${(ms / 1000).toFixed(0).padStart(5)} s  ${name}`)
}
