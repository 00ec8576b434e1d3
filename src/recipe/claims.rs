//! Checks the claims of a JSON Web Token (RFC 7519), and its signature with the keys of the issuer
//! (RFC 7515, 7517).

use std::time::Duration;

use aws_lc_rs::signature::{
    self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::call::Call;
use crate::outcome::{Expiry, Message};
use crate::secret::Redactor;
use crate::time::{human_duration, unix_seconds};

/// The requirements for a JSON Web Token.
pub struct JwtCheck {
    /// What `iss` must be.
    pub issuer: Option<String>,
    /// What `aud` must be or hold.
    pub audience: Option<String>,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// The request for the keys that sign tokens.
    pub jwks: Option<Call>,
}

/// A code of credwatch, and the end of a sentence that begins with "the token was issued, but".
type Problem = (&'static str, String);

/// Checks a token.
///
/// # Errors
/// The first problem.
pub fn inspect(
    token: &str,
    check: &JwtCheck,
    keys: Option<&Json>,
    expiry: Expiry,
    now: Timestamp,
    redactor: &Redactor,
) -> Result<(), Problem> {
    let unreadable = || ("jwt_unreadable", "it is no JSON Web Token".to_owned());
    let mut parts = token.split('.');
    let (Some(head), Some(body), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unreadable());
    };
    let (header, claims) =
        (object(head).ok_or_else(unreadable)?, object(body).ok_or_else(unreadable)?);
    // RFC 7515, section 4.1.11: who does not know an extension in `crit` must refuse the token.
    if let Some(critical) = header.get("crit") {
        let problem =
            format!("its header demands extensions (`crit`): {}", shown(Some(critical), redactor));
        return Err(("jwt_critical", problem));
    }
    if let Some(keys) = keys {
        verify(&header, &token[..head.len() + 1 + body.len()], signature, keys, redactor)?;
    }
    let (now, leeway) = (unix_seconds(now), check.leeway.as_secs_f64());
    times(&claims, expiry, now, leeway)?;
    if let Some(wanted) = &check.issuer
        && claims.get("iss").and_then(Json::as_str) != Some(wanted)
    {
        return Err(("jwt_issuer", format!("its `iss` is {}", shown(claims.get("iss"), redactor))));
    }
    if let Some(wanted) = &check.audience {
        let is_it = |value: &Json| value.as_str() == Some(wanted);
        let holds = claims.get("aud").is_some_and(|audience| {
            is_it(audience) || audience.as_array().is_some_and(|all| all.iter().any(is_it))
        });
        if !holds {
            return Err((
                "jwt_audience",
                format!("its `aud` is {}", shown(claims.get("aud"), redactor)),
            ));
        }
    }
    Ok(())
}

/// Checks `exp`, `nbf` and `iat` (RFC 7519, section 4.1), and `exp` against the answer's expiry.
fn times(claims: &Json, expiry: Expiry, now: f64, leeway: f64) -> Result<(), Problem> {
    let at = |name: &str| match claims.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(value) => {
            let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
            let wrong = || ("jwt_unreadable", format!("its `{name}` is no number"));
            number.filter(|number| number.is_finite()).map(Some).ok_or_else(wrong)
        }
    };
    let ends = at("exp")?;
    if let Some(end) = ends.filter(|end| end + leeway <= now) {
        return Err(("jwt_expired", format!("its `exp` was {} ago", human_duration(now - end))));
    }
    if let Some(begin) = at("nbf")?.filter(|begin| begin - leeway > now) {
        return Err((
            "jwt_not_yet_valid",
            format!("it is valid only in {} (`nbf`)", human_duration(begin - now)),
        ));
    }
    if let Some(made) = at("iat")?.filter(|made| made - leeway > now) {
        return Err((
            "jwt_issued_in_future",
            format!("it was issued {} in the future (`iat`)", human_duration(made - now)),
        ));
    }
    if let (Some(end), Expiry::At(said)) = (ends, expiry) {
        let difference = unix_seconds(said) - end;
        if difference.abs() > leeway {
            let way = if difference > 0.0 { "before" } else { "after" };
            return Err((
                "jwt_expiry_differs",
                format!(
                    "its `exp` is {} {way} the end that the answer tells",
                    human_duration(difference.abs())
                ),
            ));
        }
    }
    Ok(())
}

fn object(part: &str) -> Option<Json> {
    let bytes = decode(part)?;
    serde_json::from_slice::<Json>(&bytes).ok().filter(Json::is_object)
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()
}

/// A claim for a message. A secret in it is hidden before the text is cut.
fn shown(value: Option<&Json>, redactor: &Redactor) -> String {
    value.map_or_else(
        || "absent".into(),
        |value| {
            Message::clean(&redactor.scrub(&value.to_string())).as_str().chars().take(100).collect()
        },
    )
}

