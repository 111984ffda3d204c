"""spp/2 for Python: serve(main) calls main() for each request, with it in os.environ. Without SPP_PROTOCOL=2: once."""

import os
import re

PLAIN = {b"\\": b"\\", b"r": b"\r", b"n": b"\n"}


def serve(main):
    if os.environ.get("SPP_PROTOCOL") != "2":
        return main()
    requests = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # programs that are started here must not read requests
    print("spp/2", flush=True)
    while (env := read_request(requests)) is not None:
        os.environb.clear()
        os.environb.update(env)
        try:
            main()
        except SystemExit:
            pass
        print(".", flush=True)


def read_request(requests):
    env = {}
    requests.readline()  # the hook
    while (line := requests.readline()) != b"\n":
        if not line:
            return None
        name, value = line[:-1].split(b"=", 1)
        env[unescape(name)] = unescape(value)
    return env


def unescape(text):
    return re.sub(rb"\\(.)", lambda found: PLAIN[found[1]], text) if b"\\" in text else text
