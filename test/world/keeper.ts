/** Keeps something in the store of a home, says so, and goes on writing until it is killed. */
import { storeInFile } from '../../core/world/store/in-file.ts'

const now = 1_790_000_000_000
const window = 3600_000
const store = storeInFile(process.argv[2]!)
const count = () => store.ask({ ask: 'add', space: 'p', key: 'c', window, amount: 1, most: Infinity, now })

for (let n = 0; n < 50; n++) await store.ask({ ask: 'set', space: 'p', key: `k${n}`, value: 'v', until: now + window, now })
await count()
console.log('kept')
for (;;) await count()
