/** Builds dist/ for the package: compiled sources, and the files beside them that are read at run time. */
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const RUNNER = join('core', 'host', 'runtimes', 'sandbox', 'runner.js')

rmSync(dist, { recursive: true, force: true })
execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'test', 'tsconfig.build.json')], { stdio: 'inherit' })
cpSync(join(root, 'config', 'defaults'), join(dist, 'config', 'defaults'), { recursive: true })
cpSync(join(root, RUNNER), join(dist, RUNNER))
for (const page of globSync('plugins/*/README.md', { cwd: root })) cpSync(join(root, page), join(dist, page))
