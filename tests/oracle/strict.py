"""What docs/formats call strict: bytes with one form only. Every breach is a `Reject`."""

import base64
import binascii
import datetime
import hashlib
import json
import re

INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 16

HEX32 = re.compile(r"[0-9a-f]{64}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
DECIMAL = re.compile(r"0|[1-9][0-9]*")
FORBIDDEN = re.compile("[\x00-\x1f\x7f\u2028-\u202e\u2066-\u2069]")


class Reject(Exception):
    """The evidence is false, or not of the form that the formats demand."""


def need(condition, message):
    if not condition:
        raise Reject(message)


def sha256(data):
    return hashlib.sha256(data).digest()


def base64_of(text, what):
    """Standard alphabet, padded, unused bits zero: one text for each value."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Reject(f"{what}: not base64") from None
    need(base64.b64encode(value).decode() == text, f"{what}: base64 that is not canonical")
    return value


def decimal_of(text, what):
    need(DECIMAL.fullmatch(text) and len(text) <= 16, f"{what}: not a plain decimal")
    value = int(text)
    need(value <= INTEGER_MAX, f"{what}: too large")
    return value


def text_of(data, what):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Reject(f"{what}: not UTF-8") from None


def _members(pairs):
    names = [name for name, _ in pairs]
    need(len(set(names)) == len(names), "a member occurs twice")
    return dict(pairs)


def _integer(text):
    need(DECIMAL.fullmatch(text) and len(text) <= 16, f"not a number of the profile: {text[:20]}")
    value = int(text)
    need(value <= INTEGER_MAX, "a number above 2^53 - 1")
    return value


def _no_number(text):
    raise Reject(f"not an integer: {text[:20]}")


def canonical(value):
    """RFC 8785 for values without floats. Member names are ASCII, so any order of units agrees."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _walk(value, level):
    need(level <= DEPTH_MAX, "too deep")
    if isinstance(value, dict):
        for name, inner in value.items():
            need(name.isascii(), "a member's name is not ASCII")
            _walk(inner, level + 1)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner, level + 1)
    else:
        need(value is not None, "null")


def parse(data, what):
    """Parses bytes that must equal their own canonical form."""
    try:
        value = json.loads(
            text_of(data, what),
            object_pairs_hook=_members,
            parse_int=_integer,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
        _walk(value, 0)
        need(canonical(value) == data, f"{what}: not its own canonical form")
    except (json.JSONDecodeError, RecursionError, UnicodeEncodeError):
        raise Reject(f"{what}: not JSON of the profile") from None
    except Reject as reject:
        raise Reject(f"{what}: {reject}") from None
    return value


# Types of members. Each is a function of value and name that rejects what does not fit.


def text(value, name):
    need(isinstance(value, str) and value != "", f"{name}: not a text")
    need(not FORBIDDEN.search(value), f"{name}: a forbidden character")


def word(*words):
    def check(value, name):
        need(isinstance(value, str) and value in words, f"{name}: not one of {words}")

    return check


def _pattern(pattern, what):
    def check(value, name):
        need(isinstance(value, str) and pattern.fullmatch(value), f"{name}: not {what}")

    return check


hex32 = _pattern(HEX32, "64 hexadecimal digits")
identifier = _pattern(ID, "an id")


def date(value, name):
    need(isinstance(value, str) and DATE.fullmatch(value), f"{name}: not a date")
    try:
        datetime.date(int(value[0:4]), int(value[5:7]), int(value[8:10]))
    except ValueError:
        raise Reject(f"{name}: not a real date") from None


def time(value, name):
    need(isinstance(value, str) and TIME.fullmatch(value), f"{name}: not a time")
    date(value[:10], name)
    need(int(value[11:13]) < 24 and int(value[14:16]) < 60 and int(value[17:19]) < 60, f"{name}: no such second")


def count(value, name):
    need(type(value) is int and 0 <= value <= INTEGER_MAX, f"{name}: not a count")


def known(value, name):
    if value != "unknown":
        count(value, name)


def boolean(value, name):
    need(isinstance(value, bool), f"{name}: not a boolean")


def clears(value, name):
    if value != "unknown":
        date(value, name)


def array(inner, least=0):
    def check(value, name):
        need(isinstance(value, list) and len(value) >= least, f"{name}: not an array of {least} or more")
        for element in value:
            inner(element, name)

    return check


def table(members, optional=()):
    """A table with exactly these members; those named in `optional` may be absent."""

    def check(value, name):
        need(isinstance(value, dict), f"{name}: not a table")
        for member in value:
            need(member in members, f"{name}: unknown member {member}")
        for member, inner in members.items():
            if member in value:
                inner(value[member], f"{name}.{member}")
            else:
                need(member in optional, f"{name}: {member} is missing")

    return check
