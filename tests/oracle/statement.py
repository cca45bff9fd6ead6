"""Statements and envelopes: docs/formats/statement.md and dsse.md."""

import base64

import ed25519
from strict import (
    array, base64_of, boolean, clears, count, date, hex32, identifier, known, need, parse, sha256, table, text, time,
    word,
)

STATEMENT_BYTES_MAX = 4_052
PAE_BYTES_MAX = 4_096
PAYLOAD_TYPE = "application/vnd.in-toto+json"
COMMIT = "hmac-sha256/v1"

REF = table({"leaf": hex32, "seq": count})
ISSUER = table({"org": text, "unit": text, "contact": text, "agent": text, "host": text}, ("unit", "contact"))
TOOL = table({"name": text, "version": text, "sha256": hex32})
BATCH = table({"n": count, "of": count})
METHOD = table({
    "class": word("logical-delete", "logical-delete-overwritten", "anonymise", "key-destruction"),
    "standard": word("none-claimed"),
    "strength": text,
    "technique": text,
})
COUNTS = table({
    **dict.fromkeys(("selected", "destroyed", "already_absent", "failed", "held", "unacknowledged"), count),
    **dict.fromkeys(("members", "before", "after", "remaining_due"), known),
})
SAME_SCOPE = {"cutoff": date, "holding": text, "rule": text, "series": text, "store": text}
SCOPE = table({
    **SAME_SCOPE,
    "method": METHOD,
    "counts": COUNTS,
    "commit": word(COMMIT),
    "intent_root": hex32,
    "result_root": hex32,
    "records": table({"bytes": count, "file": text, "sha256": hex32}),
})
TOTALS = ("awaiting_event", "cannot_evaluate", "due", "held", "implausible_date", "matched", "not_due", "permanent")

KINDS = {
    "genesis": ({
        "issuer": ISSUER, "tool": TOOL, "log_key": hex32, "certificate_key": hex32,
        "previous": table({"log": text, "root": hex32, "size": count}),
    }, ("previous",)),
    "policy": ({
        "files": array(table({"bytes": count, "name": text, "sha256": hex32}), 1),
        "digest": hex32, "schedule": text, "version": text, "approved_by": text,
    }, ()),
    "intent": ({
        "run": identifier, "batch": BATCH, "policy": hex32, "policy_seq": count, "plan": hex32,
        "scope": table(SAME_SCOPE), "count": count, "intent_root": hex32, "commit": word(COMMIT),
    }, ()),
    "result": ({
        "run": identifier, "batch": BATCH, "intent": REF, "issuer": ISSUER, "tool": TOOL,
        "authority": table({
            "policy": hex32, "policy_seq": count, "schedule": text, "version": text, "class": text,
            "legal_basis": array(text), "approvals": array(table({"at": time, "key": hex32, "role": text})),
        }),
        "time": table({"finished": time, "started": time}),
        "scope": SCOPE,
        "verification": table({"by": text, "method": text, "sampled": count, "found": count, "control": boolean}),
        "residual": array(table({"clears_by": clears, "kind": text, "place": text})),
        "residual_knowledge": word("observed", "declared", "unknown"),
        "holds_checked": table({"at": time, "count": count, "register": hex32}),
        "not_checked": array(text),
    }, ()),
    "nil": ({
        "run": identifier, "why": word("nothing_due", "awaiting_approval", "limited", "unreachable"),
        "policy": hex32, "policy_seq": count, "cutoff": date, "totals": table(dict.fromkeys(TOTALS, count)),
        "not_checked": array(text),
    }, ()),
    "abort": ({"run": identifier, "reason": text, "intent": REF}, ("intent",)),
    "hold": ({"action": word("placed", "released"), "holds": array(text, 1), "register": hex32, "count": count}, ()),
    "correct": ({"corrects": REF, "reason": text}, ()),
    "incident": ({"code": text, "summary": text, "run": identifier}, ("run",)),
    "salts.destroyed": ({"results": array(count, 1)}, ()),
}
HEAD = {"log": text, "seq": count, "prev": hex32, "kind": text, "at": time}
PREDICATES = {kind: table({**HEAD, **members}, optional) for kind, (members, optional) in KINDS.items()}
SUBJECT = array(table({"digest": table({"sha256": hex32}), "name": text}), 1)


def _subject(predicate):
    kind = predicate["kind"]
    if kind == "result":
        return predicate["scope"]["records"]["file"], predicate["scope"]["records"]["sha256"]
    if kind == "genesis":
        return "certificate-key", sha256(bytes.fromhex(predicate["certificate_key"])).hex()
    if kind == "intent":
        return "intent", predicate["intent_root"]
    if kind == "policy":
        return "policy", predicate["digest"]
    return "previous-entry", predicate["prev"]


def rising(values, what):
    need(all(a < b for a, b in zip(values, values[1:])), f"{what}: not rising")


def statement(data, seq, log):
    """Step 5: one entry, by itself."""
    what = f"entry {seq}"
    need(len(data) <= STATEMENT_BYTES_MAX, f"{what}: too long")
    value = parse(data, what)
    need(isinstance(value, dict) and isinstance(value.get("predicate"), dict), f"{what}: not a statement")
    kind = value["predicate"].get("kind")
    need(isinstance(kind, str) and kind in PREDICATES, f"{what}: unknown kind")
    table({
        "_type": word("https://in-toto.io/Statement/v1"),
        "predicate": PREDICATES[kind],
        "predicateType": word("urn:quietus:disposal-certificate:v1"),
        "subject": SUBJECT,
    })(value, what)
    predicate = value["predicate"]
    need(predicate["log"] == log and predicate["seq"] == seq, f"{what}: of another ledger or place")
    name, digest = _subject(predicate)
    need(value["subject"] == [{"digest": {"sha256": digest}, "name": name}], f"{what}: subject")
    if "batch" in predicate:
        n, of = predicate["batch"]["n"], predicate["batch"]["of"]
        need(1 <= n <= of <= 999_999, f"{what}: batch")
    return predicate


def envelope(data, payload, certificate_key, what):
    """Step 7: the envelope of one entry."""
    value = parse(data, what)
    table({
        "payload": text,
        "payloadType": word(PAYLOAD_TYPE),
        "signatures": array(table({"keyid": hex32, "sig": text}), 1),
    })(value, what)
    need(value["payload"] == base64.b64encode(payload).decode(), f"{what}: not the entry")
    signatures = value["signatures"]
    ids = [one["keyid"] for one in signatures]
    need(len(ids) <= 8 and len(set(ids)) == len(ids), f"{what}: signatures")
    sigs = [base64_of(one["sig"], what) for one in signatures]
    need(all(len(sig) == 64 for sig in sigs), f"{what}: the length of a signature")
    pae = b"DSSEv1 28 %s %d " % (PAYLOAD_TYPE.encode(), len(payload)) + payload
    need(len(pae) <= PAE_BYTES_MAX, f"{what}: too long to be signed")
    wanted = sha256(certificate_key).hex()
    mine = [sig for one, sig in zip(ids, sigs) if one == wanted]
    need(len(mine) == 1 and ed25519.verify(certificate_key, pae, mine[0]), f"{what}: not signed by the certificate key")
    return len(signatures) - 1
