//! Fingerprints of tokens, to compare tokens without keeping them.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

/// Makes fingerprints with a keyed hash. The key is random and exists only in this process.
pub struct Fingerprints {
    keyed: Key,
}

impl Default for Fingerprints {
    fn default() -> Self {
        let mut key = [0; 32];
        key[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        key[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        Self { keyed: Key::new(HMAC_SHA256, &key) }
    }
}

impl Fingerprints {
    /// The fingerprint of a secret text.
    #[must_use]
    pub fn of(&self, text: &str) -> u128 {
        let digest = sign(&self.keyed, text.as_bytes());
        u128::from_be_bytes(digest.as_ref()[..16].try_into().expect("SHA-256 makes 32 bytes"))
    }
}
