/** What a check of a sender's host comes to (RFC 7208 section 2.6). */

export type Result = 'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'temperror' | 'permerror'

export interface Finding {
  readonly result: Result
  /** Whose policy it is, in lower case and A-labels. */
  readonly domain: string
  /** What the domain says of its refusal, macros expanded, printable ASCII; of a fail only. Somebody else's words. */
  readonly explanation?: string
  /** What is wrong with the record, or with DNS, where that is known. */
  readonly problem?: string
}

/** Who wants to send, and who asks. */
export interface Question {
  readonly ip: string
  /** Empty when the client has not said any. */
  readonly helo: string
  /** Empty for the null sender: then the HELO name is checked (RFC 7208 section 2.4). */
  readonly sender: string
  /** This host's name. */
  readonly receiver: string
}

/** Printable ASCII; every other character is a question mark. */
export function printable(text: string): string {
  return text.replace(/[^ -~]/g, '?')
}
