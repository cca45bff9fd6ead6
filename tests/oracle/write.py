#!/usr/bin/env python3
"""A second writer of bundles, from docs/formats alone: what it writes, both verifiers must accept.

usage: write.py FOLDER
Writes honest, full, single and many-entries.disposal.tar, disclosure.json, policy, last-seen and forged/*: bundles
that are false in one way each. Everything is fixed: the same bytes on every run.
"""

import base64
import copy
import hashlib
import hmac
import os
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import tlog
from bundle import header, role_of
from meaning import lp
from statement import COMMIT, PAYLOAD_TYPE, _subject
from strict import canonical, parse, sha256

ORIGIN = "disposal.example.org/agent-7"
WEAK_KEY = bytes([1]) + bytes(31)
WEAK_SIGNATURE = bytes([1]) + bytes(63)
ZEROS = "0" * 64
TOOL = {"name": "second-writer", "sha256": "ab" * 32, "version": "1"}
ISSUER = {"agent": "agent-7", "host": "srv-1", "org": "Example Ltd"}
SCOPE = {
    "cutoff": "2026-11-22", "holding": "customers", "rule": "7 years after closure", "series": "CUS-010",
    "store": "pg:crm/public.customers",
}


class Key:
    """An Ed25519 key from a seed, or one that signs nothing and still verifies with lax libraries."""

    def __init__(self, seed, weak=False):
        self.weak = weak
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        if weak:
            self.public = WEAK_KEY

    def sign(self, message):
        return WEAK_SIGNATURE if self.weak else self.private.sign(message)


LOG, CERTIFICATE, WITNESS = Key(1), Key(3), Key(2)


def b64(data):
    return base64.b64encode(data).decode()


def vkey(name, kind, key):
    return f"{name}+{tlog.key_id(name, kind, key.public).hex()}+{b64(kind + key.public)}"


def commitments(batch_key, names):
    """(commitment, salt, name), sorted as the records file has them."""
    found = []
    for i, name in enumerate(names):
        salt = hmac.new(batch_key, b"disposal/record-salt/v1\0" + i.to_bytes(8, "big"), hashlib.sha256).digest()
        message = b"disposal/record-id/v1\0" + lp(SCOPE["store"].encode()) + lp(name.encode())
        found.append((hmac.new(salt, message, hashlib.sha256).hexdigest(), salt, name))
    return sorted(found)


def lines_of(found, due="2026-10-31", outcome="destroyed"):
    return [f'{{"c":"{c}","due":"{due}","o":"{outcome}"}}'.encode() for c, _, _ in found]


