//! TLS of the client side: full handshakes only, and the expiry of the endpoint's certificate also
//! when the certificate is not trusted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
    WebPkiServerVerifier,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, NamedGroup, RootCertStore, SignatureScheme};

use secrecy::zeroize::Zeroizing;

use super::marks::mark;
use crate::files;
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
    /// The settings cannot be used together.
    #[error("{0}")]
    Setup(String),
}

/// The client configuration for these settings.
///
/// # Errors
/// When a certificate or key file cannot be used.
pub fn client_config(
    transport: &Transport,
    system: &RootCertStore,
) -> Result<ClientConfig, TlsError> {
    let crypto = crypto();
    let mut roots = system.clone();
    if let Some(path) = &transport.ca_file {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| {
                file(path, format!("a certificate in it cannot be used: {error}"))
            })?;
        }
    }
    let verdict = if transport.insecure {
        Verdict::Accept
    } else if roots.is_empty() {
        Verdict::Refuse
    } else {
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&crypto));
        Verdict::Check(builder.build().map_err(setup)?)
    };
    let verifier = Arc::new(Verifier { crypto: Arc::clone(&crypto), verdict });
    let builder = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &transport.client_certificate {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let private =
                tls::private_key(&read(key)?).map_err(|error| file(key, error.to_string()))?;
            builder.with_client_auth_cert(certificates(chain)?, private).map_err(|error| {
                file(chain, format!("certificate and key cannot be used together: {error}"))
            })?
        }
    };
    config.resumption = Resumption::store(Arc::new(NoSessions));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    tls::certificates(&read(path)?).map_err(|error| file(path, error.to_string()))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    files::read(path, files::PEM).map_err(|error| file(path, format!("cannot be read: {error}")))
}

fn file(path: &Path, problem: String) -> TlsError {
    TlsError::File { path: path.to_owned(), problem }
}

fn setup(error: impl std::fmt::Display) -> TlsError {
    TlsError::Setup(error.to_string())
}

/// Notes when the certificates of the chain expire, then judges the chain. So the expiry is known
/// also when the chain is refused, and behind a proxy.
#[derive(Debug)]
struct Verifier {
    crypto: Arc<CryptoProvider>,
    verdict: Verdict,
}

/// How a certificate chain is judged.
#[derive(Debug)]
enum Verdict {
    /// The host's authorities and those of the provider decide.
    Check(Arc<WebPkiServerVerifier>),
    /// Every chain is accepted (`tls.insecure`).
    Accept,
    /// The host trusts no authority, so every chain is refused.
    Refuse,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let earliest = std::iter::once(end_entity)
            .chain(intermediates)
            .filter_map(|certificate| not_after(certificate))
            .min();
        mark(|moments| moments.certificate_expiry = earliest);
        match &self.verdict {
            Verdict::Check(verifier) => verifier
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
            Verdict::Accept => Ok(ServerCertVerified::assertion()),
            Verdict::Refuse => Err(rustls::Error::General(
                "this host trusts no certificate at all; install ca-certificates or set \
                 tls.ca_file"
                    .into(),
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.crypto.signature_verification_algorithms.supported_schemes()
    }
}

/// When a certificate expires.
fn not_after(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// Keeps no session, so that every handshake is full and checks the certificate. rustls asks it
/// when it makes the `ClientHello`. No other hook shows when the TCP connection is ready.
#[derive(Debug)]
struct NoSessions;

impl ClientSessionStore for NoSessions {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        mark(|moments| {
            moments.tls_start.get_or_insert_with(Instant::now);
        });
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
