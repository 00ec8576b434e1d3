//! Reads the ends of credentials and tokens that tell it themselves: JSON Web Tokens, shared access
//! signatures and certificates. It needs no request and no rule, and only a time leaves.

use std::time::Duration;

use jiff::Timestamp;
use minijinja::Value;
use secrecy::{ExposeSecret, SecretString};

use super::dates::{Life, certificate_life, signature_life, web_token, web_token_life};
use super::definition::Unit;
use super::expiry::ends_at;
use crate::outcome::{CredentialEnd, EndSource};

/// The most bytes of a credential that is read. Real ones have a few thousand.
const LONGEST: usize = 64 * 1024;

/// The most bytes of a token that is read without a rule. Real ones have a few thousand.
const LARGEST_TOKEN: usize = 16 * 1024;

/// The end of each credential that tells it. One whose whole life is not longer than `least` is
/// left out: a program renews it again and again, so its end is no event.
#[must_use]
pub fn held_ends(
    credentials: &[(String, SecretString)],
    least: Duration,
    now: Timestamp,
) -> Vec<CredentialEnd> {
    let end = |(name, secret): &(String, SecretString)| {
        let (source, life) = life(secret.expose_secret())?;
        if life.from.is_some_and(|from| life.until - from <= least.as_secs_f64()) {
            return None;
        }
        let expiry = ends_at(&Value::from(life.until), Unit::EpochSeconds, now).ok()?;
        Some(CredentialEnd { credential: name.as_str().into(), source, expiry, created: None })
    };
    credentials.iter().filter_map(end).collect()
}

/// When an issued token expires by its own words; `None` for a text that is no JSON Web Token, and
/// for one without a plausible `exp`.
#[must_use]
pub fn own_end(token: &str, now: Timestamp) -> Option<Timestamp> {
    // The first sign of the header, an object, is `{`.
    let is_possible = token.len() <= LARGEST_TOKEN && token.starts_with('e');
    let exp = is_possible.then(|| web_token(token).ok())??;
    ends_at(&Value::from(exp), Unit::EpochSeconds, now).ok()?.time()
}

fn life(text: &str) -> Option<(EndSource, Life)> {
    if text.len() > LONGEST {
        return None;
    }
    if text.contains("-----BEGIN CERTIFICATE-----") {
        return Some((EndSource::Certificate, certificate_life(text).ok()?));
    }
    // The first sign of the header, an object, is `{`.
    if text.starts_with('e') && text.split('.').count() == 3 {
        return Some((EndSource::Jwt, web_token_life(text).ok()?));
    }
    let is_signature = text.contains("sig=") && text.contains("se=");
    Some((EndSource::Jwt, is_signature.then(|| signature_life(text).ok())??))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::outcome::Expiry;

    const DAY: Duration = Duration::from_secs(86_400);

    fn end(text: &str) -> Option<(&'static str, String)> {
        let credentials = [("key".to_owned(), SecretString::from(text))];
        let now = "2023-11-14T22:13:20Z".parse().expect("a time");
        let ends = held_ends(&credentials, 3 * DAY, now);
        ends.first().map(|end| {
            assert_eq!(&*end.credential, "key");
            let expiry = match end.expiry {
                Expiry::At(time) => time.to_string(),
                other => format!("{other:?}"),
            };
            (end.source.word(), expiry)
        })
    }

    fn token(claims: &str) -> String {
        format!("{}.{}.sig", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn only_a_credential_that_tells_its_own_end_has_one() {
        // date -u -d @1735689600: 2025-01-01
        let new_year = || Some(("jwt", "2025-01-01T00:00:00Z".to_owned()));
        for text in [
            &*token(r#"{"exp":1735689600}"#),
            &*token(r#"{"exp":1735689600,"iat":1700000000}"#),
            "https://a.example/c?sv=2022-11-02&se=2025-01-01T00%3A00%3A00Z&sig=x",
            "SharedAccessSignature sr=a&sig=b&se=1735689600&skn=c",
        ] {
            assert_eq!(end(text), new_year(), "{text}");
        }
        for text in [
            "",
            "e",
            "secret",
            "eyJ.a.b",
            "se=cret&sig=",
            "a.b.c",
            &*token("{}"),
            &*token(r#"{"exp":3600}"#),
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            &"e".repeat(100_000),
        ] {
            assert_eq!(end(text), None, "{text}");
        }
    }

    #[test]
    fn a_credential_that_a_program_renews_has_no_end() {
        // Three days, and one second more.
        let life = |seconds: u32| {
            token(&format!(r#"{{"iat":1700000000,"exp":{}}}"#, 1_700_000_000 + seconds))
        };
        assert_eq!(end(&life(3_600)), None);
        assert_eq!(end(&life(259_200)), None);
        assert!(end(&life(259_201)).is_some());
        let short = "?st=2025-01-01&se=2025-01-02&sig=x";
        assert_eq!(end(short), None);
        assert!(end("?st=2025-01-01&se=2026-01-02&sig=x").is_some());
    }

    #[test]
    fn only_a_plausible_exp_is_read_without_a_rule() {
        let now = "2023-11-14T22:13:20Z".parse().expect("a time");
        let end = |token: &str| own_end(token, now).map(|end| end.to_string());
        for claims in [
            r#"{"exp":1700003600}"#,
            r#"{"exp":1700003600.0,"aud":["a"],"x":{"exp":1}}"#,
            r#"{"exp":"1700003600"}"#,
        ] {
            let found = end(&token(claims));
            assert_eq!(found.as_deref(), Some("2023-11-14T23:13:20Z"), "{claims}");
        }
        for claims in [
            "{}", r#"{"exp":null}"#, r#"{"exp":3600}"#, r#"{"exp":-1}"#, r#"{"exp":[1700003600]}"#,
            r#"{"exp":1700003600000}"#, r#"{"exp":"soon"}"#, "[1700003600]", "no JSON",
        ] {
            assert_eq!(end(&token(claims)), None, "{claims}");
        }
        for text in ["", "opaque", "e.y.J", "eyJ..x", "eyJhbGciOiJub25lIn0", "a.b.c.d.e"] {
            assert_eq!(end(text), None, "{text}");
        }
        let large = format!(r#"{{"exp":1700003600,"x":"{}"}}"#, "y".repeat(LARGEST_TOKEN));
        assert_eq!(end(&token(&large)), None);
    }
}
