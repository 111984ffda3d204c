#!/usr/bin/env python3
"""An example plugin: greets each recipient, and refuses one called nobody.

It belongs under [rcpt] in control/smtpplugins:

    plugins/hello.py

A plugin learns everything from variables and answers with lines, each of
them one letter and its text: P sends a line to the client, E refuses.
"""

import os

recipient = os.environ["SMTPRCPTTO"]
if recipient.startswith("nobody@"):
    print("E550 sorry, nobody is not here (#5.1.1)")
else:
    print("P250-hello, recipient number " + os.environ["SMTPRCPTCOUNTALL"])
