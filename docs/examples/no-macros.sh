#!/bin/sh
# [+message]: refuses mail with a macro document attached. The message is on standard input.
if grep -qi 'filename="\{0,1\}[^"]*\.docm'; then
  echo 'E554 sorry, no macro documents (#5.7.1)'
else
  echo 'HX-Macros: none'
fi
