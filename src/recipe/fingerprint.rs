//! Telling one token from another without keeping either.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Makes fingerprints of tokens: a keyed hash, so that equal tokens can be told without keeping
/// them. The key is random and dies with the process.
pub struct Fingerprints {
    keyed: Hmac<Sha256>,
}

impl Default for Fingerprints {
    fn default() -> Self {
        let mut key = [0; 32];
        key[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        key[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        Self { keyed: Hmac::new_from_slice(&key).expect("HMAC takes a key of any length") }
    }
}

impl Fingerprints {
    /// The fingerprint of a secret text.
    #[must_use]
    pub fn of(&self, text: &str) -> u128 {
        let mut mac = self.keyed.clone();
        mac.update(text.as_bytes());
        let digest = mac.finalize().into_bytes();
        u128::from_be_bytes(digest[..16].try_into().expect("a SHA-256 digest has 32 bytes"))
    }
}
