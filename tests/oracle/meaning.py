"""What the entries say of each other, and of the records: verification.md steps 8, 9 and 11."""

import hashlib
import hmac
import re

import tlog
from statement import SAME_SCOPE, rising
from strict import Reject, count, date, hex32, need, parse, sha256, table, text

RECORDS_MAX = 65_536
LINE = re.compile(rb'\{"c":"([0-9a-f]{64})","due":"([0-9]{4}-[0-9]{2}-[0-9]{2})","o":"(destroyed|absent|failed|held)"\}')


class Meaning:
    """Goes through the entries in order and remembers what later ones may name."""

    def __init__(self, entries, leaves, full):
        self.entries, self.leaves, self.full = entries, leaves, full
        self.closed, self.batches, self.unlinked = set(), set(), set()

    def check(self):
        for seq, entry in sorted(self.entries.items()):
            need((entry["kind"] == "genesis") == (seq == 0), f"entry {seq}: genesis stands first, and only there")
            handler = getattr(self, "_" + entry["kind"].replace(".", "_"), None)
            if handler:
                handler(seq, entry, f"entry {seq}")

    def _earlier(self, seq, named, kind, what):
        """The earlier entry of a kind; None in a single bundle that does not carry it."""
        need(named < seq, f"{what}: names a later entry")
        found = self.entries.get(named)
        if found is None:
            need(not self.full, f"{what}: names no entry")
            return None
        need(kind is None or found["kind"] == kind, f"{what}: names an entry of another kind")
        return found

    def _ref(self, seq, ref, kind, what):
        found = self._earlier(seq, ref["seq"], kind, what)
        if found is not None:
            need(self.leaves[ref["seq"]].hex() == ref["leaf"], f"{what}: names another leaf")
        return found

    def _in_force(self, seq, policy_seq, digest, what):
        found = self._earlier(seq, policy_seq, "policy", what)
        need(found is None or found["digest"] == digest, f"{what}: another policy")
        return found

    def _close(self, seq, what):
        need(seq not in self.closed, f"{what}: the intent is closed already")
        self.closed.add(seq)

    def _policy(self, seq, entry, what):
        rising([file["name"].encode() for file in entry["files"]], what)
        lines = "".join(f"{file['sha256']}  {file['name']}\n" for file in entry["files"])
        need(sha256(lines.encode()).hex() == entry["digest"], f"{what}: digest")

    def _intent(self, seq, entry, what):
        batch = (entry["run"], entry["batch"]["n"])
        need(batch not in self.batches, f"{what}: a batch twice")
        self.batches.add(batch)
        need(1 <= entry["count"] <= RECORDS_MAX, f"{what}: count")
        self._in_force(seq, entry["policy_seq"], entry["policy"], what)

    def _result(self, seq, entry, what):
        authority, scope, counts = entry["authority"], entry["scope"], entry["scope"]["counts"]
        policy = self._in_force(seq, authority["policy_seq"], authority["policy"], what)
        if policy is not None:
            same = all(policy[name] == authority[name] for name in ("schedule", "version"))
            need(same, f"{what}: another schedule")
        intent = self._ref(seq, entry["intent"], "intent", what)
        self._close(entry["intent"]["seq"], what)
        if intent is not None:
            same = [
                all(intent[name] == entry[name] for name in ("run", "batch")),
                all(intent[name] == authority[name] for name in ("policy", "policy_seq")),
                all(intent[name] == scope[name] for name in ("intent_root", "commit")),
                all(intent["scope"][name] == scope[name] for name in SAME_SCOPE),
                intent["count"] == counts["selected"],
            ]
            need(all(same), f"{what}: does not fit its intent")
        parts = ("destroyed", "already_absent", "failed", "held")
        need(counts["selected"] == sum(counts[name] for name in parts), f"{what}: counts do not add up")
        need(counts["unacknowledged"] <= counts["destroyed"], f"{what}: unacknowledged")
        checked = entry["verification"]
        need(checked["sampled"] <= counts["selected"], f"{what}: sampled")
        need(checked["found"] <= counts["failed"] + counts["held"], f"{what}: found")
        need(counts["destroyed"] == 0 or checked["control"], f"{what}: no control")
        need(entry["time"]["started"] <= entry["time"]["finished"], f"{what}: time")
        need(scope["records"]["file"] == f"batch-{entry['batch']['n']:04d}.records.jsonl", f"{what}: file name")

    def _nil(self, seq, entry, what):
        self._in_force(seq, entry["policy_seq"], entry["policy"], what)
        totals = entry["totals"]
        need(2 * totals["matched"] == sum(totals.values()), f"{what}: totals do not add up")
        need(entry["why"] != "nothing_due" or totals["due"] == 0, f"{what}: something was due")

    def _abort(self, seq, entry, what):
        if "intent" in entry:
            intent = self._ref(seq, entry["intent"], "intent", what)
            need(intent is None or intent["run"] == entry["run"], f"{what}: an intent of another run")
            self._close(entry["intent"]["seq"], what)

    def _correct(self, seq, entry, what):
        self._ref(seq, entry["corrects"], None, what)

    def _salts_destroyed(self, seq, entry, what):
        rising(entry["results"], what)
        for result in entry["results"]:
            self._earlier(seq, result, "result", what)
            need(result not in self.unlinked, f"{what}: {result} is named twice")
            self.unlinked.add(result)


