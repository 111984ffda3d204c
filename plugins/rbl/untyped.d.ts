/** What this plugin uses of the package dnsbl, which brings no types. */
declare module 'dnsbl' {
  export function batch(
    addresses: readonly string[], lists: readonly string[], options: { readonly servers: readonly string[] | undefined; readonly timeout: number },
  ): Promise<readonly { readonly address: string; readonly blacklist: string; readonly listed: boolean }[]>
}
