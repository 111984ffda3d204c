/**
 * All sandboxes of a server: which texts are loaded, in which processes, and for whom. Processes belong to texts, not
 * to generations: what nobody refers to any more is dropped, what stays the same stays where it is.
 */
import { join, sep } from 'node:path'
import type { Control } from '../../../../config/control.ts'
import type { Problem } from '../../../../config/problem.ts'
import type { Log } from '../../../plugin/plugin.ts'
import { bundleOnce, type BundleCache, type PluginText } from './bundle.ts'
import { Child } from './child.ts'
import { Group } from './group.ts'
import { SANDBOX_LIMITS, type SandboxLimits } from './limits.ts'
import type { StartProcess } from './program.ts'
import { prove, type Proved } from './prove.ts'
import { SourceMap } from './source-map.ts'
import { explain, KnownText, Lease, type Unit } from './unit.ts'
import type { ControlReport, Description } from './wire.ts'

export interface SandboxesOptions {
  readonly start: StartProcess
  readonly log: Log
  readonly limits?: Partial<SandboxLimits>
  /** Keep a started process in reserve while plugins are loaded, so that a restart costs no wait. Default true. */
  readonly spare?: boolean
}

export interface LoadOptions {
  /** Absolute path of the plugin below `<home>/plugins`. */
  readonly file: string
  readonly home: string
  readonly control: Pick<Control, 'read' | 'unreadable'>
  /** `group=` of the line; empty for a process of its own. */
  readonly group: string
  /** Of the generation that is being built; without it every load bundles. */
  readonly bundles?: BundleCache | undefined
}

export interface LoadedSandbox {
  /** Undefined where a problem is an error. */
  readonly lease?: Lease
  readonly problems: readonly Problem[]
  /** Files whose edit may change what was found here, absolute. */
  readonly files: readonly string[]
}

export class Sandboxes {
  readonly #start: StartProcess
  readonly #log: Log
  readonly limits: SandboxLimits
  readonly #wantsSpare: boolean
  readonly #units = new Map<string, Unit>()
  readonly #leases = new Map<Unit, number>()
  /** By what `groupNameOf` says. */
  readonly #groups = new Map<string, Group>()
  /** Of plugins that have ended a process of others. */
  readonly #isolated = new Map<Unit, Group>()
  /** Lines of a generation hold the leases; a generation ends when its last session does, and only memory tells. */
  readonly #lost = new FinalizationRegistry<Unit>((unit) => this.#letGo(unit))
  #spare: Promise<Child> | undefined
  #closed = false

  constructor(options: SandboxesOptions) {
    this.#start = options.start
    this.#log = options.log
    this.limits = { ...SANDBOX_LIMITS, ...options.limits }
    this.#wantsSpare = options.spare !== false
  }

