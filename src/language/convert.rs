//! Converts values to the numbers, bytes and texts that filters need.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use super::bounds::{LARGEST_VALUE, larger, size};
use super::refused::refused;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// All characters except the unreserved ones of RFC 3986, section 2.3.
pub const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A number, also in a string. minijinja's own filter would also accept `true` and "inf". A number
/// that is too large for the type is the largest one of its sign.
pub fn number(value: &Value, filter: &str) -> Result<f64, Error> {
    let wrong = || refused(format!("`{filter}` needs a number"));
    let number = match value.kind() {
        ValueKind::Undefined | ValueKind::None => return Err(nothing(filter)),
        #[expect(clippy::cast_precision_loss, reason = "a number of this size is rounded")]
        ValueKind::Number if value.is_integer() => {
            i128::try_from(value.clone()).map_err(|_| wrong())? as f64
        }
        ValueKind::Number => f64::try_from(value.clone()).map_err(|_| wrong())?,
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default().trim();
            let digits = text.bytes().all(|byte| byte.is_ascii_digit() || b".-+eE".contains(&byte));
            text.parse().ok().filter(|_| digits).ok_or_else(wrong)?
        }
        _ => return Err(wrong()),
    };
    if number.is_nan() { Err(wrong()) } else { Ok(number.clamp(f64::MIN, f64::MAX)) }
}

/// The bytes of a text, of bytes, or of the text of a number. An absent value is an error, because
/// the digest of nothing would look like a valid digest.
pub fn bytes(value: &Value, filter: &str) -> Result<Vec<u8>, Error> {
    if let Some(bytes) = value.as_bytes() {
        return if bytes.len() > LARGEST_VALUE { Err(larger()) } else { Ok(bytes.to_vec()) };
    }
    text(value, filter).map(String::into_bytes)
}

/// The text of a value. Bytes and absent values are errors.
pub fn text(value: &Value, filter: &str) -> Result<String, Error> {
    if value.as_bytes().is_some_and(|bytes| bytes.len() > LARGEST_VALUE) {
        return Err(larger());
    }
    match value.kind() {
        ValueKind::String => Ok(value.to_string()),
        ValueKind::Number | ValueKind::Bool => scalar(value),
        ValueKind::Bytes => value.as_str().map(str::to_owned).ok_or_else(|| {
            refused(format!(
                "`{filter}` needs text, not bytes: add `| hex` or `| base64` before it"
            ))
        }),
        ValueKind::Undefined | ValueKind::None => Err(nothing(filter)),
        kind => Err(refused(format!("`{filter}` needs text, not a {kind}"))),
    }
}

/// A number or a truth value as JSON writes it. The engine would write `True`, and all digits of a
/// large fraction.
pub fn scalar(value: &Value) -> Result<String, Error> {
    if value.kind() == ValueKind::Bool {
        return Ok(if value.is_true() { "true" } else { "false" }.to_owned());
    }
    if value.is_integer() {
        return Ok(value.to_string());
    }
    let number = f64::try_from(value.clone()).ok().and_then(serde_json::Number::from_f64);
    number.map(|it| it.to_string()).ok_or_else(|| refused("this is no number that JSON knows"))
}

/// One side of `~`: the same text as in a request or in JSON. An undefined value stays so.
pub fn operand(value: &Value) -> Result<Value, Error> {
    Ok(match value.kind() {
        ValueKind::String | ValueKind::Undefined => value.clone(),
        ValueKind::None => Value::from("null"),
        ValueKind::Number if value.is_integer() => value.clone(),
        ValueKind::Number | ValueKind::Bool => Value::from(scalar(value)?),
        ValueKind::Bytes => Value::from(text(value, "~")?),
        _ => {
            size(value)?;
            let json = serde_json::to_string(value);
            Value::from(json.map_err(|_| refused("this value has no form in JSON"))?)
        }
    })
}

/// One side of `~` in an expiry, where an absent value makes the whole absent.
pub fn present_operand(value: &Value) -> Result<Value, Error> {
    if value.is_undefined() || value.is_none() { Err(nothing("~")) } else { operand(value) }
}

/// The error for an absent value.
fn nothing(filter: &str) -> Error {
    Error::new(ErrorKind::UndefinedError, format!("`{filter}` was given nothing"))
}
