//! Which digest a sample signature has: by its form, or by the field that names the method.

use super::names::snake;

/// The form of a signature.
#[derive(Clone, Copy)]
pub struct Digest {
    /// `md5`, `sha1`, `sha256` or `sha512`.
    pub name: &'static str,
    /// Whether the sample is in capitals.
    pub upper: bool,
    /// Whether it is Base64 and not hex.
    pub base64: bool,
    /// Whether it is a signature with an RSA key.
    pub rsa: bool,
}

impl Digest {
    fn new(name: &'static str) -> Self {
        Self { name, upper: false, base64: false, rsa: false }
    }
}

/// The digest with the length of a sample signature in hex or Base64.
pub fn of_sample(sample: &str) -> Option<Digest> {
    let is_hex = sample.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (upper, lower) = (
        sample.bytes().any(|byte| byte.is_ascii_uppercase()),
        sample.bytes().any(|byte| byte.is_ascii_lowercase()),
    );
    if sample.ends_with('=') {
        let name = match sample.len() {
            24 => "md5",
            28 => "sha1",
            44 => "sha256",
            88 => "sha512",
            _ => return None,
        };
        return Some(Digest { base64: true, ..Digest::new(name) });
    }
    let name = match sample.len() {
        32 => "md5",
        40 => "sha1",
        64 => "sha256",
        128 => "sha512",
        _ => return None,
    };
    (is_hex && !(upper && lower)).then_some(Digest { upper, ..Digest::new(name) })
}

/// The name of a digest before a sample signature, as in `sha256=…`, and the rest.
pub fn prefixed(sample: &str) -> (&str, &str) {
    let end = sample.find('=').map_or(0, |place| place + 1);
    let (prefix, rest) = sample.split_at(end);
    if matches!(prefix, "sha1=" | "sha256=" | "sha512=" | "md5=" | "v0=" | "v1=") {
        (prefix, rest)
    } else {
        ("", sample)
    }
}

/// Whether a text is the name of a signature method and nothing else.
pub fn is_method(text: &str) -> bool {
    const WORDS: [&str; 15] = [
        "HMAC", "SHA1", "SHA256", "SHA384", "SHA512", "SHA3", "SHA", "MD5", "SM3", "ECDSA", "RSA2",
        "RSA", "AES", "WITH", "V1",
    ];
    let text: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let upper = text.to_ascii_uppercase();
    let mut rest = upper.as_str();
    while let Some(behind) = WORDS.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = behind;
    }
    rest.is_empty() && !upper.is_empty()
}

/// The digest that a field such as `SignatureMethod` names: `HMAC-SHA1`, `sha256`, `RSA-SHA256`.
pub fn of_method(field: &str, value: &str) -> Option<Digest> {
    let field = snake(field);
    let is_method =
        field.contains("sign") || ["algorithm", "alg"].iter().any(|end| field.ends_with(end));
    let value: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    let value = value.to_ascii_uppercase();
    // The language signs with RSA and SHA-256 only.
    let rsa = value.contains("RSA");
    if is_method && rsa {
        return ["SHA256", "RSA2"].iter().any(|known| value.contains(known)).then(|| Digest {
            base64: true,
            rsa,
            ..Digest::new("sha256")
        });
    }
    let names = [("SHA1", "sha1"), ("SHA256", "sha256"), ("SHA512", "sha512"), ("MD5", "md5")];
    let (_, name) = names.iter().find(|(known, _)| is_method && value.contains(known))?;
    Some(Digest { base64: value.contains("HMAC"), ..Digest::new(name) })
}
