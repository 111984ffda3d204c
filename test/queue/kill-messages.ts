/** The numbered messages of the kill test: anybody can say what the whole of one is. */

/** Most are small; every tenth is streamed to disk while it arrives. */
export function contentOf(number: number): Buffer {
  const lines = number % 10 === 0 ? 2500 : 20 + number % 50
  return Buffer.from(`Subject: message\nX-Number: ${number}\n\n${`line of message ${number}, forty bytes or so\n`.repeat(lines)}`)
}

/** One, two or three recipients. */
export function recipientsOf(number: number): readonly string[] {
  return ['ann@x', 'joe@x', 'kim@x'].slice(0, 1 + number % 3)
}
