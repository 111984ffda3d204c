/** All lists, asked at once; those that keep failing are left out for a while. */
import type { Log, World } from '../../core/plugin/index.ts'
import { judge, type Answered, type Question } from './verdict.ts'

/** Once a list has failed so often within the time, it is not asked until some of these failures are older. */
const MOST_FAILURES = 10
const FAILURE_SECONDS = 300
/** Counts all of them together, so that a day without failures costs one look and not one for each list. */
const ANY_LIST = 'failures'

/** The list's word on each question. Never rejects for want of an answer. */
export type Engine = (questions: readonly Question[]) => Promise<readonly Answered[]>

export function askWorld({ dns }: Pick<World, 'dns'>): Engine {
  return (questions) => Promise.all(questions.map(async (question): Promise<Answered> =>
    ({ ...question, finding: judge(question.list, await dns.resolve(question.name, 'A')) })))
}

export async function askLists(questions: readonly Question[], engine: Engine, world: Pick<World, 'counters'>, log: Log): Promise<readonly Answered[]> {
  const resting = await restingZones(questions, world)
  const asked = await engine(questions.filter(({ list }) => !resting.has(list.zone)))
  const reasons = new Map(asked.flatMap(({ list, finding }) => finding.kind === 'unknown' ? [[list.zone, finding.reason]] : []))
  await Promise.all([...reasons].map(([zone, reason]) => noteFailure(zone, reason, world, log)))
  const left = questions.filter(({ list }) => resting.has(list.zone))
  return [...asked, ...left.map((question): Answered => ({ ...question, finding: { kind: 'unknown', reason: 'it keeps failing and is left out for a while' } }))]
}

async function restingZones(questions: readonly Question[], { counters }: Pick<World, 'counters'>): Promise<ReadonlySet<string>> {
  const failures = (key: string): Promise<number> => counters.read(key, FAILURE_SECONDS).catch(unknownCount)
  if (await failures(ANY_LIST) < MOST_FAILURES) return new Set()
  const zones = [...new Set(questions.map(({ list }) => list.zone))]
  const counts = await Promise.all(zones.map((zone) => failures(keyOf(zone))))
  return new Set(zones.filter((_, index) => counts[index]! >= MOST_FAILURES))
}

async function noteFailure(zone: string, reason: string, { counters }: Pick<World, 'counters'>, log: Log): Promise<void> {
  const add = (key: string): Promise<number> => counters.add(key, FAILURE_SECONDS).catch(unknownCount)
  const [, count] = await Promise.all([add(ANY_LIST), add(keyOf(zone))])
  if (count !== MOST_FAILURES) return
  log.warn(`the list ${zone} keeps failing and is left out for some minutes: ask "helios dns 2.0.0.127.${zone}", and take the list out if it does not come back`,
    { list: zone, reason })
}

/** No mail is held up because failures cannot be counted. */
function unknownCount(): number {
  return 0
}

function keyOf(zone: string): string {
  return `${ANY_LIST} ${zone}`
}
