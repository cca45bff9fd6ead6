use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn captured(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let pattern = Pattern::parse(pattern).unwrap();
    let captures = pattern.matches(path.as_bytes(), &mut Scratch::default())?;
    let names = pattern.captures().iter().zip(&captures.texts);
    Some(names.map(|((n, _), (from, to))| (n.clone(), path[*from..*to].to_owned())).collect())
}

fn dated(pattern: &str, path: &str) -> Option<DateValue> {
    let pattern = Pattern::parse(pattern).unwrap();
    let captures = pattern.matches(path.as_bytes(), &mut Scratch::default())?;
    captures.dates.into_iter().flatten().next()
}

#[test]
fn patterns_select_what_they_say() {
    for (pattern, yes, no) in [
        ("a/b", vec!["a/b"], vec!["a/bc", "a", "a/b/c", "xa/b"]),
        ("a/b/**", vec!["a/b/c", "a/b/c/d", "a/b/.c"], vec!["a/b", "a/bc", "a/bc/d"]),
        ("a/*", vec!["a/b", "a/.b", "a/*"], vec!["a/b/c", "a"]),
        ("**", vec!["a", "a/b"], vec![]),
        ("**/x", vec!["x", "a/x", "a/b/x"], vec!["ax", "a/x/y"]),
        ("a/**/x", vec!["a/x", "a/b/x", "a/b/c/x"], vec!["x", "a/bx"]),
        ("a?c", vec!["abc", "aéc", "a\u{1F600}c"], vec!["ac", "a/c", "abbc"]),
        ("*.pdf", vec![".pdf", "a.pdf", "a.b.pdf"], vec!["a.pdf/x", "apdf", "a.PDF"]),
        ("[ab]", vec!["[ab]"], vec!["a"]),
        ("a/**/b/**", vec!["a/b/x", "a/q/b/x/y", "a/b/b/b"], vec!["a/b", "a/q/b"]),
    ] {
        let compiled = Pattern::parse(pattern).unwrap();
        let mut scratch = Scratch::default();
        for path in yes {
            assert!(compiled.matches(path.as_bytes(), &mut scratch).is_some(), "{pattern} {path}");
        }
        for path in no {
            assert!(compiled.matches(path.as_bytes(), &mut scratch).is_none(), "{pattern} {path}");
        }
    }
}

#[test]
fn captures_end_at_the_first_place_that_fits() {
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        captured("HR/{vacancy}/Unsuccessful/**", "HR/V-12/Unsuccessful/x/y.pdf"),
        Some(vec![pair("vacancy", "V-12")])
    );
    assert_eq!(
        captured("{customer}_{kind}.pdf", "42_invoice_x.pdf"),
        Some(vec![pair("customer", "42"), pair("kind", "invoice_x")])
    );
    assert_eq!(captured("{customer}.pdf", ".pdf"), None);
    assert_eq!(captured("{a}/x", "q/r/x"), None);
}

#[test]
fn dates_in_paths_are_read_whole_or_not_at_all() {
    let day = |y, m, d| Some(DateValue::Day(date(y, m, d)));
    assert_eq!(dated("S/{date:s}/**", "S/2024-05-13/a"), day(2024, 5, 13));
    assert_eq!(dated("S/{date:s}/**", "S/2024/a"), day(2024, 12, 31));
    assert_eq!(dated("S/{date:s}/**", "S/2024-02/a"), day(2024, 2, 29));
    assert_eq!(dated("*-{date:s}.pdf", "my-report-20240513.pdf"), day(2024, 5, 13));
    assert_eq!(dated("x{date:s}-*", "x2024-05-13-final"), day(2024, 5, 13));
    for (pattern, path) in [
        ("S/{date:s}/**", "S/old/a"),
        ("{date:s}-*", "2024-05-13"),
        ("*-{date:s}.pdf", "report-draft.pdf"),
        ("x{date:s}", "x202405"),
        ("x{date:s}", "x2024-02-31"),
    ] {
        let value = dated(pattern, path);
        assert!(matches!(value, Some(DateValue::Unreadable(_))), "{pattern} {path} {value:?}");
    }
}

