//! Our own client certificate: sent when the endpoint asks for one, and blamed when it is refused.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription as Alert, SignatureScheme};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::chain::Validity;
use super::marks::{Moments, mark};
use crate::outcome::{Failure, Reason};
use crate::tls::{certificates, key_kind, private_key};

/// Sends a client certificate, if there is one. Marks that the endpoint has asked for it.
pub struct Identity {
    key: Option<Arc<CertifiedKey>>,
    /// When the certificate is valid.
    pub certificate: Option<Validity>,
    /// SHA-256 of the certificate with its chain, in hexadecimal digits; empty without one. The
    /// key needs no part in it, because one that fits the certificate is always the same.
    pub digest: String,
}

/// A file of the client certificate that cannot be used: its path, and the problem.
pub type Unusable = (PathBuf, String);

impl Identity {
    /// No client certificate.
    pub fn none() -> Self {
        Self { key: None, certificate: None, digest: String::new() }
    }

    /// The client certificate of these two files. `read` returns the content of a file.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn load<B: AsRef<[u8]>, E: fmt::Display>(
        (chain_file, key_file): (&Path, &Path),
        read: impl Fn(&Path) -> Result<B, E>,
        crypto: &CryptoProvider,
    ) -> Result<Self, Unusable> {
        let unusable =
            |path: &Path, problem: &dyn fmt::Display| (path.to_owned(), problem.to_string());
        let text = read(chain_file).map_err(|error| unusable(chain_file, &error))?;
        let chain = certificates(text.as_ref()).map_err(|error| unusable(chain_file, &error))?;
        let text = read(key_file).map_err(|error| unusable(key_file, &error))?;
        let key = private_key(text.as_ref()).map_err(|error| unusable(key_file, &error))?;
        let kind = key_kind(&key);
        let certificate = chain.first().and_then(Validity::of);
        let mut digest = Context::new(&SHA256);
        for certificate in &chain {
            digest.update(certificate);
        }
        let digest = hex::encode(digest.finish());
        let signing = crypto
            .key_provider
            .load_private_key(key)
            .map_err(|_| unusable(key_file, &format_args!("it is {kind} that TLS cannot use")))?;
        let fits = match chain.first().and_then(|first| public_key(first)) {
            Some(certified) => signing.public_key().is_none_or(|ours| *ours == *certified),
            None => {
                return Err(unusable(chain_file, &"the first certificate in it cannot be read"));
            }
        };
        if !fits {
            let problem = format_args!(
                "it is {kind}, but not the key of the first certificate in {}",
                chain_file.display()
            );
            return Err(unusable(key_file, &problem));
        }
        let certified = CertifiedKey::new(chain, signing);
        Ok(Self { key: Some(Arc::new(certified)), certificate, digest })
    }
}

/// The public key of a certificate (RFC 5280, `SubjectPublicKeyInfo`, in DER). rustls itself reads
/// no certificate of version 1, which many private authorities issue.
fn public_key(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.tbs_certificate.subject_pki.raw.to_vec())
}

/// Shows no key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        mark(|moments| moments.certificate_requested = true);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        self.key.is_some()
    }
}

/// The failure when the endpoint sent this alert because of our client certificate.
pub fn refused_by(alert: Alert, moments: &Moments) -> Option<Failure> {
    let names_it = matches!(
        alert,
        Alert::CertificateExpired
            | Alert::CertificateRequired
            | Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateUnknown
            | Alert::UnsupportedCertificate
            | Alert::AccessDenied
    );
    // In TLS 1.2 servers also refuse a client certificate by this alert (RFC 5246, section 7.4.6).
    let is_cause = moments.certificate_requested && (names_it || alert == Alert::HandshakeFailure)
        || alert == Alert::CertificateRequired;
    is_cause.then(|| refused(&format!(" (TLS alert {})", alert_word(alert)), moments))
}

/// The failure when the connection broke with `how`, and the client certificate is the likely
/// cause: the endpoint asked for one, and ours is missing or not valid.
pub fn broken_after_request(how: &str, moments: &Moments) -> Option<Failure> {
    let at_fault = moments.certificate_requested && moments.head.is_none();
    (at_fault && moments.certificate_problem().is_some()).then(|| refused(how, moments))
}

/// The failure when TLS failed after the endpoint had asked for a client certificate.
pub fn refused(how: &str, moments: &Moments) -> Failure {
    let message = match (moments.client_certificate, moments.certificate_problem()) {
        (None, _) => format!(
            "the endpoint demands a client certificate{how}, and `tls.client_certificate_file` is \
             not set"
        ),
        (Some(_), Some(problem)) => {
            format!("the endpoint refuses our client certificate{how}: {problem}")
        }
        (Some(certificate), None) => format!(
            "the endpoint refuses our client certificate{how}, which is valid until {}",
            certificate.until.strftime("%Y-%m-%d %H:%M:%S UTC")
        ),
    };
    Failure::new(Reason::Certificate, &message)
}

/// The name of an alert as RFC 8446, section 6, writes it.
pub fn alert_word(alert: Alert) -> String {
    let mut word = String::new();
    for character in format!("{alert:?}").replace("CA", "Ca").chars() {
        if character.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(character.to_ascii_lowercase());
    }
    word
}