def records_path(entry):
    return f"evidence/{entry['run']}/{entry['scope']['records']['file']}"


def records(data, entry, what):
    """Step 9: one records file against its certificate."""
    scope, counts = entry["scope"], entry["scope"]["counts"]
    need(len(data) == scope["records"]["bytes"] and sha256(data).hex() == scope["records"]["sha256"], f"{what}: digest")
    need(data.endswith(b"\n"), f"{what}: no newline at the end")
    lines = data[:-1].split(b"\n")
    need(1 <= len(lines) <= RECORDS_MAX, f"{what}: number of lines")
    found, commitments = {"destroyed": 0, "absent": 0, "failed": 0, "held": 0}, []
    for line in lines:
        fits = LINE.fullmatch(line)
        need(fits, f"{what}: a line off the template")
        commitments.append(fits[1])
        due = fits[2].decode()
        date(due, what)
        need(due <= scope["cutoff"], f"{what}: a record that was not due")
        found[fits[3].decode()] += 1
    rising(commitments, what)
    intents = [tlog.leaf(b'{"c":"%s"}' % c) for c in commitments]
    need(tlog.root(intents).hex() == scope["intent_root"], f"{what}: intent_root")
    need(tlog.root([tlog.leaf(line) for line in lines]).hex() == scope["result_root"], f"{what}: result_root")
    found["already_absent"] = found.pop("absent")
    need(len(lines) == counts["selected"], f"{what}: selected")
    need(all(counts[name] == number for name, number in found.items()), f"{what}: outcomes")


def _hex_list(value, name):
    need(isinstance(value, list) and len(value) <= 64, f"{name}: not a path")
    for one in value:
        hex32(one, name)


def _format(value, name):
    need(value == "quietus-disclosure/1", f"{name}: another format")


DISCLOSURE = table({
    "format": _format, "log": text, "seq": count, "store": text, "record_key": text, "salt": hex32, "line": text,
    "index": count, "size": count, "path": _hex_list,
})


def lp(data):
    return len(data).to_bytes(4, "big") + data


def disclosure(data, entries, log, what):
    """Step 11: one opening, against a certificate that was checked."""
    need(len(data) <= 16_384, f"{what}: too long")
    value = parse(data, what)
    # A record's own name may hold any character.
    key = value.get("record_key") if isinstance(value, dict) else None
    need(isinstance(key, str), f"{what}: record_key")
    DISCLOSURE({**value, "record_key": "named"}, what)
    line = value["line"].encode()
    fits = LINE.fullmatch(line)
    need(fits, f"{what}: a line off the template")
    date(fits[2].decode(), what)
    entry = entries.get(value["seq"])
    need(entry is not None and entry["kind"] == "result" and value["log"] == log, f"{what}: of no certificate")
    scope = entry["scope"]
    need(value["store"] == scope["store"] and value["size"] == scope["counts"]["selected"], f"{what}: store or size")
    message = b"disposal/record-id/v1\0" + lp(value["store"].encode()) + lp(key.encode())
    commitment = hmac.new(bytes.fromhex(value["salt"]), message, hashlib.sha256).hexdigest()
    need(commitment.encode() == fits[1], f"{what}: another record")
    path = [bytes.fromhex(one) for one in value["path"]]
    try:
        root = tlog.inclusion(tlog.leaf(line), value["index"], value["size"], path)
    except Reject as reject:
        raise Reject(f"{what}: {reject}") from None
    need(root.hex() == scope["result_root"], f"{what}: not in the certificate")
    return {"record_key": key, "seq": value["seq"], "outcome": fits[3].decode(), "due": fits[2].decode()}
