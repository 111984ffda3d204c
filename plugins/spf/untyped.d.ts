/** What this plugin uses of the package spf-check, which brings no types. */
declare module 'spf-check' {
  interface Outcome {
    readonly result: 'None' | 'Neutral' | 'Pass' | 'Fail' | 'SoftFail' | 'TempError' | 'PermError'
    readonly message: string
  }
  const spfCheck: {
    readonly SPF: new (domain: string, sender: string) => {
      queryDNSCount: number
      readonly options: { readonly maxDNS: number }
      check(ip: string): Promise<Outcome>
      resolveDNS(name: string, type: string, counted?: boolean | null): Promise<unknown>
    }
    readonly SPFResult: new (result: Outcome['result'], message?: string) => Outcome
  }
  export default spfCheck
}
