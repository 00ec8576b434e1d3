//! Signatures and keys, and the password hash bcrypt for APIs that sign with it.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bcrypt::Version;
use minijinja::{Error, Value};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use crate::language::convert::bytes;
use crate::language::jwt;
use crate::language::placeholder::{Placeholder, made_of};
use crate::language::refused::refused;

/// The highest cost of bcrypt. It takes about 60 ms.
const HIGHEST_COST: u32 = 10;

/// The Base64 of salts. In its last character only the first two bits count.
const SALT: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The filter `rsa_sha256`: the signature of a text with RSASSA-PKCS1-v1_5 and SHA-256 (RFC 8017,
/// section 8.2), as bytes.
pub fn rsa_sha256(value: &Value, key: &Value) -> Result<Value, Error> {
    jwt::sign("rsa_sha256", "RS256", key, &bytes(value, "rsa_sha256")?).map(Value::from_bytes)
}

/// The filter `public_key`: the public part of a private key, a `SubjectPublicKeyInfo` (RFC
/// 5280, section 4.1.2.7) in DER.
pub fn public_key(key: &Value) -> Result<Value, Error> {
    let pem = bytes(key, "public_key")?;
    if Placeholder::is(key) {
        return Ok(Value::from_bytes(pem));
    }
    PrivateKeyDer::from_pem_slice(jwt::unfold(&pem).as_bytes())
        .ok()
        .and_then(|key| public_part(&key))
        .map(|der| Value::from_bytes(der.as_ref().to_vec()))
        .ok_or_else(|| {
            refused(
                "`public_key` needs a private key in PEM (PKCS#1, PKCS#8 or SEC1): RSA, or EC with \
                 P-256 or P-384",
            )
        })
}

fn public_part(key: &PrivateKeyDer<'_>) -> Option<PublicKeyX509Der<'static>> {
    let rsa = match key {
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()).ok(),
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok(),
        _ => None,
    };
    if let Some(pair) = rsa {
        return pair.public_key().as_der().ok();
    }
    [&ECDSA_P256_SHA256_FIXED_SIGNING, &ECDSA_P384_SHA384_FIXED_SIGNING].into_iter().find_map(
        |curve| {
            let pair = match key {
                PrivateKeyDer::Sec1(key) => {
                    EcdsaKeyPair::from_private_key_der(curve, key.secret_sec1_der())
                }
                PrivateKeyDer::Pkcs8(key) => {
                    EcdsaKeyPair::from_pkcs8(curve, key.secret_pkcs8_der())
                }
                _ => return None,
            };
            pair.ok()?.public_key().as_der().ok()
        },
    )
}

/// The filter `bcrypt`: the hash of a text with a salt of the form `$2a$10$` and 22 characters.
pub fn bcrypt(value: &Value, salt: &Value) -> Result<Value, Error> {
    let (text, salt_bytes) = (bytes(value, "bcrypt")?, bytes(salt, "bcrypt")?);
    if Placeholder::is(salt) {
        return Ok(made_of(salt, String::from_utf8_lossy(&salt_bytes).into_owned()));
    }
    let (version, cost, salt) =
        std::str::from_utf8(&salt_bytes).ok().and_then(parts).ok_or_else(|| {
            refused("the salt of `bcrypt` is `$2a$`, two digits, `$` and 22 characters")
        })?;
    if !(4..=HIGHEST_COST).contains(&cost) {
        return Err(refused("the cost in the salt of `bcrypt` is not between 4 and 10"));
    }
    let hash = bcrypt::hash_with_salt(&*text, cost, salt)
        .map_err(|_| refused("`bcrypt` cannot hash this text"))?;
    Ok(Value::from(hash.format_for_version(version)))
}

/// Version, cost and bytes of a salt.
fn parts(salt: &str) -> Option<(Version, u32, [u8; 16])> {
    let mut parts = salt.strip_prefix('$')?.splitn(3, '$');
    let version = match parts.next()? {
        "2a" => Version::TwoA,
        "2b" => Version::TwoB,
        "2y" => Version::TwoY,
        _ => return None,
    };
    let cost = parts.next().filter(|cost| cost.len() == 2)?.parse().ok()?;
    let salt = SALT.decode(parts.next()?.get(..22)?).ok()?;
    Some((version, cost, salt.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use minijinja::Value;

    use super::*;
    use crate::language::convert::bytes;

    fn key(name: &str) -> Value {
        let path = format!("{}/tests/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"));
        Value::from(std::fs::read_to_string(&path).expect("a key"))
    }

    fn base64(value: &Value) -> String {
        base64::engine::general_purpose::STANDARD.encode(bytes(value, "test").expect("bytes"))
    }

    /// Made by crypt(3) of libxcrypt, which also ignores the last bits of a salt.
    #[test]
    fn a_bcrypt_hash_is_that_of_crypt() {
        let hash = |text: &str, salt: &str| bcrypt(&Value::from(text), &Value::from(salt));
        for salt in ["$2a$10$abcdefghijklmnopqrstuu", "$2a$10$abcdefghijklmnopqrstuv"] {
            assert_eq!(
                hash("test-client_1700000000000", salt).expect("hashed").to_string(),
                "$2a$10$abcdefghijklmnopqrstuu2bVSb44ELnRceTe0SjQP7xqOoSP6w86"
            );
        }
        for salt in ["$2a$11$abcdefghijklmnopqrstuu", "$1$10$abcdefghijklmnopqrstuu", "s3cr3t", ""]
        {
            let error = hash("text", salt).expect_err("refused").to_string();
            assert!(!error.contains("s3cr3t"), "{error}");
        }
    }

    /// Made by `openssl pkey -pubout -outform DER | openssl dgst -sha256 -binary | base64`.
    #[test]
    fn a_public_key_is_that_of_openssl() {
        for (name, expected) in [
            ("rsa1", "fGeYKihB6XFI8ZigiwFh1ox+N6aqBvLbE4id+tSOpts="),
            ("rsa8", "fGeYKihB6XFI8ZigiwFh1ox+N6aqBvLbE4id+tSOpts="),
            ("ec1", "ovsR8/3RSyK8P/SL+hFl616D+gCwbj3YD6Eg0E1L+go="),
            ("ec8", "ovsR8/3RSyK8P/SL+hFl616D+gCwbj3YD6Eg0E1L+go="),
        ] {
            let public = public_key(&key(name)).expect("a public key");
            let digest = super::super::digest::sha256(&public).expect("a digest");
            assert_eq!(base64(&digest), expected, "{name}");
        }
        assert!(public_key(&Value::from("no key")).is_err());
    }

    /// Made by `printf abc | openssl dgst -sha256 -sign tests/keys/rsa8.pem | base64`.
    #[test]
    fn a_signature_is_that_of_openssl() {
        let signature = rsa_sha256(&Value::from("abc"), &key("rsa8")).expect("signed");
        assert!(base64(&signature).starts_with("OLxmjooxOlg762BJ"), "{}", base64(&signature));
        assert!(rsa_sha256(&Value::from("abc"), &key("ec8")).is_err());
    }
}
