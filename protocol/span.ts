/** Lengths of time as an operator writes them: `90`, `90s`, `5m`, `1h`, `36d`. */

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Seconds, at least 1 and at most `most`; undefined when the text is no such length. */
export function parseSpan(text: string, most: number): number | undefined {
  const match = /^([0-9]{1,10})([smhd]?)$/.exec(text)
  if (match === null) return undefined
  const seconds = Number(match[1]) * SECONDS[(match[2] || 's') as keyof typeof SECONDS]
  return seconds >= 1 && seconds <= most ? seconds : undefined
}
