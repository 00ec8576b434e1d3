//! Converts values to the numbers, bytes and texts that filters need.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use super::bounds::{LARGEST_VALUE, larger};
use super::refused::refused;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// All characters except the unreserved ones of RFC 3986, section 2.3.
pub const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A number, also in a string. minijinja's own filter would also accept `true` and "inf".
pub fn number(value: &Value, filter: &str) -> Result<f64, Error> {
    let wrong = || refused(format!("`{filter}` needs a number"));
    let number = match value.kind() {
        ValueKind::Number => f64::try_from(value.clone()).map_err(|_| wrong())?,
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default().trim();
            let digits = text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
            text.parse().ok().filter(|_| digits).ok_or_else(wrong)?
        }
        _ => return Err(wrong()),
    };
    if number.is_finite() { Ok(number) } else { Err(wrong()) }
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
        ValueKind::String | ValueKind::Number | ValueKind::Bool => Ok(value.to_string()),
        ValueKind::Bytes => value.as_str().map(str::to_owned).ok_or_else(|| {
            refused(format!(
                "`{filter}` needs text, not bytes: add `| hex` or `| base64` before it"
            ))
        }),
        ValueKind::Undefined | ValueKind::None => {
            Err(Error::new(ErrorKind::UndefinedError, format!("`{filter}` was given nothing")))
        }
        kind => Err(refused(format!("`{filter}` needs text, not a {kind}"))),
    }
}
