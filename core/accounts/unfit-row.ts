import { WorldUnavailable } from '../plugin/world.ts'

/** The database answers, and what a row of it says cannot be: that row is to be changed. */
export class UnfitRow extends WorldUnavailable {}
