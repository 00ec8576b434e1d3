//! Reads the forms in which servers write a time: as a date, in a certificate, in a signature, in a
//! JSON Web Token. All return seconds since 1970, or a description of the value without the value
//! itself.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::fmt::temporal::Pieces;
use serde_json::Value as Json;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::time::unix_seconds;

/// A date of RFC 3339, in seconds since 1970. Without an offset it is UTC.
pub fn rfc3339(text: &str) -> Result<f64, String> {
    let wrong = |_| "a text that is no date of RFC 3339".to_owned();
    // The library knows no year above 9999, and no time in its last hours.
    let year = text.trim_start_matches('+').split('-').next().unwrap_or_default();
    if year.len() > 4 && year.len() < text.len() && year.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(f64::MAX);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(unix_seconds(time));
    }
    let pieces = Pieces::parse(text).map_err(wrong)?;
    let time = pieces.time().ok_or("a date without a time")?;
    let date = pieces.date().to_datetime(time);
    if date.year() == 9999 {
        return Ok(f64::MAX);
    }
    let offset = pieces.to_numeric_offset().unwrap_or(jiff::tz::Offset::UTC);
    offset.to_timestamp(date).map(unix_seconds).map_err(wrong)
}

/// A date in any usual form. Without a time it is 00:00 of that day, without a zone UTC.
pub fn any(text: &str) -> Result<f64, String> {
    const ZONES: [&str; 4] = ["UTC", "GMT", "Z", "-0000"];
    const DAY: usize = "2027-01-31".len();
    let text = text.trim();
    // In ASCII each text keeps its length, so a place in one is a place in the other.
    let upper = text.to_ascii_uppercase();
    let zone = ZONES.iter().find_map(|zone| upper.strip_suffix(zone));
    if upper.starts_with(|first: char| first.is_ascii_alphabetic()) || !upper.contains('-') {
        let numeric = zone.map(|rest| format!("{} +0000", text[..rest.len()].trim_end()));
        let parsed = rfc2822::parse(numeric.as_deref().unwrap_or(text));
        return parsed
            .map(|time| unix_seconds(time.timestamp()))
            .map_err(|_| "a text that is no date".to_owned());
    }
    let (rest, offset) = match zone {
        // Go writes both: `2027-01-31 09:00:00 +0100 CET` and `… +0000 UTC`.
        Some(rest) => match offset(rest.trim_end()) {
            (_, none) if none.is_empty() => (rest, "Z".to_owned()),
            numeric => numeric,
        },
        // Zones without letters: `2027-01-31 09:00:00 -0300 -03`.
        None => match upper.rsplit_once(' ').map(|(front, _)| offset(front.trim_end())) {
            Some((front, found)) if !found.is_empty() => (front, found),
            _ => offset(&upper),
        },
    };
    let rest = rest.trim_end();
    let time = if rest.len() == DAY { "T00:00:00" } else { "" };
    rfc3339(&format!("{rest}{time}{offset}")).map_err(|_| "a text that is no date".to_owned())
}

/// A text without its numeric offset, and the offset with a colon: `+0200` and `+02` are `+02:00`.
fn offset(text: &str) -> (&str, String) {
    const DAY: usize = "2027-01-31".len();
    let place = text.rfind(['+', '-']).filter(|place| *place >= DAY);
    let Some(place) = place else { return (text, String::new()) };
    let (rest, offset) = text.split_at(place);
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        2 => (rest, format!("{}{digits}:00", &offset[..1])),
        4 => (rest, format!("{}{}:{}", &offset[..1], &digits[..2], &digits[2..])),
        _ => (text, String::new()),
    }
}

/// From when until when a text says that it is valid, in seconds since 1970.
pub struct Life {
    pub from: Option<f64>,
    pub until: f64,
}

/// The end of the first certificate in a text: PEM, or DER in Base64 (RFC 5280, section 4.1.2.5).
pub fn certificate(text: &str) -> Result<f64, String> {
    certificate_life(text).map(|life| life.until)
}

/// The life of the first certificate in a text.
pub fn certificate_life(text: &str) -> Result<Life, String> {
    let unfolded = text.replace("\\n", "\n");
    let body = unfolded.split("-----BEGIN CERTIFICATE-----").nth(1);
    let body = body.and_then(|rest| rest.split("-----END").next()).unwrap_or(&unfolded);
    let base64: String = body.chars().filter(|sign| !sign.is_whitespace()).collect();
    let der = STANDARD.decode(base64).map_err(|_| "a text that is no certificate")?;
    let (_, certificate) =
        X509Certificate::from_der(&der).map_err(|_| "a text that is no certificate")?;
    #[expect(clippy::cast_precision_loss, reason = "exact in an f64 up to 2^53")]
    let [from, until] = [certificate.validity().not_before, certificate.validity().not_after]
        .map(|time| time.timestamp() as f64);
    Ok(Life { from: Some(from), until })
}

/// The parameter `se` of a shared access signature: seconds since 1970, or a date.
pub fn signature(text: &str) -> Result<f64, String> {
    signature_time(text, "se=")
}

/// The life of a shared access signature.
pub fn signature_life(text: &str) -> Result<Life, String> {
    Ok(Life { from: signature_time(text, "st=").ok(), until: signature(text)? })
}

fn signature_time(text: &str, start: &str) -> Result<f64, String> {
    let part = text.split(['?', '&', ' ', ';']).find(|part| part.starts_with(start));
    let part = part.ok_or("a shared access signature without `se`")?;
    let (_, value) =
        url::form_urlencoded::parse(part.as_bytes()).next().ok_or("an empty parameter `se`")?;
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse::<f64>() {
        Ok(seconds) if is_number => Ok(seconds),
        _ => any(&value),
    }
}

/// The only claims that count here. The others are skipped and not kept.
#[derive(serde::Deserialize)]
struct Claims {
    exp: Option<Json>,
    nbf: Option<Json>,
    iat: Option<Json>,
}

/// The `exp` claim of a JSON Web Token (RFC 7519, section 4.1.4). The signature is not checked.
pub fn web_token(token: &str) -> Result<f64, String> {
    web_token_life(token).map(|life| life.until)
}

/// The life of a JSON Web Token, from `iat` or `nbf` to `exp`.
pub fn web_token_life(token: &str) -> Result<Life, String> {
    let payload = token.split('.').nth(1).ok_or("no JSON Web Token")?;
    let payload = URL_SAFE_NO_PAD
        .decode(payload.trim_end_matches('='))
        .map_err(|_| "a JSON Web Token whose claims are not Base64")?;
    let claims: Claims = serde_json::from_slice(&payload)
        .map_err(|_| "a JSON Web Token whose claims are not JSON")?;
    let number = |claim: &Option<Json>| {
        let claim = claim.as_ref()?;
        claim.as_f64().or_else(|| claim.as_str()?.trim().parse().ok())
    };
    let until = number(&claims.exp).ok_or("a JSON Web Token without `exp`")?;
    Ok(Life { from: number(&claims.iat).or_else(|| number(&claims.nbf)), until })
}
