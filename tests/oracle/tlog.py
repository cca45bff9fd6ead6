"""Trees, tiles, notes and policies: docs/formats/ledger.md and policy.md."""

import re
from dataclasses import dataclass, field

import ed25519
from strict import Reject, base64_of, decimal_of, need, sha256, text_of

CHECKPOINT_BYTES_MAX = 131_072
SIGNATURES_MAX = 64
POLICY_BYTES_MAX = 65_536
LINES_MAX = 256
ORIGIN = re.compile(r"[\x21-\x2a\x2c-\x7e]{1,255}")
LOG, WITNESS = b"\x01", b"\x04"


def leaf(entry):
    return sha256(b"\x00" + entry)


def node(left, right):
    return sha256(b"\x01" + left + right)


def root(hashes):
    """The RFC 6962 root, level by level: an odd hash at the end goes up as it is."""
    if not hashes:
        return sha256(b"")
    level = list(hashes)
    while len(level) > 1:
        above = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def inclusion(hash_, index, size, path):
    """The root to which an inclusion proof leads (RFC 9162 section 2.1.3.2); rejects any other length."""
    need(index < size, "proof: index not below size")
    at, last = index, size - 1
    for sibling in path:
        need(last > 0, "proof: too long")
        if at & 1 or at == last:
            hash_ = node(sibling, hash_)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            hash_ = node(hash_, sibling)
        at, last = at >> 1, last >> 1
    need(last == 0, "proof: too short")
    return hash_


def tile_name(number, width):
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.append(f"x{number % 1000:03d}")
    return "/".join(reversed(groups)) + (f".p/{width}" if width < 256 else "")


def tiles(leaves):
    """Every tile of a tree, by its name below `ledger/tile/`."""
    found, level, hashes = {}, 0, leaves
    while hashes:
        for start in range(0, len(hashes), 256):
            part = hashes[start : start + 256]
            found[f"{level}/{tile_name(start // 256, len(part))}"] = b"".join(part)
        full = len(hashes) // 256
        hashes = [root(hashes[i * 256 : i * 256 + 256]) for i in range(full)]
        level += 1
    return found


def entries_of(tile, number):
    """The entries of one tile of entries, exactly `number` of them."""
    entries, at = [], 0
    for _ in range(number):
        need(at + 2 <= len(tile), "entries: cut short")
        length = int.from_bytes(tile[at : at + 2], "big")
        at += 2
        need(at + length <= len(tile), "entries: cut short")
        entries.append(tile[at : at + length])
        at += length
    need(at == len(tile), "entries: something follows")
    return entries


def key_id(name, kind, key):
    return sha256(name.encode() + b"\n" + kind + key)[:4]


@dataclass
class Note:
    """A checkpoint as it was read: nothing in it is trusted yet."""

    data: bytes
    text: bytes
    origin: str
    size: int
    root: bytes
    signatures: list = field(default_factory=list)


def _signature(line):
    need(line.startswith("— "), "checkpoint: not a signature line")
    parts = line[2:].split(" ")
    need(len(parts) == 2, "checkpoint: not a signature line")
    name, encoded = parts
    need(name != "" and "+" not in name and not any(c.isspace() for c in name), "checkpoint: a signer's name")
    value = base64_of(encoded, "checkpoint")
    need(len(value) > 4, "checkpoint: a signature too short")
    return name, value[:4], value[4:]


def checkpoint(data, what="checkpoint"):
    need(len(data) <= CHECKPOINT_BYTES_MAX, f"{what}: too long")
    text = text_of(data, what)
    need(not re.search("[\x00-\x09\x0b-\x1f]", text), f"{what}: a control character")
    at = data.rfind(b"\n\n")
    need(at >= 0 and data.endswith(b"\n"), f"{what}: not a signed note")
    body, tail = data[: at + 1], data[at + 2 :]
    lines = body.decode().split("\n")
    need(len(lines) == 4 and lines[3] == "", f"{what}: not three lines")
    need(ORIGIN.fullmatch(lines[0]), f"{what}: origin")
    signed = tail.decode().split("\n")[:-1]
    need(1 <= len(signed) <= SIGNATURES_MAX, f"{what}: number of signatures")
    note = Note(data, body, lines[0], decimal_of(lines[1], what), base64_of(lines[2], what))
    need(len(note.root) == 32, f"{what}: root")
    need(note.size > 0, f"{what}: size 0")
    note.signatures = [_signature(line) for line in signed]
    return note


