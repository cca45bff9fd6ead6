#!/usr/bin/env python3
"""A second verifier, written from docs/formats alone and sharing no code with the first.

usage: verify.py PATH [--policy FILE] [--last-seen FILE] [--disclosure FILE]... [--json]

PATH is a bundle or a programme folder. Exit code 0: accepted, at the level that it prints; 1: INVALID; 2: usage.
"""

import argparse
import json
import os
import re
import sys

import ed25519
import tlog
from bundle import Bundle, Folder, SEQ
from meaning import Meaning, disclosure, records, records_path
from statement import envelope, statement
from strict import Reject, base64_of, decimal_of, need

ZEROS = "0" * 64
PROOF_NAME = re.compile(rf"proofs/{SEQ}\.tlog-proof")


def certificate(seq, end):
    return f"ledger/certificates/{seq:09d}.{end}"


def full_entries(container, note):
    """Step 4, full: all entries; every tile and the root are rebuilt."""
    entries, names = [], {"ledger/checkpoint"}
    for start in range(0, note.size, 256):
        width = min(256, note.size - start)
        name = f"ledger/tile/entries/{tlog.tile_name(start // 256, width)}"
        data = container.get(name)
        need(data is not None, f"{name} is missing")
        entries += tlog.entries_of(data, width)
        names.add(name)
    leaves = [tlog.leaf(entry) for entry in entries]
    for below, data in tlog.tiles(leaves).items():
        name = f"ledger/tile/{below}"
        need(container.get(name) == data, f"{name} is not the tree's")
        names.add(name)
    need(tlog.root(leaves) == note.root, "the root is not the checkpoint's")
    for seq in range(note.size):
        names |= {certificate(seq, "json"), certificate(seq, "dsse.json")}
    return dict(enumerate(entries)), dict(enumerate(leaves)), names


def proof(data, seq, entry, note):
    what = f"proof of {seq}"
    need(data.endswith(b"\n\n" + note.data), f"{what}: another checkpoint")
    lines = data[: -len(note.data) - 2].decode("ascii", "replace").split("\n")
    need(len(lines) >= 2 and lines[0] == "c2sp.org/tlog-proof@v1", f"{what}: header")
    need(lines[1].startswith("index ") and decimal_of(lines[1][6:], what) == seq, f"{what}: index")
    path = [base64_of(line, what) for line in lines[2:]]
    need(all(len(hash_) == 32 for hash_ in path), f"{what}: a hash")
    need(tlog.inclusion(tlog.leaf(entry), seq, note.size, path) == note.root, f"{what}: another root")


def single_entries(container, note):
    """Step 4, single: each entry by its own proof."""
    entries, names = {}, {"ledger/checkpoint"}
    for name in container.files:
        fits = PROOF_NAME.fullmatch(name)
        if not fits:
            continue
        seq = int(fits[1])
        entry = container.get(certificate(seq, "json"))
        need(entry is not None, f"entry {seq} is missing")
        proof(container.get(name), seq, entry, note)
        entries[seq] = entry
        names |= {name, certificate(seq, "json"), certificate(seq, "dsse.json")}
    need(0 in entries, "entry 0 is missing")
    return entries, {seq: tlog.leaf(entry) for seq, entry in entries.items()}, names


def closure(seq, predicates):
    """The entries that a single bundle of one entry has."""
    wanted, entry = {0, seq}, predicates[seq]
    if entry["kind"] == "result":
        wanted |= {entry["intent"]["seq"], entry["authority"]["policy_seq"]}
    return wanted


def check_entries(container, note, full, entries, leaves):
    """Step 5: each entry, and its place in the chain."""
    predicates = {}
    for seq, data in sorted(entries.items()):
        predicate = statement(data, seq, note.origin)
        if full:
            need(container.get(certificate(seq, "json")) == data, f"entry {seq}: its file is not the entry")
        if seq == 0:
            need(predicate["prev"] == ZEROS, "entry 0: prev")
        elif seq - 1 in leaves:
            need(predicate["prev"] == leaves[seq - 1].hex(), f"entry {seq}: prev")
        predicates[seq] = predicate
    return predicates


