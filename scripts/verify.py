#!/usr/bin/env python3
"""Verifies a Conductor audit log without any of Conductor's code: python3 verify.py ~/.conductor/audit.log

Exit code: 0 intact, 1 tampered, 2 could not be read, 3 the last line breaks off (a crash; Conductor repairs it).
Six lines of this are the whole proof; docs/audit-format.md explains them. The rest finds the files of a log that was
continued in further files, and looks at the numbers.
"""
import gzip
import hashlib
import json
import os
import sys

ZEROS = b"0" * 64



def open_log(path):
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")


def hash_of(line):
    return hashlib.sha256(line[:-83] + b"}").hexdigest().encode()


def first_entry(path):
    """The first line as JSON, when it begins a log or continues one; None when it does neither."""
    with open_log(path) as log:
        line = log.readline(1 << 20)
    try:
        entry = json.loads(line)
        return entry if entry["phase"] in ("genesis", "segment") else None
    except (ValueError, KeyError, TypeError):
        return None


def read_stub(path):
    """The copy of the entry that records which files were removed, and its line; None when there is none."""
    folder = os.path.dirname(os.path.abspath(path))
    for stub in (os.path.join(folder, "audit", "pruned.log"), os.path.join(folder, "pruned.log")):
        if os.path.exists(stub):
            with open(stub, "rb") as file:
                line = file.readline()
            try:
                entry = json.loads(line)
                if entry["tool"] == "audit.prune":
                    return entry, line
            except (ValueError, KeyError, TypeError):
                pass
    return None


def files_of(path, stub):
    """All files of the log, the oldest first, and the first entry of the oldest."""
    folder = os.path.dirname(os.path.abspath(path))
    files, entry = [path], first_entry(path)
    while entry is not None and entry["phase"] == "segment":
        number, log_id = entry["input"]["segment"] - 1, entry["input"]["logId"]
        name = "%06d.log" % number
        places = [os.path.join(folder, "audit", name), os.path.join(folder, name)]
        if stub and stub[0]["input"].get("to"):
            places.append(os.path.join(stub[0]["input"]["to"], log_id[:8] + "-" + name))
        found = [p + e for p in places for e in ("", ".gz") if os.path.exists(p + e)]
        if not found:
            break
        files.insert(0, found[0])
        entry = first_entry(found[0])
    return files, entry


def main(path):
    stub = read_stub(path)
    files, first = files_of(path, stub)
    previous, count = ZEROS, 0
    if first is not None and first["phase"] == "segment":
        previous, count = first["prevHash"][7:].encode(), first["seq"] - 1
        last = stub[0]["input"]["files"][-1] if stub else {}
        if last.get("entries") != count or last.get("head") != first["prevHash"]:
            return 1, "tampered: the entries before #%d are not there, and no entry records that they were removed" % (count + 1)
    begun, removal_seen = count, False
    for file in files:
        start = count
        with open_log(file) as log:
            for line in log:
                count += 1
                where = "line %d of %s" % (count - start, file) if len(files) > 1 else "line %d" % count
                if line[-168:] != b',"prevHash":"sha256:' + previous + b'","hash":"sha256:' + hash_of(line) + b'"}\n':
                    if file == path and count - start > 1 and not line.endswith(b"\n"):
                        return 3, "torn: %s breaks off, %d entries before it are intact" % (where, count - begun - 1)
                    return 1, "tampered: %s does not continue the chain" % where
                if line.startswith(b'{"v":1,"seq":') and not line.startswith(b'{"v":1,"seq":%d,' % count):
                    return 1, "tampered: %s has another number than its place, so the log was rewritten" % where
                removal_seen = removal_seen or (stub is not None and line == stub[1])
                previous = hash_of(line)
        if count == start:
            return 1, "tampered: %s is empty, not even its first entry is left" % ("the file" if file == path else file)
    if begun > 0 and not removal_seen:
        return 1, "tampered: the removal of the entries before #%d is not recorded in the chain" % (begun + 1)
    return 0, "intact%s: %d entries, head sha256:%s" % (" from #%d on" % (begun + 1) if begun else "", count - begun, previous.decode())


if __name__ == "__main__":
    try:
        code, message = main(sys.argv[1] if len(sys.argv) > 1 else "audit.log")
    except (OSError, EOFError) as error:
        code, message = 2, "could not verify: %s" % error
    except (KeyError, TypeError, IndexError) as error:
        code, message = 1, "tampered: a first line is not what Conductor writes (%r)" % error
    print(message)
    sys.exit(code)
