/**
 * The child of the kill test: accepts and delivers as fast as it can until it is killed. Prints the number of each
 * message once it is accepted, with one system call, so that the line is out before anything else can happen.
 * Arguments: home, first number, messages at a time, deliveries at a time, and `drain` to only deliver what is there and end.
 */
import { writeSync } from 'node:fs'
import { nodeFileSystem } from '../../core/message/file-system.ts'
import { drain, openHouse } from './kit.ts'
import { contentOf, recipientsOf } from './kill-messages.ts'

const [, , home = '', first = '0', senders = '1', concurrency = '1', mode] = process.argv
const house = await openHouse({ home, fs: nodeFileSystem, concurrency: Number(concurrency) })
writeSync(1, 'open\n')

if (mode === 'drain') {
  await drain(house.queue)
  await house.queue.close(10_000)
} else {
  let next = Number(first)
  await Promise.all(Array.from({ length: Number(senders) }, async () => {
    for (;;) {
      const number = next++
      await house.accept(contentOf(number), recipientsOf(number))
      writeSync(1, `${number}\n`)
    }
  }))
}