def check_keys(note, policy, genesis):
    """Steps 3 and 6: who signed the checkpoint. Returns key, the witnesses' times by name."""
    need(genesis["kind"] == "genesis", "entry 0 is no genesis")
    log_key, certificate_key = (bytes.fromhex(genesis[name]) for name in ("log_key", "certificate_key"))
    need(ed25519.good_key(log_key) and ed25519.good_key(certificate_key), "genesis: a weak key")
    need(log_key != certificate_key, "genesis: one key for two uses")
    seen = {}
    if policy is not None:
        need(note.origin in policy.logs, f"the policy knows no log {note.origin}")
        need(policy.logs[note.origin] == log_key, "genesis names another key than the policy")
        for name, (signer, key) in policy.witnesses.items():
            when = tlog.signed_by(note, signer, tlog.WITNESS, key)
            if when is not None:
                seen[name] = when
    need(tlog.signed_by(note, note.origin, tlog.LOG, log_key) is not None, "the ledger's key did not sign")
    return log_key, certificate_key, seen


def check_last_seen(data, note, log_key, leaves, full):
    """Step 10. Returns whether the two could be compared."""
    old = tlog.checkpoint(data, "last seen")
    need(old.origin == note.origin, "last seen: another ledger")
    need(tlog.signed_by(old, old.origin, tlog.LOG, log_key) is not None, "last seen: not signed")
    if full:
        need(old.size <= note.size, "the ledger is shorter than it was")
        need(tlog.root([leaves[seq] for seq in range(old.size)]) == old.root, "the ledger is not what it was")
        return True
    need(old.size != note.size or old.root == note.root, "the ledger is not what it was")
    return old.size == note.size


def verify(container, policy_data=None, last_seen=None, disclosures=()):
    """The whole of docs/formats/verification.md. Returns a report, or raises `Reject`."""
    full = container.kind == "full"
    policy = None if policy_data is None else tlog.policy(policy_data)
    data = container.get("ledger/checkpoint")
    need(data is not None, "ledger/checkpoint is missing")
    note = tlog.checkpoint(data)
    need(container.log in (None, note.origin), "bundle.json names another log")
    entries, leaves, names = (full_entries if full else single_entries)(container, note)
    predicates = check_entries(container, note, full, entries, leaves)
    log_key, certificate_key, seen = check_keys(note, policy, predicates[0])
    for seq, entry in entries.items():
        name = certificate(seq, "dsse.json")
        sealed = container.get(name)
        need(sealed is not None, f"{name} is missing")
        envelope(sealed, entry, certificate_key, name)
    meaning = Meaning(predicates, leaves, full)
    meaning.check()
    for seq, entry in predicates.items():
        if entry["kind"] == "result":
            path = records_path(entry)
            lines = container.get(path)
            need(lines is not None or not full, f"{path} is missing")
            if lines is not None:
                records(lines, entry, path)
                names.add(path)
    if not full:
        need(closure(max(predicates), predicates) == set(predicates), "entries that do not belong together")
    container.exactly(names)
    compared = last_seen is not None and check_last_seen(last_seen, note, log_key, leaves, full)
    opened = []
    for name, opening in [*container.disclosures(), *disclosures]:
        opened.append(disclosure(opening, predicates, note.origin, name))
        if name.startswith("disclosures/"):
            place = json.loads(opening)
            need(name == f"disclosures/{place['seq']:09d}-{place['index']}.json", f"{name}: not its name")
    level = "SELF-CONSISTENT" if policy is None else "SIGNED"
    if policy is not None and policy.quorum != "none" and policy.met(policy.quorum, seen):
        level = "WITNESSED"
    intents = [seq for seq, entry in predicates.items() if entry["kind"] == "intent"]
    return {
        "level": level,
        "log": note.origin,
        "entries": note.size,
        "results": sum(entry["kind"] == "result" for entry in predicates.values()),
        "open_intents": [seq for seq in intents if seq not in meaning.closed] if full else [],
        "last_seen_compared": compared,
        "disclosures": opened,
    }


def open_container(path):
    if os.path.isdir(path):
        return Folder(path)
    with open(path, "rb") as file:
        return Bundle(file.read())


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("path")
    parser.add_argument("--policy")
    parser.add_argument("--last-seen")
    parser.add_argument("--disclosure", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    try:
        report = verify(
            open_container(args.path),
            read(args.policy) if args.policy else None,
            read(args.last_seen) if args.last_seen else None,
            [(path, read(path)) for path in args.disclosure],
        )
    except Reject as reject:
        report = {"level": "INVALID", "reason": str(reject)}
    if args.json:
        print(json.dumps(report, sort_keys=True))
    else:
        print(report["level"], report.get("reason") or f"{report['log']}, {report['entries']} entries")
        for opened in report.get("disclosures", []):
            print(f"  {opened['record_key']}: {opened['outcome']}, certificate {opened['seq']}")
    return 1 if report["level"] == "INVALID" else 0


if __name__ == "__main__":
    sys.exit(main())
