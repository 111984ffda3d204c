/** The Authentication-Results field (RFC 8601). */
import { insertField, type Edit } from '../../core/plugin/index.ts'
import type { Proof } from './verify.ts'

/** Columns after which a line is folded (RFC 5322 section 2.1.1 wants 78). */
const COLUMNS = 78

export function resultsField(proof: Proof, ownName: string): Edit {
  const results = [...proof.dkim.map(({ info }) => info), proof.spf.info, ...(proof.arc.info === undefined ? [] : [proof.arc.info]), ...dmarcInfo(proof)]
  return insertField('Authentication-Results', ` ${ownName};${results.map((result) => `\n\t${folded(printable(result))}`).join(';')}`)
}

function dmarcInfo({ dmarc }: Proof): readonly string[] {
  if (dmarc.kind === 'verdicts') return dmarc.verdicts.map(({ info }) => info)
  return [`dmarc=${dmarc.suspicious ? 'permerror' : 'none'} (${dmarc.why})`]
}

/** Folded at blanks, where RFC 5322 section 2.2.3 allows it. */
function folded(text: string): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > COLUMNS) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.filter((line) => line !== '').join('\n\t ')
}

function printable(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[^ -~]/g, '?')
}
