/** Runs the blocks of one page in a scratch directory, in their order, as a reader would. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { missingFrom } from './output.ts'
import { ROOT, type Block, type Page } from './pages.ts'

/** Only a hang meets this. */
const PATIENCE_MS = 60_000
/** What the pages write for the address that the server listens on; a test lets the system choose the port. */
const SHOWN_ADDRESS = '127.0.0.1:2525'

interface Ran {
  readonly output: string
  readonly status: number | null
}

/**
 * Plays a page. Rejects with an assertion that names page and line.
 * @param installed the directory of the package that the page's `helios` and `helios-mail` are; this checkout when absent
 */
export async function playPage(page: Page, installed?: string): Promise<void> {
  const scratch = await Scratch.make(installed)
  try {
    const marked = page.blocks.filter(({ mark }) => mark !== undefined)
    for (const [index, block] of marked.entries()) {
      const place = `${page.path}:${block.line}`
      if (block.mark === 'test waits') await scratch.wait(block, marked[index + 1], place)
      else await scratch.take(block, place)
    }
  } finally {
    await scratch.remove()
  }
}

class Scratch {
  readonly #path: string
  readonly #servers: { readonly child: ChildProcess; readonly said: () => string }[] = []
  #address = SHOWN_ADDRESS
  #last: () => string = () => ''

  private constructor(path: string) {
    this.#path = path
  }

  /** A directory that looks like a checkout, as far as the pages go: docs/, the package's name, and the commands on PATH. */
  static async make(installed?: string): Promise<Scratch> {
    const path = await mkdtemp(join(tmpdir(), 'helios-docs-'))
    await mkdir(join(path, 'bin'))
    await mkdir(join(path, 'node_modules'))
    await symlink(join(ROOT, 'docs'), join(path, 'docs'))
    const library = join(path, 'node_modules', 'helios-mail')
    if (installed === undefined) await showCheckout(library)
    else await symlink(installed, library)
    await writeFile(join(path, 'any-port.json'), '{"listeners":[{"port":0}]}')
    const launcher = join(installed ?? ROOT, 'core', 'cli', 'helios.js')
    const commands: Readonly<Record<string, string>> = {
      node: `exec '${process.execPath}' "$@"`,
      // Ports are the system's choice; nothing else differs from what the page says.
      helios: `home=helios-home before= serve=
for word do [ "$before" != --home ] || home=$word; [ "$word" != serve ] || serve=yes; before=$word; done
if [ "$serve" ]; then
  settings='${path}/any-port.json'
  [ ! -f "$home/helios.config.json" ] || sed 's/"port": *[0-9]*/"port": 0/' "$home/helios.config.json" > "$settings"
  set -- --config "$settings" "$@"
fi
exec '${process.execPath}' '${launcher}' "$@"`,
      npx: 'shift\nexec helios "$@"',
      npm: '[ "$1" = ci ] || exec helios serve',
    }
    for (const [name, script] of Object.entries(commands)) await writeFile(join(path, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return new Scratch(path)
  }

  /** Runs the block until it succeeds and prints what the next one shows: a reader is slower than a delivery, a test is not. */
  async wait(block: Block, shown: Block | undefined, place: string): Promise<void> {
    const until = Date.now() + PATIENCE_MS
    for (;;) {
      const { output, status } = await this.#run(block.text)
      this.#last = () => output
      const missing = shown?.mark === 'output' ? missingFrom(output, shown.text) : undefined
      if (status === 0 && missing === undefined) return
      assert.ok(Date.now() < until, `${place}: status ${status}, ${missing ?? output}`)
      await pause(50)
    }
  }

  async take(block: Block, place: string): Promise<void> {
    const [word, ...more] = (block.mark ?? '').split(' ')
    const name = more.join(' ')
    switch (word) {
      case '': return
      case 'test': return this.#test(block.text, name, place)
      case 'write': return this.#write(name, block.text)
      case 'output': return this.#output(block.text, place)
      case 'file':
        assert.equal(block.text, await readFile(join(ROOT, name), 'utf8'), `${place}: the block is not ${name}`)
        return
      default: assert.fail(`${place}: no such mark: ${block.mark}`)
    }
  }

  async remove(): Promise<void> {
    for (const { child } of this.#servers) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      // The shell ends at once, the server it started when it has closed its files, and the pipes with the last of them.
      const ended = once(child, 'close')
      process.kill(-child.pid!, 'SIGTERM')
      const late = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), PATIENCE_MS)
      await ended
      clearTimeout(late)
    }
    await rm(this.#path, { recursive: true, force: true })
  }

  /** A server that runs on may print what is shown a moment later. */
  async #output(shown: string, place: string): Promise<void> {
    const until = Date.now() + (this.#last === this.#servers.at(-1)?.said ? PATIENCE_MS : 0)
    for (;;) {
      const missing = missingFrom(this.#last(), shown)
      if (missing === undefined) return
      assert.ok(Date.now() < until, `${place}: ${missing}`)
      await pause(20)
    }
  }

  async #test(script: string, how: string, place: string): Promise<void> {
    if (how === 'background') return this.#background(script, place)
    const { output, status } = await this.#run(script)
    this.#last = () => output
    assert.equal(status === 0, how !== 'fails', `${place}: status ${status}\n${output}\n${this.#servers.map((server) => server.said()).join('\n')}`)
  }

  async #run(script: string): Promise<Ran> {
    const child = this.#spawn(script)
    const late = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), PATIENCE_MS)
    const output = gather(child)
    const [status] = await once(child, 'close') as [number | null]
    clearTimeout(late)
    return { output: output(), status }
  }

  async #background(script: string, place: string): Promise<void> {
    const child = this.#spawn(script)
    const said = gather(child)
    this.#servers.push({ child, said })
    this.#last = said
    const until = Date.now() + PATIENCE_MS
    for (;;) {
      const address = /^listening smtp (\S+)$/m.exec(said())?.[1]
      if (address !== undefined) {
        this.#address = address
        return
      }
      assert.ok(child.exitCode === null && Date.now() < until, `${place}: the server did not start\n${said()}`)
      await pause(20)
    }
  }

  #spawn(script: string): ChildProcess {
    const text = `set -e\n${script.replaceAll(SHOWN_ADDRESS, this.#address)}`
    return spawn('/bin/sh', ['-c', text], {
      cwd: this.#path, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: `${join(this.#path, 'bin')}:${process.env['PATH']}`, HOME: this.#path, LANG: 'C.UTF-8', TZ: 'UTC' },
    })
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.#path, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    if (text.startsWith('#!')) await chmod(path, 0o755)
  }
}

/** The checkout as a package whose names lead to the sources. */
async function showCheckout(library: string): Promise<void> {
  await mkdir(library)
  for (const room of ['core', 'protocol', 'config', 'plugins']) await symlink(join(ROOT, room), join(library, room))
  await writeFile(join(library, 'package.json'), JSON.stringify({
    name: 'helios-mail', type: 'module',
    exports: { '.': './core/api/index.ts', './plugin': './core/plugin/index.ts', './plugin/testing': './core/plugin/testing/index.ts' },
  }))
}

/** What both streams say, the answers of standard output before the remarks of the other. */
function gather(child: ChildProcess): () => string {
  let answers = ''
  let remarks = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => { answers += text })
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { remarks += text })
  return () => answers + remarks
}
