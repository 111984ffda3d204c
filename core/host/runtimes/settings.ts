/** A plugin's settings, read from the session environment when the handler looks at them and not before. */
import type { Plugin } from '../../plugin/plugin.ts'
import type { SettingsShape } from '../../plugin/settings.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Values = Readonly<Record<string, unknown>>

/** A variable whose text the plugin's declaration does not take. Its message names variable, reason and mend. */
export class BadSetting extends Error {
  override readonly name = 'BadSetting'
}

/**
 * Reads a plugin's settings from an environment. Sessions mostly agree in these variables, so the values of the last
 * environment are kept and given out again while the texts are the same. A bad text throws BadSetting when looked at.
 */
export function settingsReader(plugin: Pick<Plugin, 'settings'>): (env: Environment) => Values {
  const shape: SettingsShape = plugin.settings ?? {}
  const names = Object.keys(shape)
  let texts: readonly (string | undefined)[] | undefined
  let values: Values = {}
  return (env) => {
    if (texts !== undefined && names.every((name, index) => env[name] === texts![index])) return values
    texts = names.map((name) => env[name])
    values = lazyValues(shape, names, texts)
    return values
  }
}

function lazyValues(shape: SettingsShape, names: readonly string[], texts: readonly (string | undefined)[]): Values {
  const values = {}
  names.forEach((name, index) => {
    const text = texts[index]
    let value: { readonly parsed: unknown } | undefined
    Object.defineProperty(values, name, {
      enumerable: true,
      get: () => text === undefined ? undefined : (value ??= { parsed: parse(shape, name, text) }).parsed,
    })
  })
  return Object.freeze(values)
}

function parse(shape: SettingsShape, name: string, text: string): unknown {
  const parsed = shape[name]!.parse(text)
  if (!parsed.ok) throw new BadSetting(`${name}: ${parsed.reason} (${parsed.mend})`)
  return parsed.value
}
