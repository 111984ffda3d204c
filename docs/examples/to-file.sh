#!/bin/sh
# [+deliver]: appends mail for archive@ to a file; other recipients are not ours.
[ "$LOCAL" = archive ] || exit 0
if { printf 'From: %s\nTo: %s\n' "$SENDER" "$RECIPIENT"; cat; } >> archive.txt; then
  echo O
else
  echo 'E451 cannot write the archive (#4.3.0)'
fi
