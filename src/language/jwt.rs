//! Signs assertions: JSON Web Tokens (RFC 7519) from claims and a key.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minijinja::Error;
use minijinja::value::{Kwargs, Value, ValueKind};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Map, Value as Json};

use super::bounds;
use super::convert::bytes;
use super::placeholder::Placeholder;
use super::refused::refused;
use crate::tls::{self, key_kind};

/// The algorithms that an assertion can be signed with (RFC 7518, section 3.1).
pub const ALGORITHMS: [&str; 8] =
    ["ES256", "ES384", "HS256", "HS384", "HS512", "PS256", "RS256", "RS512"];

/// The filter `jwt`: claims, then the key, then by name `alg` and `header` (further members of the
/// header, such as `kid`).
pub fn jwt(claims: &Value, key: &Value, named: &Kwargs) -> Result<String, Error> {
    let algorithm: &str = named.get::<Option<&str>>("alg")?.unwrap_or("RS256");
    let more: Option<Value> = named.get("header")?;
    named.assert_all_used()?;
    if claims.kind() != ValueKind::Map {
        return Err(wrong(
            "`jwt` signs claims: { \"iss\": client_id, \"exp\": now_s + 300 } | jwt(key)",
        ));
    }
    let mut header = Map::new();
    header.insert("alg".into(), algorithm.into());
    header.insert("typ".into(), "JWT".into());
    if let Some(more) = more.filter(|more| !more.is_none() && !more.is_undefined()) {
        let Json::Object(more) = json(&more)? else {
            return Err(wrong("the `header` of a `jwt` is a map"));
        };
        header.extend(more);
    }
    let encode = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!("{}.{}", encode(&header.into()), encode(&json(claims)?));
    let signature = sign("jwt", algorithm, key, message.as_bytes())?;
    bounds::fits(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The filter `pem`: the bytes of the first section of a PEM text, such as a certificate.
pub fn pem(value: &Value) -> Result<Value, Error> {
    let text = bytes(value, "pem")?;
    if Placeholder::is(value) {
        return Ok(Value::from_bytes(text));
    }
    let unfolded = unfold(&text);
    let lines = unfolded
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN "))
        .skip(1)
        .take_while(|line| !line.starts_with("-----END "));
    let encoded: String = lines.map(str::trim).collect();
    let der = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .ok()
        .filter(|der| !der.is_empty());
    der.map(Value::from_bytes).ok_or_else(|| {
        wrong("`pem` needs a text with a section between -----BEGIN … and -----END …")
    })
}

fn json(value: &Value) -> Result<Json, Error> {
    bounds::size(value)?;
    serde_json::to_value(value).map_err(|_| wrong("a value in a `jwt` has no form in JSON"))
}

/// An error with a constant message, because a value in it could be the key.
fn wrong(message: &'static str) -> Error {
    refused(message)
}

/// A PEM text with real line breaks. Keys in JSON and environment variables have `\n` in their
/// place.
pub(super) fn unfold(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace("\\n", "\n").replace('\r', "")
}

/// The signature of a message with one of [`ALGORITHMS`]. The key is a text for `HS…`, else a
/// private key in PEM. Errors name the filter.
pub(super) fn sign(
    filter: &str,
    algorithm: &str,
    value: &Value,
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    let key = &*bytes(value, filter)?;
    let symmetric = match algorithm {
        "HS256" => Some(hmac::HMAC_SHA256),
        "HS384" => Some(hmac::HMAC_SHA384),
        "HS512" => Some(hmac::HMAC_SHA512),
        _ => None,
    };
    if let Some(symmetric) = symmetric {
        return Ok(hmac::sign(&hmac::Key::new(symmetric, key), message).as_ref().to_vec());
    }
    let rsa: Option<&'static dyn RsaEncoding> = match algorithm {
        "RS256" => Some(&signature::RSA_PKCS1_SHA256),
        "RS512" => Some(&signature::RSA_PKCS1_SHA512),
        "PS256" => Some(&signature::RSA_PSS_SHA256),
        _ => None,
    };
    let curve: Option<&'static EcdsaSigningAlgorithm> = match algorithm {
        "ES256" => Some(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        "ES384" => Some(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        _ => None,
    };
    if rsa.is_none() && curve.is_none() {
        return Err(refused(format!("`jwt` knows the algorithms {}", ALGORITHMS.join(", "))));
    }
    // A rehearsal has no key, and its signature is not used.
    if Placeholder::is(value) {
        return Ok(key.to_vec());
    }
    let der = tls::private_key(unfold(key).as_bytes())
        .map_err(|error| refused(format!("the key of a `{filter}` cannot be used: {error}")))?;
    let needed = match algorithm {
        "ES256" => "an EC key (P-256)",
        "ES384" => "an EC key (P-384)",
        _ => "an RSA key of 2048 bits or more",
    };
    let unusable = || {
        refused(format!(
            "the key of a `{filter}` is {}; {algorithm} needs {needed}",
            key_kind(&der)
        ))
    };
    let random = SystemRandom::new();
    if let Some(encoding) = rsa {
        let pair = match &der {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            _ => return Err(unusable()),
        };
        let pair = pair.map_err(|_| unusable())?;
        let mut signed = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &random, message, &mut signed).map_err(|_| unusable())?;
        return Ok(signed);
    }
    let curve = curve.ok_or_else(unusable)?;
    let pair = match &der {
        PrivateKeyDer::Sec1(key) => {
            EcdsaKeyPair::from_private_key_der(curve, key.secret_sec1_der())
        }
        PrivateKeyDer::Pkcs8(key) => EcdsaKeyPair::from_pkcs8(curve, key.secret_pkcs8_der()),
        _ => return Err(unusable()),
    };
    let signed = pair.map_err(|_| unusable())?.sign(&random, message).map_err(|_| unusable())?;
    Ok(signed.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::language::expression::{Compiled, Side};
    use crate::language::names::Names;

    fn key(name: &str) -> String {
        let path = format!("{}/tests/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn evaluate(source: &str, key: &str) -> Result<String, String> {
        let mut names = Names::default();
        names.add("key", true);
        names.add("now_s", false);
        let compiled = Compiled::new(Side::Request, source, &names)
            .map_err(|mistake| mistake.message.to_string())?;
        assert!(compiled.secret);
        let context =
            Value::from_pairs([("key", Value::from(key)), ("now_s", Value::from(1_700_000_000))]);
        compiled
            .evaluate(&context)
            .map(|value| value.to_string())
            .map_err(|error| error.to_string())
    }

    /// Expected values are made with Python and OpenSSL.
    #[test]
    fn symmetric_and_rsa_assertions_are_those_of_other_tools() {
        let claims = "{'exp': now_s + 300, 'iss': 'me'}";
        assert_eq!(
            evaluate(&format!("{claims} | jwt(key, alg='HS256', header={{'kid': 'k1'}})"), "a-key")
                .expect("signed"),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsxIn0.eyJleHAiOjE3MDAwMDAzMDAsImlz\
             cyI6Im1lIn0.SUP4iI_jbdyrozPbcJR5dMMFt-cEmu-bel_o8BXVgJM"
        );
        let expected = "\
             eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJodHRwczovL2EuZXhhbXBsZSIsImV4cCI\
             6MTcwMDAwMDMwMCwiaXNzIjoibWUifQ.2eP9bUr55PqqJ65hhT1kJVx50aq7VnNv_hALj377LbFtzajs\
             WRKbJZjcwJriUhEnD04jJeW0B3d1agdNIhqoF_ggB7R4acp_PT7njJ3QfTzySLlt15jSVTR-S3pDDvTl\
             cuAY0exnAnskzueatJ-1YBjUjaGl3mTlKM6XLPiFYmrW6YNbu_Z1z-t-WnDMVH3cElmexhUktpgXBhqv\
             -VoksC1yMKGIcnei4qb4MJTHFyP2EOqOGGaGzVeeOLhjNB17h-DccDDLB_TEhttFIfQCby226A-jT1sP\
             mp5jUHE3eitJ2H_ZEsWIM26SdNZ2REvBooN_OTez3NNiS-QWOuWHGw";
        for name in ["rsa1", "rsa8"] {
            for key in [key(name), key(name).replace('\n', "\\n")] {
                let signed = evaluate(
                    "{'aud': 'https://a.example', 'exp': now_s + 300, 'iss': 'me'} | jwt(key)",
                    &key,
                );
                assert_eq!(signed.expect("signed"), expected, "{name}");
            }
        }
    }

    /// These have a random part, so OpenSSL says whether they are right.
    #[test]
    fn assertions_with_a_random_part_are_accepted_by_openssl() {
        for (algorithm, name) in [("PS256", "rsa8"), ("ES256", "ec1"), ("ES256", "ec8")] {
            let token =
                evaluate(&format!("{{'iss': 'me'}} | jwt(key, alg='{algorithm}')"), &key(name))
                    .expect("signed");
            let (message, signature) = token.rsplit_once('.').expect("three parts");
            let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("Base64");
            if algorithm == "ES256" {
                signature = der(&signature);
            }
            let folder = tempfile::tempdir().expect("a folder");
            let file = |name: &str, content: &[u8]| {
                std::fs::write(folder.path().join(name), content).expect("written");
                folder.path().join(name)
            };
            let (message, signature, key) = (
                file("message", message.as_bytes()),
                file("signature", &signature),
                file("key", key(name).as_bytes()),
            );
            let mut command = Command::new("openssl");
            command
                .args(["dgst", "-sha256", "-prverify"])
                .arg(key)
                .arg("-signature")
                .arg(signature);
            if algorithm == "PS256" {
                command.args(["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]);
            }
            let output =
                command.arg(message).output().expect("openssl runs; `make test` installs it");
            assert!(
                String::from_utf8_lossy(&output.stdout).contains("Verified OK"),
                "{algorithm} {name}: {output:?}"
            );
        }
    }

    /// The two numbers of a signature as DER, which OpenSSL wants.
    fn der(fixed: &[u8]) -> Vec<u8> {
        let integer = |bytes: &[u8]| {
            let bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
            let sign = usize::from(bytes.first().is_none_or(|byte| *byte >= 0x80));
            let length = u8::try_from(bytes.len() + sign).expect("short");
            [vec![2, length], vec![0; sign], bytes].concat()
        };
        let (first, second) = fixed.split_at(fixed.len() / 2);
        let both = [integer(first), integer(second)].concat();
        [vec![0x30, u8::try_from(both.len()).expect("short")], both].concat()
    }

    #[test]
    fn an_error_of_a_signature_does_not_quote_the_key() {
        for (source, key_text, problem) in [
            ("{'iss': 'me'} | jwt(key)", "s3cret-key", "no private key in it (PEM"),
            (
                "{'iss': 'me'} | jwt(key, alg='ES256')",
                &*key("rsa1"),
                "the key of a `jwt` is an RSA key; ES256 needs an EC key (P-256)",
            ),
            (
                "{'iss': 'me'} | jwt(key, alg='ES384')",
                &*key("ec8"),
                "the key of a `jwt` is an EC key (P-256); ES384 needs an EC key (P-384)",
            ),
            (
                "{'iss': 'me'} | jwt(key)",
                &*key("ec1"),
                "is an EC key (P-256); RS256 needs an RSA key of 2048 bits or more",
            ),
            (
                "{'iss': 'me'} | jwt(key)",
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\ns3cret\n\
                 -----END ENCRYPTED PRIVATE KEY-----",
                "the private key in it is encrypted",
            ),
            ("{'iss': 'me'} | jwt(key, alg='none')", "s3cret-key", "knows the algorithms ES256"),
            ("'text' | jwt(key)", "s3cret-key", "signs claims"),
        ] {
            let error = evaluate(source, key_text).expect_err(source);
            assert!(error.contains(problem) && !error.contains("s3cret"), "{source}: {error}");
        }
    }
}
