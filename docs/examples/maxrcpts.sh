#!/bin/sh
# Limits the recipients of one message to MAXRECIPIENTS.

main() {
  if [ "${MAXRECIPIENTS+set}" ] && [ "$SMTPRCPTCOUNT" -ge "${MAXRECIPIENTS:-0}" ]; then
    echo 'E550 sorry, too many recipients (#5.7.1)'
  fi
}

. plugins/spp2.sh; serve main
