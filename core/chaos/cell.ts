/** One cell of the matrix: a fault at a stage in a runtime, as a plugin list with its files. */
import { parsePluginList, SECTIONS, type OnError, type Section } from '../../protocol/spp/list.ts'
import { printOptions } from '../../protocol/spp/options.ts'
import { sectionName } from '../host/loader.ts'
import type { Runtime } from '../host/types.ts'
import { DEFAULT_TIMEOUT_MS, RUNTIMES, STAGES, type ChaosFault, type Form, type Stage } from './fault.ts'
import { pluginSource } from './plugin-forms.ts'
import { programSource } from './program-forms.ts'

/** Where everything that is made for the matrix stands in the copy: a sandbox reads below `plugins/` only. */
export const PLACE = 'plugins/helios-chaos'

export interface Cell {
  /** Unique in a run. */
  readonly id: string
  readonly fault: ChaosFault
  readonly form: Form
  readonly stage: Stage
  readonly runtime: Runtime
  readonly onerror: OnError
  /** The sandbox's group, never the bystanders'; undefined in other runtimes. */
  readonly group: string | undefined
  /** The line without its options, as replies and the trace name it. */
  readonly text: string
  /** Relative to the home; the faulty line is its second. */
  readonly listFile: string
  readonly list: string
  readonly files: readonly CellFile[]
}

export interface CellFile {
  readonly name: string
  readonly content: string
  readonly executable: boolean
}

export const FAULTY_LINE = 2

export interface CellOptions {
  readonly faults: readonly ChaosFault[]
  readonly stages: readonly Stage[]
  readonly runtimes?: readonly Runtime[] | undefined
  /** For every line; without it the three take turns, so that each stage and each fault meets each of them. */
  readonly onerror?: OnError | undefined
  /** The operator's list without `[+deliver]`. */
  readonly list: string
}

/** A process for each plugin would be fifty at once. Those that end theirs do so in three, one after the other in each. */
const GROUPS = ['chaos-1', 'chaos-2', 'chaos-3'] as const
const GROUP = 'chaos'
const POLICIES: readonly OnError[] = ['tempfail', 'refuse', 'open']

export function makeCells({ faults, stages, runtimes = RUNTIMES, onerror, list }: CellOptions): readonly Cell[] {
  return faults.flatMap((fault, row) => stages.flatMap((stage) => RUNTIMES.flatMap((runtime): readonly Cell[] => {
    const form = fault.forms[runtime]
    if (form === undefined || !runtimes.includes(runtime)) return []
    return [makeCell(fault, form, stage, runtime, onerror ?? POLICIES[(row + STAGES.indexOf(stage)) % POLICIES.length]!, list)]
  })))
}

function makeCell(fault: ChaosFault, form: Form, stage: Stage, runtime: Runtime, onerror: OnError, list: string): Cell {
  const id = `${runtime}-${stage}-${fault.name}`
  const listFile = `${PLACE}/lists/${id}`
  const file = fileOf(fault, form, stage, runtime)
  const ending = form.endsProcess === true ? GROUPS[STAGES.indexOf(stage) % GROUPS.length] : GROUP
  const group = runtime === 'sandbox' ? ending : undefined
  const options = printOptions({
    timeout: form.timeoutMs ?? DEFAULT_TIMEOUT_MS, onerror,
    ...(runtime === 'worker' ? { protocol: 'spp2' as const } : {}), ...(runtime === 'inline' ? { trusted: true } : {}),
    ...(group === undefined ? {} : { group }),
  })
  return {
    id, fault, form, stage, runtime, onerror, group, listFile, text: file.name, files: [file],
    list: `[${sectionName(stage)}]\n${options} ${file.name}\n${wholeList(upTo(stage, list))}`,
  }
}

function fileOf({ name }: ChaosFault, form: Form, stage: Stage, runtime: Runtime): CellFile {
  if (runtime === 'program' || runtime === 'worker') {
    return { name: `${PLACE}/${runtime}/${stage}/${name}`, content: programSource(form.text), executable: true }
  }
  // A plugin that ends processes rests after some; its text is another one for each stage, so that each begins anew.
  const own = form.endsProcess === true ? `${name}-${stage}` : name
  return { name: `${PLACE}/${runtime}/${own}.ts`, content: pluginSource(`chaos-${own}`, form.text), executable: false }
}

/** The operator's lines, and a delivery that throws away. The header that is none keeps lines before their first header from being run. */
export function wholeList(list: string): string {
  return `[-]\n${list}${list === '' || list.endsWith('\n') ? '' : '\n'}[+deliver]\n:cat >/dev/null; echo O\n`
}

/** An operator's list as it is, its lines of `[+deliver]` emptied. */
export function withoutDelivery(content: string): string {
  return only(content, (section) => section !== 'deliver')
}

/** What no session of a cell at this stage gets to need not be loaded. */
function upTo(stage: Stage, list: string): string {
  const last: Section = stage === 'rcpt' ? 'pass' : stage === 'data' ? 'message' : stage
  return only(list, (section) => SECTIONS.indexOf(section) <= SECTIONS.indexOf(last))
}

/** The other lines are emptied. */
function only(content: string, wanted: (section: Section) => boolean): string {
  const lines = content.split('\n')
  for (const { section, line } of parsePluginList(content).entries) if (!wanted(section)) lines[line - 1] = ''
  return lines.join('\n')
}

/** Stages for which the list has a line. */
export function stagesOf(content: string): readonly Stage[] {
  const sections = new Set<string>(parsePluginList(content).entries.map(({ section }) => section))
  return STAGES.filter((stage) => sections.has(stage))
}
