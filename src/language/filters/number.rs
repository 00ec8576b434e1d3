//! Numbers and times.

use minijinja::value::ValueKind;
use minijinja::{Error, Value};

use crate::language::convert::number;
use crate::language::refused::refused;

/// The longest format of `strftime`. Each letter of it can become a long number.
const LONGEST_FORM: usize = 256;

pub fn float(value: &Value) -> Result<f64, Error> {
    number(value, "float")
}

pub fn int(value: &Value) -> Result<i64, Error> {
    if let Some(whole) = value.as_i64().filter(|_| value.kind() == ValueKind::Number) {
        return Ok(whole);
    }
    let number = number(value, "int")?;
    #[expect(clippy::cast_possible_truncation, reason = "saturates; no API means a larger number")]
    let whole = number.trunc() as i64;
    Ok(whole)
}

/// A time in seconds since 1970, in UTC, in a format such as `%Y%m%dT%H%M%SZ`.
pub fn strftime(value: &Value, format: &str) -> Result<String, Error> {
    let wrong = |message: &'static str| refused(message);
    let time = crate::time::from_unix_seconds(number(value, "strftime")?)
        .ok_or_else(|| wrong("`strftime` needs seconds since 1970"))?;
    if format.len() > LONGEST_FORM {
        return Err(wrong("the form of `strftime` is too long"));
    }
    jiff::fmt::strtime::format(format, time).map_err(|_| wrong("`strftime` cannot use this form"))
}
