#!/usr/bin/env python3
"""Verifies a Conductor audit log without any of Conductor's code: python3 verify.py ~/.conductor/audit.log

Exit code: 0 intact, 1 tampered, 2 could not be read, 3 the last line breaks off (a crash; Conductor repairs it).
Six lines of this are the whole proof; docs/audit-format.md explains them.
"""
import hashlib
import sys


def main(path):
    previous, count = b"0" * 64, 0
    with open(path, "rb") as log:
        for count, line in enumerate(log, 1):
            digest = hashlib.sha256(line[:-83] + b"}").hexdigest().encode()
            tail = b',"prevHash":"sha256:' + previous + b'","hash":"sha256:' + digest + b'"}\n'
            if line[-168:] != tail:
                if count > 1 and not line.endswith(b"\n"):
                    return 3, "torn: line %d breaks off, %d entries before it are intact" % (count, count - 1)
                return 1, "tampered: line %d does not continue the chain" % count
            if line.startswith(b'{"v":1,"seq":') and not line.startswith(b'{"v":1,"seq":%d,' % count):
                return 1, "tampered: line %d has another number than its place, so the log was rewritten" % count
            previous = digest
    if count == 0:
        return 1, "tampered: the file is empty, not even its first entry is left"
    return 0, "intact: %d entries, head sha256:%s" % (count, previous.decode())


if __name__ == "__main__":
    try:
        code, message = main(sys.argv[1] if len(sys.argv) > 1 else "audit.log")
    except OSError as error:
        code, message = 2, "could not verify: %s" % error
    print(message)
    sys.exit(code)
