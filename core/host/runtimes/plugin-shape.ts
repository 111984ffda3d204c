/** What makes a value a plugin, checked when it is loaded: in the server for trusted ones, inside the sandbox for the others. */
import { HOOKS } from '../../plugin/plugin.ts'
import type { Effect } from '../../plugin/world.ts'

const EFFECTS: ReadonlySet<string> = new Set<Effect>(['sleep', 'mailbox', 'run', 'connect', 'store'])

/** What keeps a module's default export from being a plugin, in words that follow a file's name; undefined when nothing does. */
export function whatIsWrong(plugin: unknown): string | undefined {
  if (typeof plugin !== 'object' || plugin === null) return 'its default export is no plugin'
  const fields = plugin as Readonly<Record<string, unknown>>
  if (typeof fields['name'] !== 'string' || fields['name'] === '') return 'the plugin has no name'
  if (typeof fields['summary'] !== 'string') return 'the plugin has no summary'
  const handlers = HOOKS.filter((hook) => fields[hook] !== undefined)
  if (handlers.length === 0) return `the plugin has no handler: it needs one of ${HOOKS.join(', ')}`
  const noFunction = [...handlers, ...(fields['takes'] === undefined ? [] : ['takes'])].find((name) => typeof fields[name] !== 'function')
  if (noFunction !== undefined) return `the plugin's ${noFunction} is no function`
  return declarationFault(fields['settings'], 'settings') ?? declarationFault(fields['control'], 'control') ?? needsFault(fields['needs'])
}

/** Settings and control files alike are records of things that parse. */
function declarationFault(declared: unknown, what: string): string | undefined {
  if (declared === undefined) return undefined
  if (typeof declared !== 'object' || declared === null) return `the plugin's ${what} are no record`
  for (const [name, value] of Object.entries(declared)) {
    const parse: unknown = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)['parse'] : undefined
    if (typeof parse !== 'function') return `${name} in the plugin's ${what} has no parse function`
  }
  return undefined
}

function needsFault(needs: unknown): string | undefined {
  if (needs === undefined) return undefined
  if (!Array.isArray(needs)) return "the plugin's needs are no list"
  const unknown = (needs as readonly unknown[]).find((effect) => typeof effect !== 'string' || !EFFECTS.has(effect))
  return unknown === undefined
    ? undefined
    : `the plugin needs ${JSON.stringify(unknown)}, which is no effect: there are ${[...EFFECTS].join(', ')}`
}
