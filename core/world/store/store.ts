/** Where plugins' memory is kept: the settings choose one of three places. */
import type { Settings } from '../../../config/settings.ts'
import { WorldUnavailable } from '../../plugin/world.ts'
import { storeInAccounts } from './in-accounts.ts'
import { storeInFile } from './in-file.ts'
import { storeInMemory } from './in-memory.ts'
import type { HomeStore, Store, StoreQuestion } from './types.ts'

/** The store of a home, as the server asks it. Nothing is opened before the first question. */
export function openStore({ home, store }: Pick<Settings, 'home' | 'store'>): HomeStore {
  switch (store) {
    case 'file':
      return storeInFile(home)
    case 'accounts':
      return storeInAccounts()
    case 'memory':
      return storeInMemory()
  }
}

/** For a `StoreQuestion` nobody keeps anything for. */
export const NO_STORE: Store = {
  ask: ({ ask }: StoreQuestion) => Promise.reject(new WorldUnavailable(`${ask}: nothing is remembered here`)),
}
