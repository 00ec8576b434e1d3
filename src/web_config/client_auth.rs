//! Client authentication: which client certificates are accepted.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::definition::{Text, Tls};
use super::pem::Pem;
use super::report::Report;
use crate::diagnostic::{Sentence, Shown, suggestion};
use crate::tls::system_roots;

/// The supported types. `Some(true)` requires a certificate, `None` requests none.
const TYPES: [(&str, Option<bool>); 3] = [
    ("NoClientCert", None),
    ("VerifyClientCertIfGiven", Some(false)),
    ("RequireAndVerifyClientCert", Some(true)),
];

/// The types that accept certificates without verification.
const UNVERIFIED: [&str; 3] = ["RequestClientCert", "RequireAnyClientCert", "RequireClientCert"];

/// The rule for client certificates. Equal rules accept the same certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether the authorities are configured. Otherwise they are those of the system.
    pub authorities: bool,
    /// Whether only certain names are accepted.
    pub names: bool,
    /// A digest of all settings.
    digest: [u8; 32],
}

/// Verifies client certificates and their names.
#[derive(Debug)]
pub struct ClientVerifier {
    inner: Arc<dyn ClientCertVerifier>,
    /// The configured authorities. Go also accepts one of them as the client's own certificate.
    pinned: Vec<CertificateDer<'static>>,
    /// The certificate must have one of these names; `None` accepts every name.
    allowed: Option<BTreeSet<String>>,
    /// The settings above.
    pub rule: Rule,
}

impl ClientVerifier {
    /// The verifier; `None` when there is no rule or a fault.
    pub fn build(
        tls: &Tls,
        authority: Option<&Pem>,
        crypto: &CryptoProvider,
        report: &mut Report,
    ) -> Option<Self> {
        let mandatory = kind(tls.client_auth_type.as_ref(), report)?;
        let Some(mandatory) = mandatory else {
            if let Some(ca) = tls.client_ca_file.as_ref().or(tls.client_ca.as_ref()) {
                report.error(
                    &ca.span,
                    "client CAs are set, but `client_auth_type` does not request client \
                     certificates",
                    "add `client_auth_type: RequireAndVerifyClientCert`",
                );
            }
            if let Some((place, _)) = &tls.client_allowed_sans {
                // The exporter-toolkit accepts this and then accepts every client.
                report.error(
                    place,
                    "client names are set, but `client_auth_type` does not request client \
                     certificates",
                    "add `client_auth_type: RequireAndVerifyClientCert`",
                );
            }
            return None;
        };
        let allowed = allowed(tls, report)?;
        let named = tls.client_ca_file.is_some() || tls.client_ca.is_some();
        let pinned = if named { authority?.certificates(report)? } else { Vec::new() };
        let roots = if named { roots(&pinned, authority?, report)? } else { system_roots() };
        let place = tls.client_auth_type.as_ref().map_or(&tls.place, |text| &text.span);
        let mut builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(crypto.clone()));
        if !mandatory {
            builder = builder.allow_unauthenticated();
        }
        if !named {
            // The names of all authorities of a system would make the handshake large.
            builder = builder.clear_root_hint_subjects();
        }
        let Ok(inner) = builder.build() else {
            report.error(
                place,
                "this host trusts no certificate authority, so no client can be verified",
                "set the authority of your clients in `client_ca_file`, or install ca-certificates",
            );
            return None;
        };
        let rule = rule(mandatory, named, &pinned, allowed.as_ref());
        Some(Self { inner, pinned, allowed, rule })
    }

    fn check_names(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let Some(allowed) = &self.allowed else { return Ok(()) };
        if names(certificate)
            .ok_or(CertificateError::BadEncoding)?
            .iter()
            .any(|name| allowed.contains(name))
        {
            return Ok(());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }
}

