#!/usr/bin/env node
// Limits the recipients of one message to MAXRECIPIENTS.

async function main() {
  const limit = process.env.MAXRECIPIENTS
  if (limit !== undefined && Number(process.env.SMTPRCPTCOUNT) >= Number(limit)) {
    console.log('E550 sorry, too many recipients (#5.7.1)')
  }
}

(await import('./spp2.mjs')).serve(main)
