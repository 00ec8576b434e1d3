//! Texts and lists of texts.

use minijinja::{Error, ErrorKind, Value};

use crate::language::bounds::{LARGEST_VALUE, fits, larger};
use crate::language::convert;
use crate::language::placeholder::made_of;
use crate::language::refused::refused;

/// The most parts that `split` makes.
const MOST_PARTS: usize = 10_000;

pub fn lower(value: &Value) -> Result<Value, Error> {
    let text = convert::text(value, "lower")?;
    fits(text.to_lowercase()).map(|text| made_of(value, text))
}

pub fn upper(value: &Value) -> Result<Value, Error> {
    let text = convert::text(value, "upper")?;
    fits(text.to_uppercase()).map(|text| made_of(value, text))
}

pub fn trim(value: &Value) -> Result<Value, Error> {
    convert::text(value, "trim").map(|text| made_of(value, text.trim().to_owned()))
}

pub fn string(value: &Value) -> Result<Value, Error> {
    if value.is_none() {
        return Ok(Value::from("null"));
    }
    convert::text(value, "string").map(|text| made_of(value, text))
}

/// The value, or an error with the recipe's message if it is absent.
pub fn required(value: &Value, message: &str) -> Result<Value, Error> {
    if value.is_undefined() || value.is_none() {
        return Err(Error::new(ErrorKind::UndefinedError, message.to_owned()));
    }
    Ok(value.clone())
}

/// Whether a text begins with another one. An absent value does not.
pub fn starts(value: &Value, start: &Value) -> Result<bool, Error> {
    let absent = value.is_undefined() || value.is_none();
    Ok(!absent
        && convert::text(value, "startingwith")?
            .starts_with(&convert::text(start, "startingwith")?))
}

/// Whether a text ends with another one. An absent value does not.
pub fn ends(value: &Value, end: &Value) -> Result<bool, Error> {
    let absent = value.is_undefined() || value.is_none();
    Ok(!absent && convert::text(value, "endingwith")?.ends_with(&convert::text(end, "endingwith")?))
}

/// Joins the items of an array. An absent item is an error. minijinja's own filter would ignore it.
pub fn join(value: &Value, separator: Option<&str>) -> Result<String, Error> {
    let separator = separator.unwrap_or_default();
    let mut joined = String::new();
    for (place, item) in value.try_iter()?.enumerate() {
        if place > 0 {
            joined.push_str(separator);
        }
        if item.is_none() {
            joined.push_str("null");
        } else {
            joined.push_str(&convert::text(&item, "join")?);
        }
        // Checked in the loop, because each item can have the maximum length.
        if joined.len() > LARGEST_VALUE || place > LARGEST_VALUE {
            return Err(larger());
        }
    }
    Ok(joined)
}

/// Replaces each `from` in a text.
pub fn replace(value: &Value, from: &str, to: &str) -> Result<Value, Error> {
    let text = convert::text(value, "replace")?;
    // Each replacement can multiply the text.
    let longer = text.matches(from).count().saturating_mul(to.len().saturating_sub(from.len()));
    if text.len().saturating_add(longer) > LARGEST_VALUE {
        return Err(larger());
    }
    Ok(made_of(value, text.replace(from, to)))
}

/// The parts of a text between separators, or between spaces.
pub fn split(value: &Value, separator: Option<&str>) -> Result<Value, Error> {
    let text = convert::text(value, "split")?;
    let most = MOST_PARTS + 1;
    let part = |text: &str| made_of(value, text.to_owned());
    let parts: Vec<Value> = match separator {
        Some(separator) => text.split(separator).take(most).map(part).collect(),
        None => text.split_whitespace().take(most).map(part).collect(),
    };
    if parts.len() == most {
        return Err(refused(format!("`split` would make more than {MOST_PARTS} parts")));
    }
    Ok(Value::from(parts))
}
