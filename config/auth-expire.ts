/** The variable `AUTHEXPIRE`: minutes for which a login by POP3 or IMAP lets its address relay (spec helios 6). */
import type { Control } from './control.ts'
import type { Problem } from './problem.ts'

/** Minutes; undefined where it is unset, 0, or no number: then no login counts. */
export function authExpireMinutes(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,9}$/.test(text)) return undefined
  const minutes = Number(text)
  return minutes === 0 ? undefined : minutes
}

/** What is wrong with it in smtpconfig and in TCP rules. */
export function checkAuthExpire({ smtpconfig, tcprules }: Pick<Control, 'smtpconfig' | 'tcprules'>): Problem[] {
  const wrong = (variables: Control['smtpconfig'], file: string, line?: number): Problem[] => variables.flatMap(([name, value]) =>
    name !== 'AUTHEXPIRE' || /^[0-9]{1,9}$/.test(value) ? [] : [{
      severity: 'error', file, ...(line === undefined ? {} : { line }), reason: `AUTHEXPIRE: "${value}" is no number of minutes`,
      mend: 'write digits only, such as 30; 0 switches relaying after a login off',
    }])
  // A range of addresses makes several rules of one line.
  const rules = new Map(tcprules.rules.map((rule) => [rule.line, rule]))
  return [
    ...wrong(smtpconfig, 'control/smtpconfig'),
    ...[...rules.values()].flatMap(({ line, variables }) => wrong(variables, 'control/smtp-tcprules', line)),
  ]
}
