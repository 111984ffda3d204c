/** Where plugins' memory is to be, and whether that can be at all: what the settings and control/qmailconfig say together. */
import type { Control } from './control.ts'
import type { Problem } from './problem.ts'
import type { Settings } from './settings.ts'

export function checkStore({ store }: Pick<Settings, 'store'>, { qmailconfig }: Pick<Control, 'qmailconfig'>): readonly Problem[] {
  if (store !== 'accounts' || qmailconfig.driver !== 'sqlite') return []
  return [{
    severity: 'error', file: 'control/qmailconfig',
    reason: 'there is no connectionstring that can be used, and the settings want what plugins remember in the server that it names ("store": "accounts")',
    mend: 'add a connectionstring, or write "store": "file" in the settings',
  }]
}