#[test]
fn of_two_readings_the_later_date_counts() {
    assert_eq!(dated("*-{date:s}-*", "a-2019-2024-b"), Some(DateValue::Day(date(2024, 12, 31))));
}

#[test]
fn a_pattern_that_could_mean_two_things_is_refused() {
    for text in [
        "", "/a", "a/", "a//b", "a/../b", "./a", "{a}{b}", "*{a}", "{a}*", "**a", "a**", "{A}",
        "{date:}", "{a", "a}", "{a}/{a}", "{}",
    ] {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
}

#[test]
fn literal_folders_prune_the_walk() {
    for (text, folder) in [
        ("HR/Vac*/x", "HR"),
        ("HR/a/b/**", "HR/a/b"),
        ("a", ""),
        ("a/b", "a"),
        ("**", ""),
        ("*/a", ""),
    ] {
        assert_eq!(Pattern::parse(text).unwrap().literal_folder(), folder.as_bytes(), "{text}");
    }
}

#[test]
fn a_pattern_made_to_be_slow_is_not() {
    let stars = "*a".repeat(50) + "*b";
    let deep = "**/a/".repeat(20) + "b";
    for pattern in [stars, deep] {
        let pattern = Pattern::parse(&pattern).unwrap();
        for path in ["a".repeat(250), "a/".repeat(1000) + "a"] {
            assert!(pattern.matches(path.as_bytes(), &mut Scratch::default()).is_none());
        }
    }
}

/// A second matcher, slow and plain: names by names, with every way tried.
fn plainly(pattern: &[&str], path: &[&str]) -> bool {
    match pattern {
        [] => path.is_empty(),
        ["**"] => !path.is_empty(),
        ["**", rest @ ..] => (0..=path.len()).any(|n| plainly(rest, &path[n..])),
        [part, rest @ ..] => match path {
            [name, names @ ..] => {
                one_name(part.as_bytes(), name.as_bytes()) && plainly(rest, names)
            }
            [] => false,
        },
    }
}

fn one_name(part: &[u8], name: &[u8]) -> bool {
    match part {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|n| one_name(rest, &name[n..])),
        [b'?', rest @ ..] => !name.is_empty() && one_name(rest, &name[1..]),
        [byte, rest @ ..] => name.first() == Some(byte) && one_name(rest, &name[1..]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_second_matcher_agrees(
        pattern in proptest::collection::vec("\\*\\*|[ab?]{1,3}|[ab?]{0,2}\\*[ab]{0,2}", 1..5),
        path in proptest::collection::vec("[ab]{1,4}", 1..6),
    ) {
        let compiled = Pattern::parse(&pattern.join("/")).unwrap();
        let text = path.join("/");
        let ours = compiled.matches(text.as_bytes(), &mut Scratch::default()).is_some();
        let parts: Vec<&str> = pattern.iter().map(String::as_str).collect();
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        prop_assert_eq!(ours, plainly(&parts, &names));
    }

    #[test]
    fn no_folder_of_a_match_is_pruned(
        pattern in proptest::collection::vec("\\*\\*|[ab?]{1,2}|[ab]?\\*[ab]?|\\{date:x\\}|\\{y\\}", 1..5),
        path in proptest::collection::vec("[ab]{1,3}|2024-05|19991231", 1..6),
    ) {
        let Ok(compiled) = Pattern::parse(&pattern.join("/")) else { return Ok(()) };
        let text = path.join("/");
        let mut scratch = Scratch::default();
        if compiled.matches(text.as_bytes(), &mut scratch).is_some() {
            for n in 0..path.len() {
                prop_assert!(compiled.may_be_below(path[..n].join("/").as_bytes(), &mut scratch));
            }
            let folder = std::str::from_utf8(compiled.literal_folder()).unwrap();
            prop_assert!(text.starts_with(folder));
        }
    }

    #[test]
    fn no_bytes_make_the_matcher_fail(
        pattern in "[a*?{}:/date]{0,20}",
        path in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        if let Ok(compiled) = Pattern::parse(&pattern) {
            compiled.matches(&path, &mut Scratch::default());
        }
    }
}
