//! The schemas for editors: current, and true of the valid examples.

use std::path::PathBuf;

use quietus_schedule::schema;
use serde_json::Value;

fn specs() -> PathBuf {
    crate::common::schedules().join("../../docs/specs")
}

fn schemas() -> [(&'static str, Value); 3] {
    [
        ("schedule.schema.json", schema::schedule()),
        ("holds.schema.json", schema::holds()),
        ("events.schema.json", schema::register()),
    ]
}

/// `QUIETUS_WRITE_SCHEMAS=1` writes them.
#[test]
fn the_schemas_of_the_repository_are_current() {
    for (name, schema) in schemas() {
        let now = format!("{schema:#}\n");
        let path = specs().join(name);
        if std::env::var_os("QUIETUS_WRITE_SCHEMAS").is_some() {
            #[expect(clippy::disallowed_methods, reason = "a file of the repository, on demand")]
            std::fs::write(&path, &now).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == now, "{name} is out of date: set QUIETUS_WRITE_SCHEMAS=1 and test again");
    }
}

/// Turns TOML into JSON as editors do: dates become texts.
fn to_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text.clone()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(flag) => Value::from(*flag),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(items) => items.iter().map(to_json).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.iter().map(|(k, v)| (k.clone(), to_json(v))).collect())
        }
    }
}

/// Whether a text has the form of a pattern; the schemas use three.
fn has_form(pattern: &str, text: &str) -> bool {
    let units = ["day", "days", "week", "weeks", "month", "months", "year", "years"];
    let period = text.split_once(' ').is_some_and(|(number, unit)| {
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) && units.contains(&unit)
    });
    match pattern {
        schema::NOT_BLANK => !text.trim().is_empty(),
        schema::PERIOD => period,
        schema::RETENTION => period || text == "permanent",
        other => panic!("no test knows the pattern {other}"),
    }
}

/// What is wrong with `value`: a validator for the words of draft 7 that the schemas use.
fn faults(schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let Value::Object(rules) = schema else {
        if schema == &Value::Bool(false) {
            out.push(format!("{at}: nothing may be here"));
        }
        return;
    };
    let mut fault = |wrong: bool, what: &str| {
        if wrong {
            out.push(format!("{at}: {what}"));
        }
    };
    for (word, rule) in rules {
        match word.as_str() {
            "$schema" | "title" | "description" | "properties" | "additionalProperties" => {}
            "items" | "allOf" | "anyOf" | "if" | "then" => {}
            "type" => {
                let found = match value {
                    Value::Object(_) => "object",
                    Value::Array(_) => "array",
                    Value::String(_) => "string",
                    Value::Bool(_) => "boolean",
                    Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
                    _ => "number",
                };
                fault(rule != found, &format!("{found} in place of {rule}"));
            }
            "enum" => fault(!rule.as_array().unwrap().contains(value), "not one of the words"),
            "const" => fault(rule != value, "another value"),
            "format" => fault(
                value.as_str().is_none_or(|t| t.parse::<jiff::civil::Date>().is_err()),
                "no date",
            ),
            "pattern" => fault(
                value.as_str().is_some_and(|text| !has_form(rule.as_str().unwrap(), text)),
                "another form",
            ),
            "minimum" => fault(value.is_i64() && value.as_i64() < rule.as_i64(), "too small"),
            "minItems" => fault(value.as_array().is_some_and(Vec::is_empty), "empty"),
            "minProperties" => fault(value.as_object().is_some_and(|o| o.is_empty()), "empty"),
            "uniqueItems" => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                fault(items.iter().enumerate().any(|(n, i)| items[..n].contains(i)), "twice");
            }
            "required" => {
                for key in rule.as_array().unwrap() {
                    fault(value.get(key.as_str().unwrap()).is_none(), &format!("no {key}"));
                }
            }
            other => panic!("no test knows the word {other}"),
        }
    }
    within(rules, value, at, out);
}

fn within(rules: &serde_json::Map<String, Value>, value: &Value, at: &str, out: &mut Vec<String>) {
    let empty = serde_json::Map::new();
    let known = rules.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    for (key, value) in value.as_object().unwrap_or(&empty) {
        let rule = known.get(key).or_else(|| rules.get("additionalProperties"));
        if let Some(rule) = rule {
            faults(rule, value, &format!("{at}/{key}"), out);
        }
    }
    if let (Some(rule), Some(items)) = (rules.get("items"), value.as_array()) {
        for (n, item) in items.iter().enumerate() {
            faults(rule, item, &format!("{at}/{n}"), out);
        }
    }
    if let Some(choices) = rules.get("anyOf").and_then(Value::as_array) {
        let fits = |rule| {
            let mut found = Vec::new();
            faults(rule, value, at, &mut found);
            found.is_empty()
        };
        if !choices.iter().any(fits) {
            out.push(format!("{at}: none of the forms"));
        }
    }
    for rule in rules.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        let mut not_meant = Vec::new();
        faults(&rule["if"], value, at, &mut not_meant);
        if not_meant.is_empty() {
            faults(&rule["then"], value, at, out);
        }
    }
}

fn check(schema: &Value, text: &str) -> Vec<String> {
    let value: toml::Value = toml::from_str(text).unwrap();
    let mut found = Vec::new();
    faults(schema, &to_json(&value), "", &mut found);
    found
}

#[test]
fn the_valid_examples_fit_the_schemas() {
    let [(_, schedule), (_, holds), (_, register)] = schemas();
    let systems = schema::systems(crate::common::FORMS);
    for folder in ["valid/complete", "valid/small"] {
        let sources = crate::common::programme(&crate::common::schedules().join(folder));
        assert_eq!(check(&schedule, &sources.schedule.text), [""; 0], "{folder}");
        assert_eq!(check(&systems, &sources.systems.text), [""; 0], "{folder}");
        assert_eq!(check(&holds, &sources.holds.unwrap().text), [""; 0], "{folder}");
        for file in sources.registers {
            assert_eq!(check(&register, &file.text), [""; 0], "{folder}");
        }
    }
}

#[test]
fn what_an_editor_can_see_does_not_fit() {
    let [(_, schedule), (_, holds), (_, register)] = schemas();
    let systems = schema::systems(crate::common::FORMS);
    for (name, schema) in [
        ("schedule-unknown-key", &schedule),
        ("schedule-owner-missing", &schedule),
        ("schedule-owner-blank", &schedule),
        ("schedule-disposition-shred", &schedule),
        ("schedule-cutoff-unknown", &schedule),
        ("schedule-period-in-words", &schedule),
        ("schedule-period-iso-8601", &schedule),
        ("schedule-authority-empty", &schedule),
        ("schedule-authority-not-a-list", &schedule),
        ("schedule-authority-named-twice", &schedule),
        ("schedule-retention-is-a-number", &schedule),
        ("schedule-unknown-table", &schedule),
        ("systems-adapter-misspelt", &systems),
        ("systems-required-key-missing", &systems),
        ("systems-unknown-key-of-a-system", &systems),
        ("systems-class-of-a-holding-missing", &systems),
        ("systems-number-in-quotation-marks", &systems),
        ("holds-reason-unknown", &holds),
        ("holds-release-misspelt", &holds),
        ("register-date-missing", &register),
    ] {
        let path = crate::common::schedules().join(format!("invalid/{name}.toml"));
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(check(schema, &text).len(), 1, "{name}: {:?}", check(schema, &text));
    }
}
