//! No text makes the parser panic, and every defect has its place.

use proptest::prelude::*;
use quietus_schedule::{Checked, SourceFile, Sources, check};

fn sources(texts: [&str; 4]) -> Sources {
    let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
    Sources {
        schedule: file("schedule.toml", texts[0]),
        systems: file("systems.toml", texts[1]),
        holds: Some(file("holds.toml", texts[2])),
        registers: vec![file("events/r.toml", texts[3])],
    }
}

/// Checks, and renders every defect: a span that is off would show there.
fn run(sources: &Sources) -> Checked {
    let checked = check(sources, crate::common::FORMS);
    let rendered = crate::common::render(sources, &checked.defects);
    assert_eq!(rendered.is_empty(), checked.defects.is_empty());
    for defect in &checked.defects {
        assert!(defect.span.start <= defect.span.end);
        assert!(defect.place.line >= 1 && defect.place.column >= 1);
        assert!(!defect.message.is_empty() && !defect.label.contains('\n'));
    }
    checked
}

fn small() -> [String; 4] {
    let sources = crate::common::programme(&crate::common::schedules().join("valid/small"));
    [
        sources.schedule.text,
        sources.systems.text,
        sources.holds.unwrap().text,
        sources.registers[0].text.clone(),
    ]
}

#[test]
fn nesting_bombs_are_defects() {
    let small = small();
    let deep = 20_000;
    for bomb in [
        format!("a = {}", "[".repeat(deep)),
        format!("a = {}{}", "[".repeat(deep), "]".repeat(deep)),
        format!("a = {}", "{ a = ".repeat(deep)),
        format!("{}a = 1", "a.".repeat(deep)),
        format!("[{}a]", "a.".repeat(deep)),
        format!("[[{}a]]", "a.".repeat(deep)),
        "[[a]]\n".repeat(deep),
        format!("a = \"{}", "\\".repeat(deep)),
        "\"\"\"".repeat(1001),
        "=".repeat(deep),
        "[".repeat(deep),
    ] {
        for n in 0..4 {
            let mut texts = small.each_ref().map(String::as_str);
            texts[n] = &bomb;
            let checked = run(&sources(texts));
            assert!(checked.programme.is_none(), "{:.40}", bomb);
        }
    }
}

#[test]
fn every_truncation_is_read_without_panic() {
    let small = small();
    for n in 0..4 {
        for end in (0..small[n].len()).filter(|end| small[n].is_char_boundary(*end)) {
            let mut texts = small.each_ref().map(String::as_str);
            texts[n] = &small[n][..end];
            run(&sources(texts));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        run(&sources([&text, &text, &text, &text]));
    }

    #[test]
    fn no_toml_like_text_makes_it_panic(
        text in r#"([\[\]{}=.,"'#\n ]|\[class\.|\[\[holding\]\]|\[hold\.|retention|"7 years"|dates|é|2026-02-30){0,60}"#
    ) {
        run(&sources([&text, &text, &text, &text]));
    }

    #[test]
    fn no_change_of_a_good_file_makes_it_panic(
        which in 0_usize..4,
        changes in proptest::collection::vec(
            (any::<proptest::sample::Index>(), any::<char>(), 0_usize..8),
            1..6,
        ),
    ) {
        let mut texts = small();
        for (at, with, drop) in changes {
            let mut chars: Vec<char> = texts[which].chars().collect();
            let at = at.index(chars.len());
            let end = (at + drop).min(chars.len());
            chars.splice(at..end, [with]);
            texts[which] = chars.into_iter().collect();
        }
        run(&sources(texts.each_ref().map(String::as_str)));
    }
}
