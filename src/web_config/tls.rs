//! `tls_server_config`: from plain data to the settings of rustls.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, ServerConfig};

use super::client_auth::{ClientVerifier, Rule};
use super::definition::{Text, Tls};
use super::pem::Pem;
use super::report::Report;
use super::suites::{suites_and_curves, versions};
use crate::diagnostic::{Sentence, Shown};

/// The settings for TLS connections.
pub struct TlsSetup {
    pub config: Arc<ServerConfig>,
    /// The rule for client certificates; `None` when no client needs one.
    pub clients: Option<Rule>,
}

/// Builds the TLS settings; `None` without TLS or with a fault. Adds every named file to `files`,
/// even if it cannot be read.
pub fn build(
    tls: &Tls,
    folder: &Path,
    files: &mut Vec<PathBuf>,
    report: &mut Report,
) -> Option<TlsSetup> {
    let mut open =
        |text: &Option<Text>, inline: &Option<Text>, report: &mut Report| -> Option<Pem> {
            let path = text.as_ref().map(|text| folder.join(&text.value));
            files.extend(path.clone());
            Pem::read(text.as_ref().zip(path.as_deref()), inline.as_ref(), report)
        };
    let before = report.faults.len();
    let (certificate, key) =
        (open(&tls.cert_file, &tls.cert, report), open(&tls.key_file, &tls.key, report));
    let authority = open(&tls.client_ca_file, &tls.client_ca, report);
    let (versions, crypto) = (versions(tls, report), suites_and_curves(tls, report));
    if !is_wanted(tls) {
        check_unused(tls, report);
        return None;
    }
    for (missing, word) in [
        (tls.cert_file.is_none() && tls.cert.is_none(), "cert"),
        (tls.key_file.is_none() && tls.key.is_none(), "key"),
    ] {
        if missing && !tls.damaged {
            report.error(
                &tls.place,
                Sentence::fill("neither `{}_file` nor `{}` is set", [word.into(), word.into()]),
                "TLS needs a certificate and its private key",
            );
        }
    }
    let pair = certificate
        .zip(key)
        .and_then(|(certificate, key)| pair(&certificate, &key, &crypto, report));
    let clients = ClientVerifier::build(tls, authority.as_ref(), &crypto, report);
    if report.faults.len() > before {
        return None;
    }
    let rule = clients.as_ref().map(|clients| clients.rule);
    let Ok(builder) =
        ServerConfig::builder_with_provider(Arc::new(crypto)).with_protocol_versions(&versions)
    else {
        report.error(
            &tls.place,
            "no cipher suite fits these versions of TLS",
            "add one of TLS 1.2, or allow TLS13",
        );
        return None;
    };
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => builder.with_client_cert_verifier(Arc::new(clients)),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair?)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(TlsSetup { config: Arc::new(config), clients: rule })
}

/// Reports TLS settings that have no effect because TLS is off.
fn check_unused(tls: &Tls, report: &mut Report) {
    if let Some((place, _)) = &tls.client_allowed_sans {
        // The exporter-toolkit accepts this and then accepts every client.
        report.error(
            place,
            "client names are set, but TLS is not",
            "add `cert_file`, `key_file` and `client_auth_type: RequireAndVerifyClientCert`",
        );
    } else if tls.min_version.is_some()
        || tls.max_version.is_some()
        || !tls.cipher_suites.is_empty()
        || !tls.curve_preferences.is_empty()
    {
        report.warn(
            &tls.place,
            "without a certificate there is no TLS, so these settings have no effect",
            "add `cert_file` and `key_file`",
        );
    }
}

/// Whether TLS is on, by the rule of the exporter-toolkit: one of these keys is set.
fn is_wanted(tls: &Tls) -> bool {
    [
        &tls.cert, &tls.key, &tls.client_ca, &tls.cert_file, &tls.key_file, &tls.client_ca_file,
        &tls.client_auth_type,
    ]
    .iter()
    .any(|text| text.is_some())
}

/// Certificate and key; `None` when they are unusable or do not belong together.
fn pair(
    certificate: &Pem,
    key: &Pem,
    crypto: &CryptoProvider,
    report: &mut Report,
) -> Option<CertifiedKey> {
    let (chain, private) = (certificate.certificates(report), key.key(report));
    let (chain, private) = (chain?, private?);
    let Ok(signing) = crypto.key_provider.load_private_key(private) else {
        report.error(
            &key.place,
            Sentence::fill(
                "the private key in {} is of a kind that cannot be used",
                [key.name.clone()],
            ),
            "RSA, ECDSA (P-256, P-384, P-521) and Ed25519 can",
        );
        return None;
    };
    let pair = CertifiedKey::new(chain, signing);
    match pair.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Some(pair),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let message = Sentence::fill(
                "the private key in {} does not belong to the certificate in {}",
                [key.name.clone(), certificate.name.clone()],
            );
            report.error(
                &key.place,
                message,
                "the first certificate of the file must be the server's own",
            );
            None
        }
        Err(error) => {
            report.error(
                &certificate.place,
                Sentence::fill(
                    "the certificate in {} cannot be used: {}",
                    [certificate.name.clone(), Shown::outside_of_files(error)],
                ),
                "make a new one (X.509, version 3)",
            );
            None
        }
    }
}
