//! JSON Schemas (draft 7) for editors, made from the same tables that the reader uses.
//!
//! # Behavior
//!
//! - They catch what an editor can show while someone types: unknown and missing keys, words of
//!   fixed lists, the form of periods. What needs a second file is left to [`crate::check`].
//! - A calendar date is a text of the format `date`, as TOML editors present it.

use quietus_contract::{Form, Key, Shape};
use serde_json::{Map, Value, json};

use crate::keys::{self, Field, Kind};

/// The form of a period, for [`crate::Period`].
pub const PERIOD: &str = "^[0-9]+ (day|days|week|weeks|month|months|year|years)$";
/// The form of a period or "permanent".
pub const RETENTION: &str = "^(permanent|[0-9]+ (day|days|week|weeks|month|months|year|years))$";
/// The form of a text that is not blank.
pub const NOT_BLANK: &str = "\\S";

/// Returns the schema of `schedule.toml`.
pub fn schedule() -> Value {
    file("Retention schedule", "Written by the records owners.", keys::SCHEDULE_FILE)
}

/// Returns the schema of `holds.toml`.
pub fn holds() -> Value {
    file("Legal holds", "Written by Legal.", keys::HOLDS_FILE)
}

/// Returns the schema of `events/NAME.toml`.
pub fn register() -> Value {
    file(
        "Register of events",
        "Written by whoever knows when things happened.",
        keys::REGISTER_FILE,
    )
}

/// Returns the schema of `systems.toml` for these adapters.
///
/// # Behavior
///
/// - A system has the keys of its own adapter. A holding may have those of any adapter, for the
///   schema cannot see which one its system has.
pub fn systems(forms: &[&'static Form]) -> Value {
    let mut schema = file("Systems and holdings", "Written by IT.", keys::SYSTEMS_FILE);
    let known: Vec<&str> = forms.iter().map(|form| form.adapter).collect();
    let mut holding = properties(keys::HOLDING);
    let mut rules = Vec::new();
    for form in forms {
        for key in form.holding {
            let schema = of_key(key);
            match holding.get_mut(key.name) {
                None => {
                    holding.insert(key.name.to_owned(), schema);
                }
                Some(known) => add_choice(known, schema),
            }
        }
        let mut own = properties(keys::SYSTEM);
        for key in form.system {
            own.insert(key.name.to_owned(), of_key(key));
        }
        own.insert(
            "adapter".to_owned(),
            json!({ "const": form.adapter, "description": form.about }),
        );
        let mut required = required(keys::SYSTEM);
        required.extend(form.system.iter().filter(|key| key.required).map(|key| key.name));
        rules.push(json!({
            "if": { "properties": { "adapter": { "const": form.adapter } } },
            "then": { "properties": own, "required": required, "additionalProperties": false },
        }));
    }
    let system = json!({
        "type": "object",
        "properties": { "adapter": { "enum": known, "description": "The kind of system." } },
        "required": required(keys::SYSTEM),
        "allOf": rules,
    });
    let holding = json!({
        "type": "object",
        "properties": holding,
        "required": required(keys::HOLDING),
        "additionalProperties": false,
    });
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        if let Some(named) = properties.get_mut("system").and_then(Value::as_object_mut) {
            named.insert("additionalProperties".to_owned(), system);
        }
        if let Some(list) = properties.get_mut("holding").and_then(Value::as_object_mut) {
            list.insert("items".to_owned(), holding);
        }
    }
    schema
}

/// Lets a key have a second form: two adapters have a key of this name.
fn add_choice(known: &mut Value, schema: Value) {
    if let Some(choices) = known.get_mut("anyOf").and_then(Value::as_array_mut) {
        if !choices.contains(&schema) {
            choices.push(schema);
        }
    } else if *known != schema {
        *known = json!({ "anyOf": [known.take(), schema] });
    }
}

fn file(title: &str, about: &str, fields: &[Field]) -> Value {
    let mut schema = table(fields);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        schema.insert("title".to_owned(), json!(title));
        schema.insert("description".to_owned(), json!(about));
    }
    schema
}

fn table(fields: &[Field]) -> Value {
    let mut schema = json!({
        "type": "object",
        "properties": properties(fields),
        "additionalProperties": false,
    });
    let required = required(fields);
    if let (Some(schema), false) = (schema.as_object_mut(), required.is_empty()) {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

fn required(fields: &[Field]) -> Vec<&'static str> {
    fields.iter().filter(|field| field.required).map(|field| field.name).collect()
}

fn properties(fields: &[Field]) -> Map<String, Value> {
    fields.iter().map(|field| (field.name.to_owned(), of_field(field))).collect()
}

fn of_field(field: &Field) -> Value {
    let mut schema = match field.kind {
        Kind::Text => text(),
        Kind::Texts => texts(),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Number => json!({ "type": "integer", "minimum": 0 }),
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Dates => json!({
            "type": "array",
            "minItems": 1,
            "items": { "type": "string", "format": "date" },
        }),
        Kind::Period => json!({ "type": "string", "pattern": PERIOD }),
        Kind::Retention => json!({ "type": "string", "pattern": RETENTION }),
        Kind::Texted => texted(),
        Kind::Table(fields) => table(fields),
        Kind::Named(fields) => json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": table(fields),
        }),
        Kind::Tables(fields) => json!({ "type": "array", "minItems": 1, "items": table(fields) }),
    };
    describe(&mut schema, field.about);
    schema
}

fn of_key(key: &Key) -> Value {
    let mut schema = match key.shape {
        Shape::Text => text(),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Texts => texts(),
        Shape::Number => json!({ "type": "integer", "minimum": 0 }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Date => json!({ "type": "string", "format": "date" }),
        Shape::Table => texted(),
    };
    describe(&mut schema, key.about);
    schema
}

fn describe(schema: &mut Value, about: &str) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), json!(about));
    }
}

fn text() -> Value {
    json!({ "type": "string", "pattern": NOT_BLANK })
}

fn texts() -> Value {
    json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": text() })
}

fn texted() -> Value {
    json!({ "type": "object", "minProperties": 1, "additionalProperties": text() })
}
