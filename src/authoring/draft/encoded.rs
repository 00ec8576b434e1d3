//! Finds a pair of user and password in a Base64 text.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::values;

/// The pair in a Base64 text.
pub fn decoded(text: &str) -> Option<String> {
    let text = text.trim();
    let bytes = STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()?;
    String::from_utf8(bytes).ok().filter(|text| text.contains(':'))
}

/// The pair in a Base64 text of another scheme than `Basic`, or in a notation of it.
pub fn found(text: &str) -> Option<String> {
    // JSON and addresses have a colon too.
    let is_plain = |pair: &String| {
        pair.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
            && !pair.starts_with([':', '{', '['])
            && !pair.ends_with(':')
            && !pair.contains("://")
    };
    decoded(text).filter(is_plain).or_else(|| values::is_notation(text).then(|| text.to_owned()))
}