  /**
   * Bundles the plugin and, where text or control files are new, tries it in a process of its own. Never rejects:
   * what is wrong comes back as problems, with file and line.
   */
  async load(options: LoadOptions): Promise<LoadedSandbox> {
    const bundled = await bundleOnce(options.bundles ?? new Map(), options.file, options.home)
    const files = bundled.files
    if (bundled.text === undefined) return { problems: bundled.problems, files }
    const known = this.#find(bundled.text, options)
    if (known !== undefined) return { lease: this.#lend(known), problems: known.controlProblems, files }
    const proved = await this.#prove(bundled.text, options)
    if (!proved.ok) return { problems: [problemOf(proved, bundled.text, options)], files }
    const unit = this.#keep(bundled.text, proved, options)
    const problems = unit.controlProblems
    return problems.some(({ severity }) => severity === 'error') ? { problems, files } : { lease: this.#lend(unit), problems, files }
  }

  /** Texts with their control files that somebody refers to. */
  get size(): number {
    return this.#units.size
  }

  /** Processes in which plugins are asked. */
  get pids(): readonly number[] {
    return this.#allGroups().flatMap(({ pids }) => pids)
  }

  /** Ends every process. Calls that are still open fail. */
  async close(): Promise<void> {
    this.#closed = true
    const spare = this.#spare
    this.#spare = undefined
    await Promise.all([...this.#allGroups().map((group) => group.close()), endSpare(spare)])
  }

  #find({ hash }: PluginText, options: LoadOptions): Unit | undefined {
    const text = this.#textOf(hash)
    if (text === undefined) return undefined
    return this.#units.get(keyOf(hash, groupNameOf(options), controlOf(text.description.control, options.control)))
  }

  #textOf(hash: string): KnownText | undefined {
    for (const { text } of this.#units.values()) if (text.hash === hash) return text
    return undefined
  }

  async #prove({ text }: PluginText, { control }: LoadOptions): Promise<Proved> {
    try {
      return await prove(await this.#takeChild(), text, (declared) => controlOf(declared, control))
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause)
      return { ok: false, down: { kind: 'crashed', detail: `does not start: ${detail}` } }
    }
  }

  #keep(text: PluginText, proved: Proved & { readonly ok: true }, options: LoadOptions): Unit {
    const { description, report } = proved
    const group = groupNameOf(options)
    return {
      key: keyOf(text.hash, group, proved.control), control: proved.control,
      controlProblems: problemsOf(description.control, report, options.control), group: this.#groupOf(group, options.group !== ''),
      text: this.#textOf(text.hash) ?? new KnownText(text, description, this.limits),
    }
  }

  #allGroups(): readonly Group[] {
    return [...this.#groups.values(), ...this.#isolated.values()]
  }

  #groupOf(name: string, shared: boolean): Group {
    const known = this.#groups.get(name)
    if (known !== undefined) return known
    const group = new Group({
      name: `of ${name}`, limits: this.limits, log: this.#log, takeChild: () => this.#takeChild(),
      ...(shared && { isolate: (unit) => this.#isolate(unit) }),
    })
    this.#groups.set(name, group)
    return group
  }

  /** Until its text or its control files change, which makes another unit. */
  #isolate(unit: Unit): void {
    const { name } = unit.text.description
    unit.group = new Group({ name: `of ${name} alone`, limits: this.limits, log: this.#log, takeChild: () => this.#takeChild() })
    this.#isolated.set(unit, unit.group)
    this.#log.warn(`the plugin ${name} ended the process it shared: it has one of its own until it is edited`)
  }

  #lend(made: Unit): Lease {
    // Somebody else may have loaded the same meanwhile.
    const unit = this.#units.get(made.key) ?? made
    this.#units.set(unit.key, unit)
    if (this.#wantsSpare) unit.group.prepare(unit)
    this.#leases.set(unit, (this.#leases.get(unit) ?? 0) + 1)
    const lease: Lease = new Lease(unit, (ended) => {
      if (this.#lost.unregister(ended)) this.#letGo(unit)
    })
    this.#lost.register(lease, unit, lease)
    return lease
  }

  #letGo(unit: Unit): void {
    const left = (this.#leases.get(unit) ?? 0) - 1
    if (left > 0) return void this.#leases.set(unit, left)
    this.#leases.delete(unit)
    this.#units.delete(unit.key)
    unit.group.drop(unit)
    void this.#isolated.get(unit)?.close()
    this.#isolated.delete(unit)
    this.#forgetGroup(unit.group)
    if (this.#units.size > 0) return
    void endSpare(this.#spare)
    this.#spare = undefined
  }

  /** Without plugins it has no process. */
  #forgetGroup(group: Group): void {
    for (const unit of this.#units.values()) if (unit.group === group) return
    for (const [name, known] of this.#groups) if (known === group) this.#groups.delete(name)
  }

  /** A started process, from the reserve if there is one; another is started for the reserve. */
  async #takeChild(): Promise<Child> {
    const spare = this.#spare
    this.#spare = undefined
    const kept = await spare?.catch(() => undefined)
    if (this.#closed) {
      kept?.end()
      throw new Error('Helios is stopping')
    }
    if (this.#wantsSpare) {
      this.#spare ??= Child.start(this.#start, this.limits)
      this.#spare.catch(() => { this.#spare = undefined })
    }
    const child = kept?.alive === true ? kept : await Child.start(this.#start, this.limits)
    if (!this.#closed) return child
    child.end()
    throw new Error('Helios is stopping')
  }
}

async function endSpare(spare: Promise<Child> | undefined): Promise<void> {
  const child = await spare?.catch(() => undefined)
  child?.end()
  await child?.gone
}

/** Whose process it is: the group's, or the file's, for an edit goes on in the process of the text before it. */
function groupNameOf({ file, home, group }: LoadOptions): string {
  return group === '' ? nameIn(home, file) : `group ${group}`
}

/** As an operator names it: `plugins/mine.ts`. */
function nameIn(home: string, file: string): string {
  return file.startsWith(join(home, sep)) ? file.slice(home.length + 1) : file
}

function keyOf(hash: string, group: string, control: string): string {
  return `${hash} ${group} ${control}`
}

/** The control files that a plugin reads, as it is given them (JSON of `LoadControl`). */
function controlOf(declared: Description['control'], control: LoadOptions['control']): string {
  const files = declared.flatMap(({ name }) => {
    const content = control.unreadable.has(name) ? undefined : control.read(name)
    return content === undefined ? [] : [[name, content] as const]
  })
  return JSON.stringify({ files: Object.fromEntries(files) })
}

function problemsOf(declared: Description['control'], report: ControlReport, control: LoadOptions['control']): readonly Problem[] {
  const unreadable = declared.flatMap(({ name }): readonly Problem[] => {
    const reason = control.unreadable.get(name)
    if (reason === undefined) return []
    return [{ severity: 'error', file: `control/${name}`, reason: `it cannot be read: ${reason}`, mend: 'let the server\'s user read it' }]
  })
  return [...unreadable, ...report.problems.map(({ file, line, reason, mend, warning }): Problem => ({
    severity: warning === true ? 'warning' : 'error', file: `control/${file}`, ...(line > 0 && { line }), reason, mend,
  }))]
}

function problemOf(proved: Proved & { readonly ok: false }, { map }: PluginText, { file, home }: LoadOptions): Problem {
  const name = nameIn(home, file)
  const mend = 'mend the plugin, or put # before its line in the list'
  if ('down' in proved) return { severity: 'error', file: name, reason: `it does not load: its process ${proved.down.detail}`, mend }
  const decoded = new SourceMap(map)
  const place = decoded.first(proved.thrown.at)
  const reason = `it does not load: ${explain({ ...proved.thrown, at: [] }, decoded)}`
  return { severity: 'error', file: place?.file ?? name, ...(place !== undefined && { line: place.line }), reason, mend }
}
