#!/usr/bin/env python3
"""Checks a Conductor proof without any of Conductor's code: python3 check_proof.py proof.json '<public key>'

The public key is a verifier key (name+id+base64) that you know from elsewhere. The Merkle part needs only this file; the
Ed25519 signature is checked by the openssl command (1.1.1 or later). Exit code: 0 valid, 1 not valid, 2 could not check.
docs/audit-format.md explains every step.
"""
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile


def sha256(data):
    return hashlib.sha256(data).digest()


def entry_hash(line):
    """SHA-256 of the line without its last member, closed by a brace (see "A line")."""
    if line[-82:-66] != b',"hash":"sha256:' or line[-2:] != b'"}':
        raise ValueError("the entry has not the layout of a line")
    if hashlib.sha256(line[:-82] + b"}").hexdigest().encode() != line[-66:-2]:
        raise ValueError("the entry was changed")
    return bytes.fromhex(line[-66:-2].decode())


def root_of(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    last, node = size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if index % 2 == 1 or index == last:
            node = sha256(b"\x01" + sibling + node)
            while index % 2 == 0 and index != 0:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\x01" + node + sibling)
        index, last = index >> 1, last >> 1
    if last != 0:
        raise ValueError("the path is too short")
    return node


def signature_of(lines, name, key_id):
    """The signature line of a key: em dash, name, base64 of key id and signature."""
    for line in lines:
        dash, found, blob = line.split(" ")
        raw = base64.b64decode(blob)
        if dash == "\u2014" and found == name and raw[:4].hex() == key_id:
            return raw[4:]
    raise ValueError("the checkpoint is not signed by this key")


def verify_ed25519(public, text, signature):
    with tempfile.TemporaryDirectory() as folder:
        names = {"key": bytes.fromhex("302a300506032b6570032100") + public, "text": text, "sig": signature}
        for name, data in names.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        args = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key", "-rawin", "-in", "text", "-sigfile", "sig"]
        return subprocess.run(args, cwd=folder, capture_output=True).returncode == 0


def main(path, pinned):
    with open(path, encoding="utf8") as file:
        proof = json.load(file)
    line = proof["entry"].encode()
    if not line.startswith(b'{"v":1,"seq":%d,' % proof["seq"]):
        raise ValueError("the entry has another number")
    text, signatures = proof["checkpoint"].rsplit("\n\n", 1)
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    leaf = sha256(b"\x00" + entry_hash(line))
    if root_of(leaf, proof["seq"] - 1, int(size), [bytes.fromhex(one) for one in proof["path"]]) != base64.b64decode(root):
        raise ValueError("the entry is not in the tree that was signed")
    name, key_id, key = pinned.split("+", 2)
    raw = base64.b64decode(key)
    if raw[0] != 1 or hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8] != key_id or name != origin:
        raise ValueError("this is not a key of this log")
    if not verify_ed25519(raw[1:], text.encode(), signature_of(signatures.rstrip("\n").split("\n"), name, key_id)):
        raise ValueError("the signature does not fit")
    return "valid: entry #%d stands in %s, signed to #%s" % (proof["seq"], origin, size)


if __name__ == "__main__":
    try:
        print(main(sys.argv[1], sys.argv[2]))
    except (ValueError, KeyError) as error:
        print("not valid: %s" % error)
        sys.exit(1)
    except (OSError, IndexError) as error:
        print("could not check: %s" % error)
        sys.exit(2)
