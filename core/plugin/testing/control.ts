import type { ControlShape, ControlValues } from '../control.ts'
import type { Plugin } from '../plugin.ts'
import type { SettingsShape } from '../settings.ts'

/**
 * Every control file that a plugin declares, parsed from the given contents; a file not given is missing.
 *
 * @throws Error when a content has a problem that would fail a load, or when a file is given that the plugin does not declare
 */
export function readControl<S extends SettingsShape, C extends ControlShape>(
  plugin: Plugin<S, C>, contents: Readonly<Record<string, string>>,
): ControlValues<C> {
  const shape: ControlShape = plugin.control ?? {}
  for (const name of Object.keys(contents)) {
    if (!Object.hasOwn(shape, name)) throw new Error(`the plugin ${plugin.name} declares no control file "${name}"`)
  }
  const values: Record<string, unknown> = {}
  for (const [name, file] of Object.entries(shape)) {
    const { value, problems } = file.parse(contents[name])
    const problem = problems.find(({ warning }) => warning !== true)
    if (problem !== undefined) throw new Error(`control/${name}:${problem.line}: ${problem.reason} (${problem.mend})`)
    values[name] = value
  }
  return values as ControlValues<C>
}
