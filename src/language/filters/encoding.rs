//! Encodings of bytes and texts.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use minijinja::{Error, Value};
use percent_encoding::utf8_percent_encode;
use url::form_urlencoded;

use crate::language::bounds::fits;
use crate::language::convert::UNRESERVED;
use crate::language::convert::{bytes, text};
use crate::language::placeholder::Placeholder;
use crate::language::refused::refused;

pub fn hex(value: &Value) -> Result<String, Error> {
    bytes(value, "hex").and_then(|bytes| fits(hex::encode(bytes)))
}

pub fn base64(value: &Value) -> Result<String, Error> {
    bytes(value, "base64").and_then(|bytes| fits(STANDARD.encode(bytes)))
}

pub fn base64url(value: &Value) -> Result<String, Error> {
    bytes(value, "base64url").and_then(|bytes| fits(URL_SAFE_NO_PAD.encode(bytes)))
}

/// The bytes of Base64 in either alphabet, with or without padding.
pub fn base64_decode(value: &Value) -> Result<Value, Error> {
    if Placeholder::is(value) {
        return Ok(value.clone());
    }
    let text = text(value, "base64_decode")?
        .trim()
        .trim_end_matches('=')
        .replace('-', "+")
        .replace('_', "/");
    let bytes =
        STANDARD_NO_PAD.decode(text).map_err(|_| refused("`base64_decode` needs Base64"))?;
    Ok(Value::from_bytes(bytes))
}

pub fn urlencode(value: &Value) -> Result<String, Error> {
    text(value, "urlencode")
        .and_then(|text| fits(utf8_percent_encode(&text, UNRESERVED).to_string()))
}

pub fn formencode(value: &Value) -> Result<String, Error> {
    text(value, "formencode")
        .and_then(|text| fits(form_urlencoded::byte_serialize(text.as_bytes()).collect()))
}

/// A text for an XML element or attribute.
pub fn xml_escape(value: &Value) -> Result<String, Error> {
    text(value, "xml_escape").and_then(|text| fits(escaped(&text)))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}
