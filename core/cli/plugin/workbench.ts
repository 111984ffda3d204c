/** What the verbs of `helios plugin` share: the home they work on, and a lab in it. */
import { hostname } from 'node:os'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { readControl, type Control } from '../../../config/control.ts'
import type { Settings } from '../../../config/settings.ts'
import { SECTIONS, type Section } from '../../../protocol/spp/list.ts'
import { printHook } from '../../../protocol/spp/transcript-words.ts'
import { accountFacts, accountOptions } from '../../accounts/accounts.ts'
import { openDatabase } from '../../accounts/database.ts'
import { tablesOf } from '../../accounts/tables.ts'
import { refusal } from '../../accounts/errors.ts'
import { openLab, type Declared, type Lab } from '../../lab/lab.ts'
import type { DnsFacts } from '../../plugin/dns.ts'
import { WorldUnavailable, type MailboxEffects } from '../../plugin/world.ts'
import { becomeOwner } from '../../server/user.ts'
import type { Hook } from '../../plugin/plugin.ts'
import { openDns } from '../../world/dns.ts'
import { noAccounts } from '../../world/no-accounts.ts'
import { createWorld } from '../../world/real.ts'
import { storeInMemory } from '../../world/store/in-memory.ts'
import type { Io } from '../command.ts'
import { existingHome } from '../home.ts'

export interface Workbench {
  readonly settings: Settings
  readonly control: Control
  readonly lab: Lab
  /** Where plugins would have put mail; nothing is put there. */
  readonly mailboxes: readonly string[]
}

/**
 * Opens a lab in the home, with its accounts, does something in it and closes it. Mail that a plugin delivers goes nowhere. Names
 * are asked for as the server would, unless `names` answers. Root becomes the owner of the home: what is in it may be run.
 */
export async function withLab<T>(io: Io, work: (bench: Workbench) => Promise<T>, names?: DnsFacts): Promise<T> {
  const settings = await existingHome(io)
  becomeOwner(settings.home)
  const { control } = await readControl(settings.home)
  const mailboxes: string[] = []
  const mailbox: MailboxEffects = {
    deliver: async ({ maildir }) => {
      mailboxes.push(maildir)
      return `${mailboxes.length}.nowhere.${hostname()}`
    },
  }
  // Looking at plugins makes no database.
  const { qmailconfig } = control
  const there = qmailconfig.driver !== 'sqlite' || existsSync(join(settings.home, 'helios.db'))
  const database = there ? openDatabase(settings.home, qmailconfig) : undefined
  const accounts = database === undefined ? NO_ACCOUNTS : accountFacts(() => database, accountOptions(control))
  try {
    const tables = database === undefined ? {} : { tables: tablesOf(database) }
    const world = createWorld({ accounts, dns: names ?? openDns(settings.dns), dnsBudget: settings.dns, mailbox, store: storeInMemory(), ...tables })
    const lab = await openLab({ settings, control, world })
    try {
      return await work({ settings, control, lab, mailboxes })
    } finally {
      await lab.close()
    }
  } finally {
    await database?.close()
  }
}

const missing = (): Promise<never> => Promise.reject(new WorldUnavailable('there is no helios.db in this home (helios init makes one)'))
const NO_ACCOUNTS = noAccounts(missing)

/** Milliseconds after the answer that what a plugin left behind, a timer say, may keep the command. */
const AFTERMATH_MS = 500

/** Ends the process soon, even if a plugin that was asked in it does not let go. */
export function endSoon(): void {
  setTimeout(() => process.exit(), AFTERMATH_MS).unref()
}

/** For commander: a section's name, with or without its `+`. */
export function readHook(text: string): Section {
  const bare = text.replace(/^\[(.*)\]$/, '$1')
  const hook = SECTIONS.find((section) => bare === section || bare === printHook(section))
  if (hook === undefined) throw new InvalidArgumentError(`Write one of ${SECTIONS.map(printHook).join(', ')}.`)
  return hook
}

/** The hooks a plugin serves, or the one given. Throws HeliosError where it serves another, or nobody says. */
export function hooksOf(name: string, plugin: Declared | undefined, given: Hook | undefined, option: string): readonly Hook[] {
  if (plugin === undefined) {
    if (given !== undefined) return [given]
    throw refusal('which-hook', `${name} is a program, which does not say when it is to be asked`,
      `add ${option} rcpt, or another of ${SECTIONS.map(printHook).join(', ')}`)
  }
  if (given === undefined) return plugin.hooks
  if (plugin.hooks.includes(given)) return [given]
  throw refusal('which-hook', `the plugin ${plugin.name} has nothing to do in [${printHook(given)}]`,
    `it serves ${plugin.hooks.map((hook) => `[${printHook(hook)}]`).join(' ')}`)
}
