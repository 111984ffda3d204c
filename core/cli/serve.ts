/** `helios serve`: the server itself, in the foreground. */
import { isHome } from '../../config/load.ts'
import type { Noun } from './command.ts'
import { initHome } from './init.ts'

export const serve: Noun = {
  register(program, io, exit) {
    program.command('serve').description('run the server in the foreground; without a home, first makes one to try things in')
      .action(async () => {
        const before = await io.settings()
        if (!await isHome(before.home)) await initHome(before.home, {}, io)
        // Only here, for no other noun needs the server's code.
        const server = await import('../server/serve.ts')
        // The settings once more: a new home brings its own file along.
        exit(await server.serve(await io.settings(), io))
      })
  },
}
