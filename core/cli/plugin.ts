/** `helios plugin`: what a plugin's author works with, and what switches plugins on and off. */
import type { Noun } from './command.ts'
import { registerDisable, registerEnable } from './plugin/enable.ts'
import { registerList, registerShow } from './plugin/list.ts'
import { registerNew } from './plugin/new.ts'
import { registerTest } from './plugin/test.ts'
import { registerTry } from './plugin/try.ts'

export const plugin: Noun = {
  register(program, io, exit) {
    const noun = program.command('plugin').description('write, try, test, list and switch plugins')
    registerList(noun, io)
    registerShow(noun, io)
    registerNew(noun, io)
    registerTest(noun, io, exit)
    registerTry(noun, io, exit)
    registerEnable(noun, io)
    registerDisable(noun, io)
  },
}
