/**
 * An example plugin: greets each recipient, and refuses one called nobody.
 * It belongs under [rcpt] in control/smtpplugins:
 *
 *   @trusted plugins/hello.ts
 *
 * "trusted" lets it run inside the server: read such a plugin before you write the word.
 * A handler learns everything from its argument and returns commands.
 */
import { definePlugin, error, print } from 'helios-mail/plugin'

export default definePlugin({
  name: 'hello',
  summary: 'Greets each recipient and refuses one called nobody.',
  rcpt: ({ session }) =>
    session.recipient?.startsWith('nobody@')
      ? error('550 sorry, nobody is not here (#5.1.1)')
      : print(`250-hello, recipient number ${session.recipientsAsked}`),
})
