#!/usr/bin/env python3
"""Limits the recipients of one message to MAXRECIPIENTS."""

import os


def main():
    limit = os.environ.get("MAXRECIPIENTS")
    if limit is not None and int(os.environ["SMTPRCPTCOUNT"]) >= int(limit or 0):
        print("E550 sorry, too many recipients (#5.7.1)")


import spp2; spp2.serve(main)
