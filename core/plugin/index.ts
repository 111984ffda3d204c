/** The plugin API: the only door that plugins import (`helios-mail/plugin`). */
export * from './command.ts'
export * from './control.ts'
export * from './dns.ts'
export * from './message.ts'
export * from './plugin.ts'
export * from './resolver.ts'
export * from './settings.ts'
export * from './world.ts'
