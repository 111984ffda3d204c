/** What the server and the store's thread say to each other. */
import type { StoreAnswer, StoreQuestion } from './types.ts'

export interface Asked {
  readonly id: number
  readonly question: StoreQuestion
}

export type Told =
  | { readonly id: number; readonly answer: StoreAnswer }
  | { readonly id: number; readonly failure: string }