/// The rule of a type, as in [`TYPES`]; the outer `None` is a fault.
#[expect(clippy::option_option, reason = "a fault, no certificate, optional or required")]
fn kind(text: Option<&Text>, report: &mut Report) -> Option<Option<bool>> {
    let Some(text) = text else { return Some(None) };
    if let Some((_, kind)) = TYPES.iter().find(|(name, _)| *name == text.value) {
        return Some(*kind);
    }
    report.reveal_near(text, UNVERIFIED.into_iter().chain(TYPES.iter().map(|(name, _)| *name)));
    if UNVERIFIED.contains(&text.value.as_str()) {
        report.error(
            &text.span,
            Sentence::naming(
                "`{}` accepts any certificate without verifying it, so it protects nothing",
                Shown::near(&text.value, UNVERIFIED),
                "this accepts any certificate",
            ),
            "use `RequireAndVerifyClientCert`, or `VerifyClientCertIfGiven` for optional \
             certificates",
        );
    } else {
        let hint = suggestion(&text.value, TYPES.iter().map(|(name, _)| *name));
        report.error(&text.span, "this is not a type of client authentication", hint);
    }
    None
}

/// The accepted names. The outer `None` is a fault.
#[expect(clippy::option_option, reason = "a fault, every name, these names")]
fn allowed(tls: &Tls, report: &mut Report) -> Option<Option<BTreeSet<String>>> {
    match &tls.client_allowed_sans {
        Some((place, names)) if names.is_empty() => {
            report.error(
                place,
                "the list is empty, so no client can connect",
                "remove it to accept every verified certificate",
            );
            None
        }
        Some((_, names)) => Some(Some(names.iter().map(|name| name.value.clone()).collect())),
        None => Some(None),
    }
}

fn roots(
    certificates: &[CertificateDer<'static>],
    authority: &Pem,
    report: &mut Report,
) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        if let Err(error) = roots.add(certificate.clone()) {
            report.error(
                &authority.place,
                Sentence::fill(
                    "a certificate in {} cannot be used: {}",
                    [authority.name.clone(), Shown::outside_of_files(error)],
                ),
                "make a new one (X.509, version 3)",
            );
            return None;
        }
    }
    Some(roots)
}

fn rule(
    mandatory: bool,
    authorities: bool,
    pinned: &[CertificateDer<'_>],
    allowed: Option<&BTreeSet<String>>,
) -> Rule {
    let mut digest = Sha256::new();
    digest.update([u8::from(mandatory), u8::from(allowed.is_some())]);
    for part in
        pinned.iter().map(AsRef::as_ref).chain(allowed.into_iter().flatten().map(String::as_bytes))
    {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    Rule { authorities, names: allowed.is_some(), digest: digest.finalize().into() }
}

/// All subject alternative names of a certificate as text, as the exporter-toolkit compares them.
fn names(certificate: &[u8]) -> Option<Vec<String>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let Some(extension) = certificate.subject_alternative_name().ok()? else {
        return Some(Vec::new());
    };
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            Some((*text).to_owned())
        }
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
                .ok()
                .map(|address| address.to_string())
        }
        _ => None,
    };
    Some(extension.value.general_names.iter().filter_map(text).collect())
}

/// Whether a client may use a configured authority as its own certificate at this time. webpki
/// refuses certificates that may sign others, which self-signed ones usually may; Go does not.
fn is_valid_by_itself(certificate: &[u8], now: UnixTime) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    let valid = |seconds: u64| {
        let now = i64::try_from(seconds).unwrap_or(i64::MAX);
        certificate.validity().not_before.timestamp() <= now
            && now <= certificate.validity().not_after.timestamp()
    };
    let for_clients = match certificate.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.any || usage.value.client_auth,
        Err(_) => false,
    };
    valid(now.as_secs()) && for_clients
}

impl ClientCertVerifier for ClientVerifier {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.inner.verify_client_cert(end_entity, intermediates, now) {
            Ok(_) => {}
            Err(_) if self.pinned.contains(end_entity) && is_valid_by_itself(end_entity, now) => {}
            Err(error) => return Err(error),
        }
        self.check_names(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
