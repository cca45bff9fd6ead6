//! The codes of defects, each with what it means.

macro_rules! codes {
    ($($name:ident = $code:literal, $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $name: &str = $code;)*

        /// Every code with its meaning.
        pub const ALL: &[(&str, &str)] = &[$(($code, $meaning)),*];
    };
}

codes! {
    SYNTAX = "syntax", "The file is not TOML.";
    DUPLICATE_KEY = "duplicate-key", "The same key or table is written twice.";
    TOO_LARGE = "too-large", "The file is larger than any schedule.";
    NOT_TEXT = "not-text", "The file has characters that nobody can read.";
    UNKNOWN_KEY = "unknown-key", "A key that the table does not have.";
    MISSING_KEY = "missing-key", "A key that the table must have.";
    WRONG_SHAPE = "wrong-shape", "A value of another shape: a list where a text belongs.";
    BLANK = "blank", "A value that is there but says nothing.";
    UNKNOWN_WORD = "unknown-word", "A word that is not one of a fixed list.";
    BAD_PERIOD = "bad-period", "A text that is not a period.";
    BAD_DATE = "bad-date", "A value that is not a calendar date.";
    BAD_NAME = "bad-name", "A name in a form that names must not have.";
    BAD_TIME_ZONE = "bad-time-zone", "A time zone that does not exist.";
    BAD_YEAR_END = "bad-year-end", "A text that does not say when a year ends.";
    BAD_TEMPLATE = "bad-template", "A template with braces that do not fit.";
    BAD_CONNECT = "bad-connect", "A connection that names neither a variable nor a file.";
    UNKNOWN_TRIGGER = "unknown-trigger", "A trigger that is not listed.";
    UNKNOWN_AUTHORITY = "unknown-authority", "An authority that is not listed.";
    UNKNOWN_YEAR = "unknown-year", "A year that is not defined.";
    UNKNOWN_CLASS = "unknown-class", "A class that the schedule does not have.";
    UNKNOWN_SYSTEM = "unknown-system", "A system that is not described.";
    UNKNOWN_ADAPTER = "unknown-adapter", "An adapter that this build does not have.";
    UNKNOWN_REGISTER = "unknown-register", "A register of events that is not there.";
    TOO_SHORT = "too-short", "A period below an authority's minimum.";
    PERMANENT = "permanent", "Keys that contradict keeping for ever.";
    DISPOSITION = "disposition", "Keys that do not fit the disposition.";
    NO_EFFECT = "no-effect", "A table that changes nothing.";
    DATE_MISSING = "date-missing", "A holding without a date for a trigger of its class.";
    DATE_UNUSED = "date-unused", "A holding with a date that its class does not ask for.";
    NO_HOLDING = "no-holding", "A class that is held nowhere.";
    HELD_TWICE = "held-twice", "A class that is on paper only and has a holding.";
    JURISDICTION_MISSING = "jurisdiction-missing",
        "A holding that does not say the jurisdiction, though its class has variants.";
    EVENT_MISSING = "event-missing", "A holding with a register and without `event`.";
    ANONYMISE = "anonymise", "A holding that cannot do what anonymising takes.";
    HALF_SAID = "half-said", "Two keys that belong together, one missing.";
    DATE_ORDER = "date-order", "Two dates in an order that cannot be.";
    EMPTY_HOLD = "empty-hold", "A hold that does not say what it holds.";
    UNSEEN_SUBJECT = "unseen-subject", "A held subject or custodian that no system can have.";
    HOLDS_MORE = "holds-more", "A hold on all of a class in a system that cannot tell whom it means.";
    REPEATED = "repeated", "The same thing said twice.";
    UNCHECKED_AUTHORITY = "unchecked-authority", "An authority that nobody has checked yet.";
    UNAPPROVED = "unapproved", "A schedule that may plan and may not dispose.";
    UNUSED = "unused", "Something that is defined and used nowhere.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_different() {
        let mut codes: Vec<_> = ALL.iter().map(|(code, _)| code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
    }
}
