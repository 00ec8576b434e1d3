//! TLS of the client side: one shared configuration for all providers that differ in nothing, full
//! handshakes only, and the end of the endpoint's certificate even when it is not trusted.

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

/// What keeps a client from being made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds nothing of use.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The parts do not fit together.
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
    let inner: Arc<dyn ServerCertVerifier> = if transport.insecure || roots.is_empty() {
        Arc::new(Unchecked { crypto: Arc::clone(&crypto), accept: transport.insecure })
    } else {
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&crypto))
            .build()
            .map_err(setup)?
    };
    let builder = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Noting { inner }));
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
    files::read(path, files::PEM)
        .map(Zeroizing::new)
        .map_err(|error| file(path, format!("cannot be read: {error}")))
}

fn file(path: &Path, problem: String) -> TlsError {
    TlsError::File { path: path.to_owned(), problem }
}

fn setup(error: impl std::fmt::Display) -> TlsError {
    TlsError::Setup(error.to_string())
}

/// Notes when the certificates end, then leaves the verdict to the verifier proper. That way the
/// end is known also when the verdict is bad, and behind a proxy.
#[derive(Debug)]
struct Noting {
    inner: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for Noting {
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
        mark(|seen| seen.certificate_expiry = earliest);
        self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// When a certificate ends.
fn not_after(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// Accepts every certificate, or, on a host that trusts none, refuses every one.
#[derive(Debug)]
struct Unchecked {
    crypto: Arc<CryptoProvider>,
    accept: bool,
}

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.accept {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("this host trusts no certificate at all; install ca-certificates or set tls.ca_file".into()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.crypto.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.crypto.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.crypto.signature_verification_algorithms.supported_schemes()
    }
}

/// Keeps no session, so that every handshake is full and looks at the certificate. It is asked at
/// the moment the `ClientHello` is made, which is the one place where the end of the TCP connection
/// set-up can be seen.
#[derive(Debug)]
struct NoSessions;

impl ClientSessionStore for NoSessions {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        mark(|seen| {
            seen.tls_start.get_or_insert_with(Instant::now);
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
