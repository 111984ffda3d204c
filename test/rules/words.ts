/** Words of a workplace, which no reader of this project should meet. */

const WORDS: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /(?<![\w.-])\/work\//, reason: 'a path of the machine it was written on' },
  { pattern: /\/tmp\/(?:brief|bash_jobs)/, reason: 'a path of the machine it was written on' },
  { pattern: /\bissue #\d/i, reason: 'a number of an issue tracker: say the reason itself' },
  { pattern: /\b(?:helper|sub|coding)[ -]?agents?\b/i, reason: 'how it is developed' },
  { pattern: /\b(?:another|other) helpers? (?:is|are|writes?|will)\b/i, reason: 'how it is developed' },
  { pattern: /\b(?:c[l]aude|chat-?gpt|co-?pilot|language[ ]model)\b/i, reason: 'how it is developed' },
  { pattern: /\b(?:TODO|FIXME)\b[:( ]/, reason: 'something left undone' },
]

/** Every such word of a text, with its 1-based line. */
export function workplaceWords(text: string): readonly { readonly line: number; readonly word: string; readonly reason: string }[] {
  return text.split('\n').flatMap((line, index) => WORDS.flatMap(({ pattern, reason }) => {
    const match = pattern.exec(line)
    return match === null ? [] : [{ line: index + 1, word: match[0], reason }]
  }))
}
