//! Certificates and private keys in PEM form.

use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why a PEM text cannot be used. The message does not name the file; the caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// No certificate is in it.
    #[error("there is no certificate in it (PEM: -----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// No private key is in it.
    #[error("there is no private key in it (PEM: -----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// The private key can be read with a password only.
    #[error("the private key in it is protected by a password, and the daemon has none")]
    ProtectedKey,
    /// The text is broken: a line that is not Base64, or an end that is missing.
    #[error("it is not in PEM form: a line or the END line is broken")]
    Broken,
}

/// All certificates of a PEM text, at least one.
///
/// # Errors
/// [`PemError::NoCertificate`] or [`PemError::Broken`].
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| PemError::Broken)?;
    if found.is_empty() { Err(PemError::NoCertificate) } else { Ok(found) }
}

/// The first private key of a PEM text.
///
/// # Errors
/// [`PemError::NoKey`], [`PemError::ProtectedKey`] or [`PemError::Broken`].
pub fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    let protected = || {
        let mark = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
        pem.windows(mark.len()).any(|part| part == mark)
    };
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        Error::NoItemsFound if protected() => PemError::ProtectedKey,
        Error::NoItemsFound => PemError::NoKey,
        _ => PemError::Broken,
    })
}