def signed_by(note, name, kind, key):
    """The one signature of a known key, checked; None where it did not sign. Returns its time, or 0."""
    wanted = key_id(name, kind, key)
    mine = [value for signer, id_, value in note.signatures if signer == name and id_ == wanted]
    need(len(mine) <= 1, f"checkpoint: {name} signed twice")
    if not mine:
        return None
    if kind == LOG:
        need(ed25519.verify(key, note.text, mine[0]), f"checkpoint: the signature of {name} is wrong")
        return 0
    need(len(mine[0]) == 72, f"checkpoint: the cosignature of {name} has the wrong length")
    when = int.from_bytes(mine[0][:8], "big")
    message = b"cosignature/v1\ntime %d\n" % when + note.text
    need(ed25519.verify(key, message, mine[0][8:]), f"checkpoint: the cosignature of {name} is wrong")
    return when


@dataclass
class Policy:
    """What the auditor trusts."""

    logs: dict = field(default_factory=dict)
    witnesses: dict = field(default_factory=dict)
    groups: dict = field(default_factory=dict)
    quorum: str = ""

    def met(self, name, signers):
        """Whether a witness or a group is among, or satisfied by, the witnesses that signed."""
        if name in self.witnesses:
            return name in signers
        least, members = self.groups[name]
        return sum(self.met(member, signers) for member in members) >= least


def vkey(text, kind):
    parts = text.split("+", 2)
    need(len(parts) == 3 and parts[0] != "", "policy: not a vkey")
    name, id_, encoded = parts
    need(not any(c.isspace() for c in name), "policy: a key's name")
    value = base64_of(encoded, "policy")
    need(len(value) == 33 and value[:1] == kind, "policy: another kind of key")
    need(re.fullmatch("[0-9a-f]{8}", id_) and bytes.fromhex(id_) == key_id(name, kind, value[1:]), "policy: key id")
    need(ed25519.good_key(value[1:]), "policy: a weak key")
    return name, value[1:]


def _group(policy, taken, items):
    need(len(items) >= 4, "policy: group")
    members = items[3:]
    for member in members:
        need(member in policy.witnesses or member in policy.groups, f"policy: {member} is not defined")
        need(member not in taken, f"policy: {member} is in two groups")
        taken.add(member)
    if items[2] in ("any", "all"):
        least = 1 if items[2] == "any" else len(members)
    else:
        least = decimal_of(items[2], "policy")
        need(1 <= least <= len(members), "policy: group")
    return least, members


def _name(policy, name):
    need(name != "none" and name not in policy.witnesses and name not in policy.groups, f"policy: {name} is taken")
    return name


def policy(data):
    need(len(data) <= POLICY_BYTES_MAX, "policy: too long")
    need(not re.search(rb"[^\x09\x0a\x20-\x7e\x80-\xff]", data), "policy: a forbidden octet")
    lines = text_of(data, "policy").split("\n")
    found, taken = Policy(), set()
    for line in lines:
        items = [item for item in re.split("[ \t]+", line) if item]
        if not items or items[0].startswith("#"):
            continue
        if items[0] == "log" and len(items) in (2, 3):
            name, key = vkey(items[1], LOG)
            need(name not in found.logs and key not in found.logs.values(), "policy: a log twice")
            found.logs[name] = key
        elif items[0] == "witness" and len(items) in (3, 4):
            name, key = vkey(items[2], WITNESS)
            need(key not in [k for _, k in found.witnesses.values()], "policy: a witness's key twice")
            found.witnesses[_name(found, items[1])] = (name, key)
        elif items[0] == "group":
            name = _name(found, items[1] if len(items) > 1 else "none")
            found.groups[name] = _group(found, taken, items)
        elif items[0] == "quorum" and len(items) == 2:
            need(found.quorum == "", "policy: two quorum lines")
            known = items[1] == "none" or items[1] in found.witnesses or items[1] in found.groups
            need(known, "policy: the quorum is not defined")
            found.quorum = items[1]
        else:
            raise Reject("policy: an unknown line")
    need(found.quorum != "", "policy: no quorum line")
    sizes = (len(found.logs), len(found.witnesses), len(found.groups))
    need(max(sizes) <= LINES_MAX, "policy: too many lines")
    return found
