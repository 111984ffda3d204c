#!/bin/sh
# An example plugin: greets each recipient, and refuses one called nobody.
# It belongs under [rcpt] in control/smtpplugins:
#
#   plugins/hello.sh
#
# A plugin learns everything from variables and answers with lines, each of
# them one letter and its text: P sends a line to the client, E refuses.
case "$SMTPRCPTTO" in
  nobody@*) echo 'E550 sorry, nobody is not here (#5.1.1)' ;;
  *) echo "P250-hello, recipient number $SMTPRCPTCOUNTALL" ;;
esac
