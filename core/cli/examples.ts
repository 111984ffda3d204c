/** Examples under the help of the verbs that look after accounts. */
import type { Command } from 'commander'

/** By the words of the verb. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  'domain add': ['helios domain add example.org', 'helios domain add -p example.org   # without the postmaster alias'],
  'domain list': ['helios domain list'],
  'domain show': ['helios domain show example.org'],
  'domain del': ['helios domain del example.org', 'helios domain del --yes example.org   # with its users and their mail'],
  'user add': ['helios user add ann@example.org', 'helios user add ann@example.org --generate --quota 500M', 'helios user add ann@example.org < file-with-the-password'],
  'user passwd': ['helios user passwd ann@example.org', 'helios user passwd ann@example.org --generate', 'helios user passwd ann@example.org --scram   # for SCRAM-SHA-256', 'helios user passwd ann@example.org --clear-text   # for CRAM-MD5'],
  'user list': ['helios user list', 'helios user list example.org --json'],
  'user show': ['helios user show ann@example.org'],
  'user quota': ['helios user quota ann@example.org 2G'],
  'user enable': ['helios user enable ann@example.org'],
  'user disable': ['helios user disable ann@example.org'],
  'user rename': ['helios user rename ann@example.org anna@example.org'],
  'user del': ['helios user del ann@example.org', 'helios user del --yes ann@example.org   # with its mail'],
  'alias add': ['helios alias add info@example.org ann@example.org bob@example.org', 'helios alias add @example.org ann@example.org   # whatever nobody else takes'],
  'alias del': ['helios alias del info@example.org bob@example.org', 'helios alias del info@example.org   # all of it'],
  'alias list': ['helios alias list example.org'],
  'dotqmail set': [
    'echo ./Maildir/ | helios dotqmail set ann@example.org lists   # for ann-lists@example.org', 'helios dotqmail set ann@example.org < file-with-the-text',
  ],
  'dotqmail show': ['helios dotqmail show ann@example.org lists'],
  'dotqmail list': ['helios dotqmail list ann@example.org'],
  'dotqmail del': ['helios dotqmail del ann@example.org lists'],
  'notify set': [
    'helios notify set ann@example.org --jid ann@jabber.example --send-to ann@phone.example', "helios notify set '[:all:]@example.org' --off",
  ],
  'notify show': ['helios notify show', 'helios notify show ann@example.org'],
  'notify test': ['helios notify test ann@example.org'],
  'notify del': ['helios notify del ann@example.org'],
  finger: ['helios finger ann@example.org bob@example.org', 'helios finger info@example.org   # whoever the alias leads to', 'helios finger ann   # in every domain'],
  export: ['helios export accounts.json', 'helios export --format csv | gzip > accounts.csv.gz'],
  import: ['helios import --dry-run accounts.json', 'helios import accounts.json', 'helios import --domain example.org /home/vpopmail/domains/example.org/vpasswd'],
  'db status': ['helios db status'],
  'db migrate': ['helios db migrate'],
  'db copy-store': ['helios db copy-store'],
}

/** Adds them to a program whose verbs are registered. */
export function addExamples(program: Command): void {
  for (const [words, lines] of Object.entries(EXAMPLES)) {
    const found = words.split(' ').reduce<Command | undefined>((command, word) => command?.commands.find((each) => each.name() === word), program)
    found?.addHelpText('after', `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  ${line}`).join('\n')}`)
  }
}
