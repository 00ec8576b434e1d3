//! What kind of key a private key is, for messages.

use rustls::pki_types::PrivateKeyDer;

/// Object identifiers (DER) with words for the keys that have them. The first that is found counts.
const KINDS: [(&[u8], &str); 7] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01], "an RSA key"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], "an EC key (P-256)"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "an EC key (P-384)"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "an EC key (P-521)"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "an EC key (secp256k1)"),
    (&[0x06, 0x03, 0x2b, 0x65, 0x70], "an Ed25519 key"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01], "an EC key"),
];

/// Words for the kind of a private key: `an RSA key`.
#[must_use]
pub fn key_kind(key: &PrivateKeyDer<'_>) -> &'static str {
    let has = |part: &[u8], id: &[u8]| part.windows(id.len()).any(|window| window == id);
    let named = |part: &[u8]| KINDS.iter().find(|(id, _)| has(part, id)).map(|(_, words)| *words);
    match key {
        PrivateKeyDer::Pkcs1(_) => "an RSA key",
        // The name of the curve follows the number.
        PrivateKeyDer::Sec1(key) => named(key.secret_sec1_der()).unwrap_or("an EC key"),
        // The algorithm stands before the key (RFC 5208, section 5).
        PrivateKeyDer::Pkcs8(key) => {
            let der = key.secret_pkcs8_der();
            named(&der[..der.len().min(40)]).unwrap_or("a key of another kind")
        }
        _ => "a key of another kind",
    }
}
