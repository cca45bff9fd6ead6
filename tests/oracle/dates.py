"""The date rules a second time, written from docs/specs/schedule.md alone.

Standard input has lines of two kinds:

    R <json>                                     a rule; the cases after it are about it
    C <as-of> TAB <jurisdiction> TAB <values> TAB <verdict>    a case and the verdict to check

Values are separated by `;`: `-` absent, `?` unreadable, `D2024-02-29`, `L2024-02-29T10:00:00.5`
(local, without a zone), `M2024-02-29T10:00:00.5` (a moment, in UTC). A jurisdiction `-` is none.
The only line of output is a JSON object with the sums and the first disagreements.

No library knows the rules here: months are counted by hand, zones come from `zoneinfo`.
"""

import json
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = {
    "January": 1, "February": 2, "March": 3, "April": 4, "May": 5, "June": 6, "July": 7,
    "August": 8, "September": 9, "October": 10, "November": 11, "December": 12,
}
LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Beyond(Exception):
    """A day lies beyond the year 9999."""


def is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_length(year, month):
    return 29 if month == 2 and is_leap(year) else LENGTHS[month - 1]


def add_days(day, count):
    """Adds days by way of a day number."""
    year, month, dom = day
    number = days_before(year, month, dom) + count
    # The year first by estimate, then by correction.
    year = number * 400 // 146097
    while days_before(year + 1, 1, 1) <= number:
        year += 1
    while days_before(year, 1, 1) > number:
        year -= 1
    rest = number - days_before(year, 1, 1)
    month = 1
    while rest >= month_length(year, month):
        rest -= month_length(year, month)
        month += 1
    if year > 9999:
        raise Beyond
    return (year, month, rest + 1)


def days_before(year, month, dom):
    past = year - 1
    number = past * 365 + past // 4 - past // 100 + past // 400
    for m in range(1, month):
        number += month_length(year, m)
    return number + dom - 1


def add_months(day, count):
    year, month, dom = day
    index = year * 12 + month - 1 + count
    year, month = index // 12, index % 12 + 1
    if year > 9999:
        raise Beyond
    return (year, month, min(dom, month_length(year, month)))


def add_period(day, period):
    number, unit = period.split(" ")
    number = int(number)
    unit = unit.rstrip("s")
    if unit == "year":
        return add_months(day, 12 * number)
    if unit == "month":
        return add_months(day, number)
    if unit == "week":
        return add_days(day, 7 * number)
    assert unit == "day", unit
    return add_days(day, number)


def year_end(year, text):
    word, dom, month = text.split(" ")
    assert word == "ends"
    month = MONTHS[month]
    return (year, month, min(int(dom), month_length(year, month)))


def cut_off(day, cutoff, years):
    year, month, _ = day
    if cutoff is None:
        return day
    if cutoff == "end of month":
        return (year, month, month_length(year, month))
    if cutoff == "end of quarter":
        month = next(m for m in (3, 6, 9, 12) if m >= month)
        return (year, month, month_length(year, month))
    if cutoff == "end of calendar year":
        return (year, 12, 31)
    text = years[cutoff.removeprefix("end of ").removesuffix(" year")]
    end = year_end(year, text)
    if day > end:
        if year == 9999:
            raise Beyond
        end = year_end(year + 1, text)
    return end


def parse_day(text):
    return (int(text[0:4]), int(text[5:7]), int(text[8:10]))


def write_day(day):
    return "%04d-%02d-%02d" % day


def parse_time(text):
    return datetime.fromisoformat(text.split(".")[0])


def civil(moment_utc, zone):
    """The civil day of a naive UTC time in a zone."""
    try:
        local = moment_utc.replace(tzinfo=UTC).astimezone(zone)
    except OverflowError:
        raise Beyond from None
    return (local.year, local.month, local.day)


UTC = ZoneInfo("UTC")


def later_moment(local, zone):
    """The UTC time of a local time; the later of two where clocks were changed."""
    moments = []
    for fold in (0, 1):
        offset = local.replace(tzinfo=zone, fold=fold).utcoffset()
        moments.append(local - offset)
    return max(moments)


