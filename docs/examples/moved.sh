#!/bin/sh
# Refuses mail for sales@ and says why.
case "$SMTPRCPTTO" in
  sales@*) echo 'E550 sorry, sales has moved (#5.1.6)' ;;
esac
