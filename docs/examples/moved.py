#!/usr/bin/env python3
"""Refuses mail for sales@ and says why."""
import os

if os.environ["SMTPRCPTTO"].startswith("sales@"):
    print("E550 sorry, sales has moved (#5.1.6)")