class Rule:
    def __init__(self, said):
        self.said = said
        self.zone = ZoneInfo(said["zone"])
        self.system_zone = ZoneInfo(said["system_zone"]) if said["system_zone"] else None
        self.sentinels = {parse_day(text) for text in said["not_a_date"]}
        plausible = said["plausible_from"]
        self.plausible_from = parse_day(plausible) if plausible else None

    def day(self, value):
        """Returns ("day", day), or what is amiss with the value."""
        kind, text = value[0], value[1:]
        if kind == "-":
            return ("awaiting", None)
        if kind == "?":
            return ("unreadable", None)
        seen = []
        if kind == "D":
            day = parse_day(text)
        elif kind == "L":
            seen.append(parse_day(text))
            if seen[0] in self.sentinels:
                return ("awaiting", None)
            if self.system_zone is None:
                moment = parse_time(text) + timedelta(hours=12)  # the last place on earth
            else:
                moment = later_moment(parse_time(text), self.system_zone)
            day = civil(moment, self.zone)
        else:
            assert kind == "M", kind
            moment = parse_time(text)
            seen.append(parse_day(text))
            if self.system_zone is not None:
                seen.append(civil(moment, self.system_zone))
            day = civil(moment, self.zone)
        seen.append(day)
        if any(day in self.sentinels for day in seen):
            return ("awaiting", None)
        if self.plausible_from is not None and day < self.plausible_from:
            return ("implausible", day)
        return ("day", day)

    def clauses(self, jurisdiction):
        """The clauses that govern, None for ever; raises KeyError where nobody can tell."""
        said = self.said
        variants = said["variants"]
        main, further = said["clauses"][0], said["clauses"][1:]
        if not variants:
            return said["clauses"]
        if jurisdiction in variants:
            variant = variants[jurisdiction]
            if variant.get("retention") == "permanent":
                return None
            own = dict(main)
            for key in ("trigger", "cutoff", "retention"):
                if key in variant:
                    own[key] = variant[key]
            if own["cutoff"] == "none":
                own["cutoff"] = None
            return [own] + further + variant["further"]
        if jurisdiction == said["jurisdiction"] or jurisdiction in said["others"]:
            return said["clauses"]
        raise KeyError(jurisdiction)

    def judge(self, as_of, jurisdiction, values):
        said = self.said
        try:
            clauses = self.clauses(jurisdiction)
        except KeyError:
            return "cannot jurisdiction"
        if clauses is None:
            return "permanent"
        amiss, last = None, None
        for clause in clauses:
            at = said["dates"].index(clause["trigger"])
            try:
                what, day = self.day(values[at])
                if what == "day":
                    end = cut_off(day, clause["cutoff"], said["years"])
                    end = add_period(end, clause["retention"])
                    last = end if last is None or end > last else last
                    continue
                if what == "implausible":
                    problem = "implausible %d %s" % (at, write_day(day))
                elif what == "awaiting":
                    problem = "awaiting %d" % at
                else:
                    problem = "cannot %s %d" % (what, at)
            except Beyond:
                problem = "cannot beyond %d" % at
            amiss = amiss or problem
        if amiss:
            return amiss
        try:
            due = add_days(last, 1)
        except Beyond:
            return "cannot beyond %d" % said["dates"].index(clauses[0]["trigger"])
        if as_of < due:
            return "not due " + write_day(due)
        try:
            overdue = as_of > add_period(due, said["dispose_within"])
        except Beyond:
            overdue = False
        return "due %s %s" % (write_day(due), "overdue" if overdue else "in time")


def is_early(ours, theirs):
    """Whether they would dispose where we would not, or on an earlier day."""
    if not theirs.startswith(("due", "not due")):
        return False
    if not ours.startswith(("due", "not due")):
        return True
    day = lambda verdict: verdict.removeprefix("not ").split(" ")[1]
    return day(theirs) < day(ours)


def main():
    rule = None
    sums = {"cases": 0, "rules": 0, "disagreements": 0, "early": 0, "kinds": {}, "examples": []}
    for line in sys.stdin:
        line = line.rstrip("\n")
        if line.startswith("R "):
            rule = Rule(json.loads(line[2:]))
            sums["rules"] += 1
            continue
        as_of, jurisdiction, values, theirs = line[2:].split("\t")
        place = None if jurisdiction == "-" else jurisdiction
        ours = rule.judge(parse_day(as_of), place, values.split(";"))
        sums["cases"] += 1
        kind = " ".join(word for word in ours.split(" ") if not word[0].isdigit())
        sums["kinds"][kind] = sums["kinds"].get(kind, 0) + 1
        if ours != theirs:
            sums["disagreements"] += 1
            sums["early"] += is_early(ours, theirs)
            if len(sums["examples"]) < 5:
                sums["examples"].append({"rule": rule.said, "case": line[2:], "ours": ours})
    print(json.dumps(sums))


if __name__ == "__main__":
    # Days are compared as tuples and written by hand, so nothing here depends on a locale.
    main()
