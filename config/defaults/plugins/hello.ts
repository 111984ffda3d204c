/**
 * An example plugin: greets each recipient, and refuses one called nobody.
 * It belongs under [rcpt] in control/smtpplugins:
 *
 *   plugins/hello.ts
 *
 * It runs contained in the sandbox. An edit counts from the next connection on.
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
