/**
 * The one error type of the house: what happened, what a client is told, whose fault it is and what
 * the operator can do. Anything else thrown is a defect.
 */
export class HeliosError extends Error {
  override readonly name = 'HeliosError'
  readonly code: string
  readonly reply: string | undefined
  readonly fault: 'client' | 'operator' | 'plugin' | 'system'
  readonly mend: string

  /** @param code a stable word such as `home-locked`; @param reply a whole SMTP reply such as `451 …`, where a client is told */
  constructor(code: string, message: string, details: {
    readonly fault: 'client' | 'operator' | 'plugin' | 'system'
    readonly mend: string
    readonly reply?: string
    readonly cause?: unknown
  }) {
    super(message, { cause: details.cause })
    this.code = code
    this.reply = details.reply
    this.fault = details.fault
    this.mend = details.mend
  }
}