def path_of(leaves, index):
    """An inclusion proof, from the leaf upwards."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return path_of(leaves[:split], index) + [tlog.root(leaves[split:])]
    return path_of(leaves[split:], index - split) + [tlog.root(leaves[:split])]


class Ledger:
    """Entries in order, with the evidence files that they name."""

    def __init__(self, log=LOG, certificate=CERTIFICATE, origin=ORIGIN):
        self.log, self.certificate, self.origin = log, certificate, origin
        self.entries, self.files, self.at = [], {}, 0

    def add(self, kind, **members):
        """Appends a statement; returns its reference."""
        previous = tlog.leaf(self.entries[-1]).hex() if self.entries else ZEROS
        self.at += 1
        predicate = {
            "at": f"2026-11-22T02:{self.at // 60:02d}:{self.at % 60:02d}Z", "kind": kind, "log": self.origin,
            "prev": previous, "seq": len(self.entries), **members,
        }
        name, digest = _subject(predicate)
        self.entries.append(canonical({
            "_type": "https://in-toto.io/Statement/v1",
            "predicate": predicate,
            "predicateType": "urn:quietus:disposal-certificate:v1",
            "subject": [{"digest": {"sha256": digest}, "name": name}],
        }))
        return {"leaf": tlog.leaf(self.entries[-1]).hex(), "seq": len(self.entries) - 1}

    def envelope(self, seq):
        payload = self.entries[seq]
        pae = b"DSSEv1 28 %s %d " % (PAYLOAD_TYPE.encode(), len(payload)) + payload
        signature = {"keyid": sha256(self.certificate.public).hex(), "sig": b64(self.certificate.sign(pae))}
        return canonical({"payload": b64(payload), "payloadType": PAYLOAD_TYPE, "signatures": [signature]})

    def leaves(self):
        return [tlog.leaf(entry) for entry in self.entries]

    def checkpoint(self, size=None, witnessed=True):
        size = size or len(self.entries)
        text = f"{self.origin}\n{size}\n{b64(tlog.root(self.leaves()[:size]))}\n".encode()
        lines = [(self.origin, tlog.key_id(self.origin, tlog.LOG, self.log.public) + self.log.sign(text))]
        if witnessed:
            when = 1795313400
            name = "witness.auditor.example/w1"
            signature = WITNESS.sign(b"cosignature/v1\ntime %d\n" % when + text)
            lines.append((name, tlog.key_id(name, tlog.WITNESS, WITNESS.public) + when.to_bytes(8, "big") + signature))
        return text + b"\n" + "".join(f"— {name} {b64(value)}\n" for name, value in lines).encode()

    def proof(self, seq):
        path = "".join(b64(hash_) + "\n" for hash_ in path_of(self.leaves(), seq))
        return f"c2sp.org/tlog-proof@v1\nindex {seq}\n{path}\n".encode() + self.checkpoint()

    def certificates(self, seqs):
        files = {}
        for seq in seqs:
            files[f"ledger/certificates/{seq:09d}.json"] = self.entries[seq]
            files[f"ledger/certificates/{seq:09d}.dsse.json"] = self.envelope(seq)
        return files

    def full(self):
        files = {"ledger/checkpoint": self.checkpoint(), **self.certificates(range(len(self.entries))), **self.files}
        for name, data in tlog.tiles(self.leaves()).items():
            files[f"ledger/tile/{name}"] = data
        for start in range(0, len(self.entries), 256):
            part = self.entries[start : start + 256]
            name = f"ledger/tile/entries/{tlog.tile_name(start // 256, len(part))}"
            files[name] = b"".join(len(entry).to_bytes(2, "big") + entry for entry in part)
        return bundle(files, "full", self.origin)

    def single(self, seqs, more):
        files = {"ledger/checkpoint": self.checkpoint(), **self.certificates(seqs), **more}
        for seq in seqs:
            files[f"proofs/{seq:09d}.tlog-proof"] = self.proof(seq)
        return bundle(files, "single", self.origin)


def bundle(files, kind, origin):
    names = sorted(name for name in files)
    listed = [
        {"bytes": len(files[name]), "path": name, "role": role_of(name)[0], "sha256": sha256(files[name]).hex()}
        for name in names
    ]
    files = {**files, "bundle.json": canonical({"files": listed, "format": "quietus-bundle/1", "kind": kind, "log": origin})}
    data = b""
    for name in sorted(files):
        data += header(name, len(files[name])) + files[name] + bytes(-len(files[name]) % 512)
    return data + bytes(1024)


def batch(ledger, run, names, policy, n=1, of=1, change=lambda result: None):
    """An intent and its result over records of these names."""
    found = commitments(bytes([0x42]) * 32, names)
    lines = lines_of(found)
    data = b"\n".join(lines) + b"\n"
    digest, file = sha256(data).hex(), f"batch-{n:04d}.records.jsonl"
    intent_root = tlog.root([tlog.leaf(f'{{"c":"{c}"}}'.encode()) for c, _, _ in found]).hex()
    place = {"n": n, "of": of}
    intent = ledger.add(
        "intent", run=run, batch=place, policy=policy["digest"], policy_seq=policy["seq"], plan="cd" * 32, scope=SCOPE,
        count=len(names), intent_root=intent_root, commit=COMMIT,
    )
    result = dict(
        run=run, batch=place, intent=intent, issuer=ISSUER, tool=TOOL,
        authority={
            "approvals": [{"at": "2026-11-20T09:00:00Z", "key": "5d" * 32, "role": "records officer"}],
            "class": "CUS-010", "legal_basis": ["GDPR Art. 5(1)(e)"], "policy": policy["digest"],
            "policy_seq": policy["seq"], "schedule": "Records schedule", "version": "2026.1",
        },
        time={"finished": "2026-11-22T02:00:31Z", "started": "2026-11-22T02:00:00Z"},
        scope={
            **SCOPE, "commit": COMMIT, "intent_root": intent_root,
            "counts": {
                "after": 10, "already_absent": 0, "before": 10 + len(names), "destroyed": len(names), "failed": 0, "held": 0,
                "members": "unknown", "remaining_due": 0, "selected": len(names), "unacknowledged": 0,
            },
            "method": {
                "class": "logical-delete", "standard": "none-claimed", "strength": "The target no longer shows the row.",
                "technique": "sql.delete",
            },
            "records": {"bytes": len(data), "file": file, "sha256": digest},
            "result_root": tlog.root([tlog.leaf(line) for line in lines]).hex(),
        },
        verification={"by": "agent-7", "control": True, "found": 0, "method": "by-record", "sampled": len(names)},
        residual=[{"clears_by": "2027-02-22", "kind": "backup", "place": "backup copies"}], residual_knowledge="declared",
        holds_checked={"at": "2026-11-22T02:00:00Z", "count": 1, "register": "77" * 32},
        not_checked=["application caches"],
    )
    change(result)
    ref = ledger.add("result", **result)
    ledger.files[f"evidence/{run}/{file}"] = data
    return ref, found, lines


def genesis(ledger):
    ledger.add(
        "genesis", issuer=ISSUER, tool=TOOL, log_key=ledger.log.public.hex(), certificate_key=ledger.certificate.public.hex()
    )


def policy_entry(ledger):
    files = [{"bytes": 3, "name": "schedule.toml", "sha256": "11" * 32}, {"bytes": 4, "name": "systems.toml", "sha256": "22" * 32}]
    digest = sha256("".join(f"{f['sha256']}  {f['name']}\n" for f in files).encode()).hex()
    ref = ledger.add("policy", files=files, digest=digest, schedule="Records schedule", version="2026.1", approved_by="CFO")
    return {"digest": digest, "seq": ref["seq"]}


def sample(log=LOG, certificate=CERTIFICATE, records=700, more=260, change=lambda result: None):
    """A ledger with every kind of entry, and more than one tile."""
    ledger = Ledger(log, certificate)
    genesis(ledger)
    policy = policy_entry(ledger)
    ref, found, lines = batch(ledger, "run-1", [str(1001 + i) for i in range(records)], policy, 1, 2, change)
    batch(ledger, "run-1", ["ärger\n\"quoted\"", "../x"], policy, 2, 2)
    totals = dict.fromkeys(("awaiting_event", "cannot_evaluate", "due", "held", "implausible_date", "permanent"), 0)
    totals |= {"matched": 7, "not_due": 7}
    for i in range(more):
        ledger.add(
            "nil", run=f"tick-{i}", why="nothing_due", policy=policy["digest"], policy_seq=policy["seq"], cutoff="2026-11-22",
            totals=totals, not_checked=[],
        )
    intent = ledger.add(
        "intent", run="run-2", batch={"n": 1, "of": 1}, policy=policy["digest"], policy_seq=policy["seq"], plan="cd" * 32,
        scope=SCOPE, count=1, intent_root="ef" * 32, commit=COMMIT,
    )
    ledger.add("abort", run="run-2", reason="plan_expired", intent=intent)
    ledger.add("hold", action="placed", holds=["H-1"], register="78" * 32, count=1)
    ledger.add("correct", corrects=ref, reason="The host was named wrongly.")
    ledger.add("incident", code="lock_lost", summary="The lock file vanished.", run="run-2")
    ledger.add("salts.destroyed", results=[ref["seq"]])
    return ledger, ref, found, lines


def disclosure(ledger, ref, found, lines, index):
    leaves = [tlog.leaf(line) for line in lines]
    return canonical({
        "format": "quietus-disclosure/1", "index": index, "line": lines[index].decode(), "log": ledger.origin,
        "path": [hash_.hex() for hash_ in path_of(leaves, index)], "record_key": found[index][2],
        "salt": found[index][1].hex(), "seq": ref["seq"], "size": len(lines), "store": SCOPE["store"],
    })


def forged():
    """Bundles that are well made and false in one way each."""

    def lie(change):
        return sample(records=5, more=0, change=change)[0].full()

    def counts(**members):
        return lambda result: result["scope"]["counts"].update(members)

    weak = Key(9, weak=True)
    yield "weak-keys", sample(weak, CERTIFICATE, 5, 0)[0].full()
    yield "weak-certificate-key", sample(LOG, weak, 5, 0)[0].full()
    yield "one-key-for-two-uses", sample(LOG, LOG, 5, 0)[0].full()
    yield "counts-do-not-add-up", lie(counts(destroyed=6))
    yield "more-unacknowledged-than-destroyed", lie(counts(unacknowledged=6))
    yield "no-control", lie(lambda result: result["verification"].update(control=False))
    yield "found-what-is-gone", lie(lambda result: result["verification"].update(found=1))
    yield "another-cutoff", lie(lambda result: result["scope"].update(cutoff="2026-11-21"))
    yield "a-standard-claimed", lie(lambda result: result["scope"]["method"].update(standard="NIST 800-88"))
    yield "unknown-member", lie(lambda result: result.update(extra=1))
    yield "a-float", lie(lambda result: result["verification"].update(sampled=5.5))
    yield "a-null", lie(lambda result: result.update(residual=None))
    yield "a-number-above-2-53", lie(counts(after=2**53))
    yield "empty-text", lie(lambda result: result["verification"].update(by=""))
    yield "text-that-turns-around", lie(lambda result: result["verification"].update(by="a\u202eb"))
    yield "no-such-day", lie(lambda result: result["holds_checked"].update(at="2026-02-30T00:00:00Z"))
    yield "another-file-name", lie(lambda result: result["scope"]["records"].update(file="batch-0002.records.jsonl"))
    yield "another-result-root", lie(lambda result: result["scope"].update(result_root="00" * 32))
    yield "another-policy", lie(lambda result: result["authority"].update(policy="00" * 32))
    yield "another-version", lie(lambda result: result["authority"].update(version="2026.2"))

    ledger = sample(records=5, more=0)[0]
    genesis(ledger)
    yield "two-geneses", ledger.full()
    ledger = sample(records=5, more=0)[0]
    ledger.add("salts.destroyed", results=[3])
    yield "salts-destroyed-twice", ledger.full()
    ledger = sample(records=5, more=0)[0]
    ledger.add("abort", run="run-2", reason="again", intent={"leaf": ledger.leaves()[6].hex(), "seq": 6})
    yield "an-intent-closed-twice", ledger.full()
    ledger = sample(records=5, more=0)[0]
    batch(ledger, "run-1", ["1"], {"digest": policy_digest(ledger), "seq": 1}, 1, 2)
    yield "a-batch-twice", ledger.full()
    ledger = sample(records=5, more=0)[0]
    doubled = copy.copy(ledger)
    doubled.entries = [*ledger.entries[:4], *ledger.entries[3:]]
    yield "an-entry-doubled", doubled.full()
    cut = copy.copy(ledger)
    cut.entries = ledger.entries[:3] + ledger.entries[4:]
    yield "an-entry-left-out", cut.full()
    swapped = copy.copy(ledger)
    swapped.entries = [*ledger.entries[:3], ledger.entries[4], ledger.entries[3], *ledger.entries[5:]]
    yield "entries-swapped", swapped.full()


def policy_digest(ledger):
    return parse(ledger.entries[1], "policy")["predicate"]["digest"]


def main():
    folder = sys.argv[1]
    os.makedirs(os.path.join(folder, "forged"), exist_ok=True)

    def put(name, data):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)

    put("honest.disposal.tar", sample(records=5, more=0)[0].full())
    put("full.disposal.tar", sample(records=600, more=2)[0].full())
    put("many-entries.disposal.tar", sample()[0].full())
    ledger, ref, found, lines = sample()
    more = {name: data for name, data in ledger.files.items() if name.endswith("batch-0001.records.jsonl")}
    opening = disclosure(ledger, ref, found, lines, 41)
    more[f"disclosures/{ref['seq']:09d}-41.json"] = opening
    put("single.disposal.tar", ledger.single([0, 1, 2, 3], more))
    put("disclosure.json", opening)
    put("last-seen", ledger.checkpoint(200))
    lines = [
        f"log {vkey(ORIGIN, tlog.LOG, LOG)}", f"witness w1 {vkey('witness.auditor.example/w1', tlog.WITNESS, WITNESS)}",
        "group outside any w1", "quorum outside",
    ]
    put("policy", ("\n".join(lines) + "\n").encode())
    for name, data in forged():
        put(f"forged/{name}.disposal.tar", data)


if __name__ == "__main__":
    main()