/// The most keys that are tried, because each try takes time. An issuer has a handful.
const MOST_KEYS: usize = 100;

/// How a signature algorithm (RFC 7518, section 3.1; RFC 8037) is verified.
enum Algorithm {
    Rsa(&'static RsaParameters),
    /// With the name of the curve and the length of a coordinate in bytes.
    Curve(&'static dyn VerificationAlgorithm, &'static str, usize),
    Edwards,
}

fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Algorithm::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Algorithm::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => Algorithm::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
        "PS384" => Algorithm::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
        "PS512" => Algorithm::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
        "ES256" => Algorithm::Curve(&signature::ECDSA_P256_SHA256_FIXED, "P-256", 32),
        "ES384" => Algorithm::Curve(&signature::ECDSA_P384_SHA384_FIXED, "P-384", 48),
        "ES512" => Algorithm::Curve(&signature::ECDSA_P521_SHA512_FIXED, "P-521", 66),
        "EdDSA" | "Ed25519" => Algorithm::Edwards,
        _ => return None,
    })
}

/// Checks that one of the keys signed the token. With a `kid` only keys of that name
/// and keys without a name count.
fn verify(
    header: &Json,
    message: &str,
    signature: &str,
    keys: &Json,
    redactor: &Redactor,
) -> Result<(), Problem> {
    let name = header.get("alg").and_then(Json::as_str).unwrap_or_default();
    let algorithm = algorithm(name).ok_or_else(|| {
        (
            "jwt_algorithm",
            format!(
                "its signature is of the kind {}, which no public key verifies",
                shown(header.get("alg"), redactor)
            ),
        )
    })?;
    let signature =
        decode(signature).ok_or(("jwt_signature", "its signature cannot be read".to_owned()))?;
    let wanted = header.get("kid").and_then(Json::as_str);
    let text = |key: &Json, member: &str| key.get(member).and_then(Json::as_str).map(str::to_owned);
    let fits = |key: &&Json| {
        wanted.is_none_or(|wanted| text(key, "kid").is_none_or(|name| name == wanted))
            && text(key, "use").is_none_or(|purpose| purpose == "sig")
            && text(key, "alg").is_none_or(|alg| alg == name)
    };
    let mut candidates =
        keys["keys"].as_array().into_iter().flatten().filter(fits).take(MOST_KEYS).peekable();
    if candidates.peek().is_none() {
        return Err((
            "jwt_key_unknown",
            "none of the issuer's keys is the one that it names".into(),
        ));
    }
    let bytes = |key: &Json, member: &str| text(key, member).and_then(|text| decode(&text));
    let signed_by = |key: &Json| match &algorithm {
        Algorithm::Rsa(parameters) => match (bytes(key, "n"), bytes(key, "e")) {
            (Some(n), Some(e)) => RsaPublicKeyComponents { n, e }
                .verify(parameters, message.as_bytes(), &signature)
                .is_ok(),
            _ => false,
        },
        Algorithm::Curve(algorithm, curve, length) => match (bytes(key, "x"), bytes(key, "y")) {
            (Some(x), Some(y))
                if text(key, "crv").as_deref() == Some(*curve)
                    && x.len() == *length
                    && y.len() == *length =>
            {
                let point = [&[4], &*x, &*y].concat();
                UnparsedPublicKey::new(*algorithm, point)
                    .verify(message.as_bytes(), &signature)
                    .is_ok()
            }
            _ => false,
        },
        Algorithm::Edwards => {
            text(key, "crv").as_deref() == Some("Ed25519")
                && bytes(key, "x").is_some_and(|x| {
                    UnparsedPublicKey::new(&signature::ED25519, x)
                        .verify(message.as_bytes(), &signature)
                        .is_ok()
                })
        }
    };
    if candidates.any(signed_by) {
        Ok(())
    } else {
        Err(("jwt_signature", "none of the issuer's keys has signed it".into()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Keys and tokens of another tool; see the file.
    fn made() -> Json {
        let text =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/tokens.json"))
                .expect("readable");
        serde_json::from_str(&text).expect("JSON")
    }

    fn check() -> JwtCheck {
        JwtCheck { issuer: None, audience: None, leeway: Duration::from_secs(60), jwks: None }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    const BEGIN: i64 = 1_700_000_000;
    const END: i64 = 1_700_003_600;

    fn token() -> String {
        made()["tokens"]["RS256"].as_str().expect("there").to_owned()
    }

    fn code(token: &str, check: &JwtCheck, expiry: Expiry, now: i64) -> &'static str {
        inspect(token, check, None, expiry, at(now), &Redactor::default())
            .err()
            .map_or("fine", |(code, _)| code)
    }

    #[test]
    fn a_signature_of_another_tool_is_accepted_and_one_of_an_unknown_key_is_not() {
        let made = made();
        let verdict = |token: &Json| {
            inspect(
                token.as_str().expect("text"),
                &check(),
                Some(&made["jwks"]),
                Expiry::Unknown,
                at(BEGIN),
                &Redactor::default(),
            )
            .err()
            .map(|(code, _)| code)
        };
        let tokens = made["tokens"].as_object().expect("a map");
        assert_eq!(tokens.len(), 11);
        for (name, token) in tokens {
            assert_eq!(verdict(token), None, "{name}");
            let text = token.as_str().expect("text");
            // One bit of the claims, one of the signature.
            let (head, body) = text.split_once('.').expect("parts");
            for spoilt in [
                format!("{head}.{}", body.replacen("eyJpc3", "eyJpc2", 1)),
                format!("{}{}", &text[..text.len() - 6], "AAAAAA"),
            ] {
                assert!(
                    matches!(verdict(&spoilt.into()), Some("jwt_signature" | "jwt_unreadable")),
                    "{name}"
                );
            }
        }
        for (name, expected) in [
            ("stranger", "jwt_signature"),
            ("unknown key", "jwt_key_unknown"),
            ("encryption key", "jwt_key_unknown"),
            ("shared secret", "jwt_algorithm"),
            ("unsigned", "jwt_algorithm"),
        ] {
            assert_eq!(verdict(&made["refused"][name]), Some(expected), "{name}");
        }
    }

    #[test]
    fn a_token_must_be_alive_within_what_clocks_may_differ() {
        let token = token();
        for (now, expected) in [
            (BEGIN, "fine"),
            (END - 1, "fine"),
            (END + 59, "fine"),
            (END + 60, "jwt_expired"),
            (BEGIN - 60, "fine"),
            (BEGIN - 61, "jwt_not_yet_valid"),
        ] {
            assert_eq!(code(&token, &check(), Expiry::Unknown, now), expected, "{now}");
        }
    }

    #[test]
    fn the_end_in_the_token_must_be_the_one_in_the_answer() {
        let token = token();
        for (said, expected) in [
            (END, "fine"),
            (END + 60, "fine"),
            (END - 61, "jwt_expiry_differs"),
            (END + 61, "jwt_expiry_differs"),
        ] {
            assert_eq!(code(&token, &check(), Expiry::At(at(said)), BEGIN), expected, "{said}");
        }
        let (_, problem) = inspect(
            &token,
            &check(),
            None,
            Expiry::At(at(END + 3600)),
            at(BEGIN),
            &Redactor::default(),
        )
        .expect_err("an hour");
        assert_eq!(problem, "its `exp` is 1h before the end that the answer tells");
    }

    #[test]
    fn issuer_and_audience_are_as_configured() {
        let token = token();
        let wanting = |issuer: Option<&str>, audience: Option<&str>| JwtCheck {
            issuer: issuer.map(Into::into),
            audience: audience.map(Into::into),
            ..check()
        };
        assert_eq!(
            code(
                &token,
                &wanting(Some("https://login.example"), Some("other")),
                Expiry::Unknown,
                BEGIN
            ),
            "fine"
        );
        assert_eq!(
            code(&token, &wanting(Some("https://login.example/"), None), Expiry::Unknown, BEGIN),
            "jwt_issuer"
        );
        assert_eq!(
            code(&token, &wanting(None, Some("https://api.example/v2")), Expiry::Unknown, BEGIN),
            "jwt_audience"
        );
    }

    #[test]
    fn a_token_with_a_critical_extension_is_refused() {
        // {"alg":"none","crit":["x"]}.{"exp":1700003600}
        let token = "eyJhbGciOiJub25lIiwiY3JpdCI6WyJ4Il19.eyJleHAiOjE3MDAwMDM2MDB9.x";
        assert_eq!(code(token, &check(), Expiry::Unknown, BEGIN), "jwt_critical");
    }

    #[test]
    fn a_time_can_be_a_number_in_a_text() {
        // {"alg":"none"}.{"exp":"1700003600"}
        let token = "eyJhbGciOiJub25lIn0.eyJleHAiOiIxNzAwMDAzNjAwIn0.x";
        assert_eq!(code(token, &check(), Expiry::Unknown, BEGIN), "fine");
        assert_eq!(code(token, &check(), Expiry::Unknown, END + 60), "jwt_expired");
    }

    #[test]
    fn a_text_that_is_no_token_is_unreadable() {
        for text in [
            "",
            "opaque",
            "a.b",
            "a.b.c",
            "a.b.c.d",
            "W10.W10.x",
            "eyJhIjoxfQ.eyJleHAiOiJzb29uIn0.x",
        ] {
            assert_eq!(code(text, &check(), Expiry::Unknown, BEGIN), "jwt_unreadable", "{text}");
        }
    }
}
