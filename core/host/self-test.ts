/** After a load: do the things work that the settings of plugins name? */
import type { Control } from '../../config/control.ts'
import type { Plugin } from '../plugin/plugin.ts'
import type { SettingsShape } from '../plugin/settings.ts'
import type { SessionTrace } from '../trace/types.ts'
import type { WorldFactory } from '../world/real.ts'
import type { Generation } from './generation.ts'
import { settingsReader } from './runtimes/settings.ts'

/** Tests after each load, and warns of what the test before has not said: a reload does not repeat the log. */
export class SelfTests {
  readonly #world: WorldFactory
  readonly #warn: (sentence: string) => void
  #said: readonly string[] = []

  constructor(world: WorldFactory, warn: (sentence: string) => void) {
    this.#world = world
    this.#warn = warn
  }

  /** Never rejects. */
  async run({ plugins, control }: Pick<Generation, 'plugins' | 'control'>): Promise<void> {
    const said = await selfTest(plugins, control, this.#world)
    for (const sentence of said) if (!this.#said.includes(sentence)) this.#warn(sentence)
    this.#said = said
  }
}

/** What plugins say against the settings of these control files, each sentence once, with the plugin's name before it. Never rejects. */
export async function selfTest(plugins: readonly Plugin[], control: Pick<Control, 'smtpconfig' | 'tcprules'>, world: WorldFactory): Promise<readonly string[]> {
  const found = await Promise.all(plugins.filter((plugin) => plugin.selfTest !== undefined).map(async (plugin) => {
    const complaints = await Promise.all(environments(plugin.settings ?? {}, control).map((env) => ask(plugin, env, world)))
    return complaints.flat().map((sentence) => `${plugin.name}: ${sentence}`)
  }))
  return [...new Set(found.flat())]
}

type Environment = Readonly<Record<string, string>>

/** Everybody's, and that of each rule that changes one of the plugin's settings. */
function environments(settings: SettingsShape, { smtpconfig, tcprules }: Pick<Control, 'smtpconfig' | 'tcprules'>): readonly Environment[] {
  const common = Object.fromEntries(smtpconfig)
  const own = tcprules.rules.map(({ variables }) => Object.fromEntries(variables.filter(([name]) => Object.hasOwn(settings, name))))
  const distinct = new Map(own.filter((env) => Object.keys(env).length > 0).map((env) => [JSON.stringify(env), env]))
  return [common, ...[...distinct.values()].map((env) => ({ ...common, ...env }))]
}

async function ask(plugin: Plugin, env: Environment, factory: WorldFactory): Promise<readonly string[]> {
  const world = factory.forRequest({
    plugin: plugin.name, needs: [], trace: NO_TRACE, signal: new AbortController().signal, onSleep: () => undefined,
  })
  try {
    return await plugin.selfTest!({ settings: settingsReader(plugin)(env) as never, world })
  } catch (error) {
    return [`its test of the settings failed: ${error instanceof Error ? error.message : String(error)}`]
  }
}

const NO_TRACE: SessionTrace = { id: 'self-test', add: () => undefined, flush: () => undefined }
