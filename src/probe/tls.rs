//! TLS of the client side: full handshakes only, and the expiry of the endpoint's certificate also
//! when the certificate is not trusted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, NamedGroup, OtherError, RootCertStore,
    SignatureScheme,
};

use secrecy::zeroize::Zeroizing;

use super::chain::{Presented, Refused, Trust, not_after, weak_key};
use super::identity::Identity;
use super::marks::{Moments, mark};
use crate::files;
use crate::outcome::TlsProblem;
use crate::provider::Transport;
use crate::tls::{self, crypto};

/// Why an HTTP client cannot be built.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate or key file cannot be used.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The proxy cannot be used.
    #[error("{0}")]
    Proxy(String),
    /// The settings cannot be used together.
    #[error("{0}")]
    Setup(String),
}

/// The client configuration for these settings, and our client certificate.
///
/// # Errors
/// When a certificate or key file cannot be used.
pub fn client_config(
    transport: &Transport,
    system: &Arc<RootCertStore>,
) -> Result<(ClientConfig, Arc<Identity>), TlsError> {
    let crypto = crypto();
    let mut trust = Trust { roots: Arc::clone(system), own: Vec::new() };
    if let Some(path) = &transport.ca_file {
        trust.own = certificates(path)?;
        let roots = Arc::make_mut(&mut trust.roots);
        for (number, certificate) in (1..).zip(&trust.own) {
            roots.add(certificate.clone()).map_err(|_| {
                file(path, format!("the certificate number {number} in it cannot be read"))
            })?;
        }
    }
    let verdict = if transport.insecure { Verdict::Accept } else { Verdict::Check(trust) };
    let verifier = Arc::new(Verifier { crypto: Arc::clone(&crypto), verdict });
    let identity = match &transport.client_certificate {
        None => Identity::none(),
        Some((chain, key)) => Identity::load((chain, key), read_file, &crypto)
            .map_err(|(path, problem)| TlsError::File { path, problem })?,
    };
    let identity = Arc::new(identity);
    let mut config = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::clone(&identity) as _);
    config.resumption = Resumption::store(Arc::new(NoSessions));
    if !transport.http1 {
        config.alpn_protocols.push(b"h2".to_vec());
    }
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok((config, identity))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read_file(path).map_err(|problem| file(path, problem))?;
    tls::certificates(&text).map_err(|error| file(path, error.to_string()))
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    files::read(path, files::PEM).map_err(|error| format!("cannot be read: {error}"))
}

fn file(path: &Path, problem: String) -> TlsError {
    TlsError::File { path: path.to_owned(), problem }
}

/// Judges the certificates of the endpoint, and notes when they expire. So the expiry is known also
/// when they are refused, and behind a proxy.
struct Verifier {
    crypto: Arc<CryptoProvider>,
    verdict: Verdict,
}

/// How a certificate chain is judged.
enum Verdict {
    /// The host's authorities and the certificates of the provider's file decide.
    Check(Trust),
    /// Every chain is accepted (`tls.insecure`).
    Accept,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = Presented { leaf: end_entity, others: intermediates, name: server_name };
        let algorithms = self.crypto.signature_verification_algorithms.all;
        let judged = match &self.verdict {
            Verdict::Accept => Ok(not_after(end_entity)),
            Verdict::Check(trust) if trust.roots.is_empty() => Err(Refused::new(
                TlsProblem::NoAuthorities,
                "this host trusts no certificate at all; install ca-certificates or set \
                 tls.ca_file"
                    .into(),
            )),
            Verdict::Check(trust) => trust.judge(&presented, algorithms, now),
        };
        let end = judged.as_ref().map_or_else(|_| not_after(end_entity), |end| *end);
        mark(|moments| moments.certificate_expiry = end);
        judged.map(|_| ServerCertVerified::assertion()).map_err(refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
            .map_err(|error| weak_key(certificate).map_or(error, refused))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
            .map_err(|error| weak_key(certificate).map_or(error, refused))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.crypto.signature_verification_algorithms.supported_schemes()
    }
}

fn refused(why: Refused) -> rustls::Error {
    CertificateError::Other(OtherError(Arc::new(why))).into()
}

/// Keeps no session, so that every handshake is full and checks the certificate. rustls asks it
/// when it makes the `ClientHello`. No other hook shows when the TCP connection is ready.
#[derive(Debug)]
struct NoSessions;

impl ClientSessionStore for NoSessions {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        mark(Moments::handshake);
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {}

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}
