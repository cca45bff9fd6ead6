"""Containers: a bundle of the tar subset, or a programme folder. docs/formats/bundle.md."""

import os
import re

from strict import canonical, need, parse, sha256

FILES_MAX = 400_000
SEQ = r"([0-9]{9}|[1-9][0-9]{9,15})"
BATCH = r"([0-9]{4}|[1-9][0-9]{4,5})"
TILE = r"((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
ROLES = [
    ("readme", re.compile(r"README\.txt"), 65_536),
    ("index", re.compile(r"bundle\.json"), 134_217_728),
    ("disclosure", re.compile(rf"disclosures/{SEQ}-(0|[1-9][0-9]{{0,15}})\.json"), 16_384),
    ("records", re.compile(rf"evidence/[a-z0-9][a-z0-9-]{{0,63}}/batch-{BATCH}\.records\.jsonl"), 7_077_888),
    ("envelope", re.compile(rf"ledger/certificates/{SEQ}\.dsse\.json"), 16_384),
    ("statement", re.compile(rf"ledger/certificates/{SEQ}\.json"), 4_096),
    ("checkpoint", re.compile(r"ledger/checkpoint"), 131_072),
    ("entries", re.compile(rf"ledger/tile/entries/{TILE}"), 1_049_088),
    ("tile", re.compile(rf"ledger/tile/(?:0|[1-9][0-9]?)/{TILE}"), 8_192),
    ("proof", re.compile(rf"proofs/{SEQ}\.tlog-proof"), 262_144),
]


def role_of(name):
    for role, pattern, limit in ROLES:
        found = pattern.fullmatch(name)
        if not found:
            continue
        if role == "records":
            need(int(found[1]) > 0, f"{name}: batch 0")
        if role in ("tile", "entries"):
            need(not found[1].startswith("x000/"), f"{name}: a group too many")
            need(found[2] is None or int(found[2]) < 256, f"{name}: not a partial tile")
        return role, limit
    need(False, f"no file may be called {name!r}")


def header(name, size):
    """The one header that a name and a size have."""
    block = name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2
    block += b"%011o\0" % size + b"0" * 11 + b"\0"
    block += b" " * 8 + b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + bytes(167)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def untar(data):
    """Name -> contents, in the order of the file."""
    files, at, last = {}, 0, b""
    need(len(data) % 512 == 0, "tar: cut short")
    while True:
        block = data[at : at + 512]
        need(len(block) == 512, "tar: cut short")
        if block == bytes(512):
            break
        raw = block[:100].rstrip(b"\0")
        need(raw.isascii() and re.fullmatch(rb"[0-7]{11}", block[124:135]), "tar: header")
        name, size = raw.decode("ascii"), int(block[124:135], 8)
        need(block == header(name, size), f"tar: the header of {name!r}")
        role, limit = role_of(name)
        need(size <= limit, f"{name}: too long")
        need(raw > last, f"{name}: out of order")
        at, last = at + 512, raw
        end = at + size
        padded = end + (-size) % 512
        need(padded <= len(data), "tar: cut short")
        need(not any(data[end:padded]), f"{name}: padding")
        files[name] = data[at:end]
        need(len(files) <= FILES_MAX, "tar: too many files")
        at = padded
    need(data[at:] == bytes(1024), "tar: its end")
    return files


class Bundle:
    """A container with the files of a bundle, checked as step 1 says."""

    def __init__(self, data):
        self.files = untar(data)
        need("bundle.json" in self.files, "bundle.json is missing")
        self.index = parse(self.files["bundle.json"], "bundle.json")
        need(isinstance(self.index, dict), "bundle.json: not a table")
        self.kind = self.index.get("kind")
        self.log = self.index.get("log")
        need(self.kind in ("full", "single"), "bundle.json: kind")
        listed = [
            {"bytes": len(data), "path": name, "role": role_of(name)[0], "sha256": sha256(data).hex()}
            for name, data in self.files.items()
            if name != "bundle.json"
        ]
        rebuilt = {"files": listed, "format": "quietus-bundle/1", "kind": self.kind, "log": self.log}
        need(isinstance(self.log, str) and canonical(rebuilt) == self.files["bundle.json"], "bundle.json is not the tar's")

    def get(self, name):
        return self.files.get(name)

    def exactly(self, wanted):
        """Everything wanted is there, and nothing else but the readme, disclosures and the index."""
        for name in wanted:
            need(name in self.files, f"{name} is missing")
        for name in self.files:
            free = role_of(name)[0] in ("readme", "index", "disclosure")
            need(free or name in wanted, f"{name} does not belong there")

    def disclosures(self):
        return [(name, data) for name, data in self.files.items() if name.startswith("disclosures/")]


class Folder:
    """A programme folder: only what the ledger names is read."""

    kind, log = "full", None

    def __init__(self, path):
        self.path = path

    def get(self, name):
        role, limit = role_of(name)
        try:
            with open(os.path.join(self.path, name), "rb") as file:
                data = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        need(len(data) <= limit, f"{name}: too long")
        return data

    def exactly(self, wanted):
        for name in wanted:
            need(os.path.isfile(os.path.join(self.path, name)), f"{name} is missing")

    def disclosures(self):
        return []
