//! Writes and reads JSON.

use minijinja::value::Serde;
use minijinja::{Error, ErrorKind, Value};

use crate::language::answer;
use crate::language::bounds::{fits, size};
use crate::language::convert::text;
use crate::language::placeholder::{Anything, Placeholder};
use crate::language::refused::refused;

pub fn json(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::new(ErrorKind::UndefinedError, "`json` was given nothing"));
    }
    // Checked first, because one value can stand in many places.
    size(value)?;
    serde_json::to_string(value)
        .map_err(|_| Error::new(ErrorKind::BadSerialization, "this value has no form in JSON"))
        .and_then(fits)
}

/// The value of a JSON text, such as a key file.
pub fn from_json(value: &Value) -> Result<Value, Error> {
    let text = text(value, "from_json")?;
    if Placeholder::is(value) {
        return Ok(Value::from_object(Anything));
    }
    let json = answer::json(text.as_bytes())
        .ok_or_else(|| refused("`from_json` needs a text that holds JSON"))?;
    Ok(Value::from(Serde(&json)))
}
