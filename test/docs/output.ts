/** Compares what a page shows with what came, where times, ids, ports and passwords may differ. */

const CHANGING: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'DATE'],
  [/ *\+\d+ ms {2}/g, '+N ms  '],
  [/\d+(?:\.\d+)? ms\b/g, 'N ms'],
  [/\bgeneration \d+/g, 'generation N'],
  [/\b\d+ bytes$/gm, 'N bytes'],
  [/\b(?:pid|uid) \d+/g, 'pid N'],
  [/127\.0\.0\.1:\d+/g, '127.0.0.1:N'],
  [/\b0[0-9a-z]{17}\b/g, 'MESSAGE'],
  [/\bsession [0-9a-z]{12}\b/g, 'session ID'],
  [/"session":"[0-9a-z]{12}"/g, '"session":"ID"'],
  [/\b250 ok \d+ /g, '250 ok TIME '],
  [/\b(?:[2-9a-z]{4}-){3}[2-9a-z]{4}\b/g, 'PASSWORD'],
  [/control\/(smtpplugins|smtp-tcprules):\d+/g, 'control/$1:N'],
  [/\r$/gm, ''],
]

/** Why the shown lines are not in the output, or undefined when they are. */
export function missingFrom(output: string, shown: string): string | undefined {
  const lines = steady(output).split('\n')
  const groups = groupsOf(steady(shown).replace(/\n$/, '').split('\n'))
  let from = 0
  for (const group of groups) {
    const at = find(lines, group, from)
    if (at === undefined) return `these lines were not printed:\n${group.join('\n')}\n-- but this was:\n${output}`
    from = at + group.length
  }
  return undefined
}

function steady(text: string): string {
  return CHANGING.reduce((changed, [pattern, word]) => changed.replace(pattern, word), text)
}

/** Runs of lines that follow one another: a line `…` alone parts them. */
function groupsOf(lines: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [[]]
  for (const line of lines) {
    if (line.trim() === '…') groups.push([])
    else groups.at(-1)!.push(line)
  }
  return groups.filter((group) => group.length > 0)
}

function find(lines: readonly string[], group: readonly string[], from: number): number | undefined {
  for (let at = from; at + group.length <= lines.length; at++) {
    if (group.every((line, index) => same(lines[at + index]!, line))) return at
  }
  return undefined
}

function same(printed: string, shown: string): boolean {
  const pattern = shown.trimEnd().split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')
  return new RegExp(`^${pattern}$`).test(printed.trimEnd())
}
