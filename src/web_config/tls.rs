//! `tls_server_config`: from the definition to what rustls serves with.
//!
//! Names are those of Go, because the format takes them from there. What Go knows and rustls does
//! not is left out with a warning as long as something stays; what would weaken the door without
//! saying so is refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs::kx_group};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CipherSuite, InconsistentKeys, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
};

use super::clients::{self, Clients};
use super::pem::Pem;
use super::read::{Report, Text, Tls};
use crate::diagnostic::suggestion;
use crate::tls::crypto;

/// Go's names of the suites that can be configured (`tls.CipherSuites`), and what rustls has for
/// them. Those of TLS 1.3 are in use whatever is configured, as in Go.
const SUITES: [(&str, Option<CipherSuite>); 17] = [
    ("TLS_AES_128_GCM_SHA256", Some(CipherSuite::TLS13_AES_128_GCM_SHA256)),
    ("TLS_AES_256_GCM_SHA384", Some(CipherSuite::TLS13_AES_256_GCM_SHA384)),
    ("TLS_CHACHA20_POLY1305_SHA256", Some(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", None),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", None),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", None),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", None),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        Some(CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    ("TLS_RSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_RSA_WITH_AES_128_GCM_SHA256", None),
    ("TLS_RSA_WITH_AES_256_CBC_SHA", None),
    ("TLS_RSA_WITH_AES_256_GCM_SHA384", None),
];

/// Go's names of the groups for the key exchange, and what rustls has for them.
const CURVES: [(&str, Option<&dyn SupportedKxGroup>); 4] = [
    ("CurveP256", Some(kx_group::SECP256R1)),
    ("CurveP384", Some(kx_group::SECP384R1)),
    ("CurveP521", None),
    ("X25519", Some(kx_group::X25519)),
];

/// The versions that the format knows, oldest first.
const VERSIONS: [&str; 4] = ["TLS10", "TLS11", "TLS12", "TLS13"];

/// What a connection has to go through.
pub struct Lock {
    /// What rustls serves with.
    pub config: Arc<ServerConfig>,
    /// Which clients are let in; `None` when no certificate is asked for.
    pub clients: Option<clients::Rule>,
}

/// Builds the lock, if there is to be one. `files` gets every file that is named, read or not.
pub fn build(
    tls: &Tls,
    folder: &Path,
    files: &mut Vec<PathBuf>,
    report: &mut Report,
) -> Option<Lock> {
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
                format!("neither `{word}_file` nor `{word}` is there"),
                "TLS needs a certificate and its private key",
            );
        }
    }
    let pair = certificate
        .zip(key)
        .and_then(|(certificate, key)| pair(&certificate, &key, &crypto, report));
    let clients = Clients::build(tls, authority.as_ref(), &crypto, report);
    if report.faults.len() > before {
        return None;
    }
    let rule = clients.as_ref().map(|clients| clients.rule);
    let Ok(builder) =
        ServerConfig::builder_with_provider(Arc::new(crypto)).with_protocol_versions(&versions)
    else {
        report.error(
            &tls.place,
            "no cipher suite is left for these versions of TLS",
            "name one of TLS 1.2 as well, or allow TLS13",
        );
        return None;
    };
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => builder.with_client_cert_verifier(Arc::new(clients)),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair?)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(Lock { config: Arc::new(config), clients: rule })
}

/// Tells what is said about TLS though there is none.
fn check_unused(tls: &Tls, report: &mut Report) {
    if let Some((place, _)) = &tls.client_allowed_sans {
        // The toolkit takes this and then lets everybody in.
        report.error(
            place,
            "names of clients without TLS",
            "add `cert_file`, `key_file` and `client_auth_type: RequireAndVerifyClientCert`",
        );
    } else if tls.min_version.is_some()
        || tls.max_version.is_some()
        || !tls.cipher_suites.is_empty()
        || !tls.curve_preferences.is_empty()
    {
        report.warn(
            &tls.place,
            "without a certificate nothing is encrypted, and what is said here has no effect",
            "add `cert_file` and `key_file`",
        );
    }
}

/// Whether there is to be TLS, by the rule of the toolkit: when any of these is set.
fn is_wanted(tls: &Tls) -> bool {
    [
        &tls.cert,
        &tls.key,
        &tls.client_ca,
        &tls.cert_file,
        &tls.key_file,
        &tls.client_ca_file,
        &tls.client_auth_type,
    ]
    .iter()
    .any(|text| text.is_some())
}

/// Certificate and key, if they can be used and belong together.
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
            format!("the private key in {} is of a kind that cannot be used", key.name),
            "RSA, ECDSA (P-256, P-384, P-521) and Ed25519 can",
        );
        return None;
    };
    let pair = CertifiedKey::new(chain, signing);
    match pair.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Some(pair),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let message = format!(
                "the private key in {} does not belong to the certificate in {}",
                key.name, certificate.name
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
                format!("the certificate in {} cannot be used: {error}", certificate.name),
                "make a new one (X.509, version 3)",
            );
            None
        }
    }
}

fn versions(tls: &Tls, report: &mut Report) -> Vec<&'static SupportedProtocolVersion> {
    let mut number = |text: &Option<Text>, default: usize| match text {
        None => default,
        Some(text) => {
            VERSIONS.iter().position(|version| *version == text.value).unwrap_or_else(|| {
                report.error(
                    &text.span,
                    format!("{:?} is no version of TLS", text.value),
                    suggestion(&text.value, VERSIONS[2..].iter().copied()),
                );
                default
            })
        }
    };
    let (oldest, newest) = (number(&tls.min_version, 2), number(&tls.max_version, 3));
    let place =
        tls.max_version.as_ref().or(tls.min_version.as_ref()).map_or(&tls.place, |text| &text.span);
    if newest < 2 {
        report.error(
            place,
            "versions of TLS before 1.2 are not spoken here",
            "they are broken (RFC 8996); leave `max_version` out",
        );
    } else if oldest > newest {
        report.error(place, "`max_version` is older than `min_version`", "leave one of them out");
    } else if let Some(text) = tls.min_version.as_ref().filter(|_| oldest < 2) {
        report.warn(
            &text.span,
            "the oldest version that is spoken here is TLS 1.2",
            "older ones are broken (RFC 8996); write TLS12 or leave `min_version` out",
        );
    }
    [(2, &TLS12), (3, &TLS13)]
        .into_iter()
        .filter(|(version, _)| (oldest..=newest).contains(version))
        .map(|(_, version)| version)
        .collect()
}

/// The cryptography, narrowed to what is configured.
fn suites_and_curves(tls: &Tls, report: &mut Report) -> CryptoProvider {
    let mut crypto = CryptoProvider::clone(&crypto());
    if !tls.cipher_suites.is_empty() {
        let chosen = choose(&tls.cipher_suites, &SUITES, "cipher suite", report);
        crypto.cipher_suites.retain(|suite| {
            matches!(suite, SupportedCipherSuite::Tls13(_)) || chosen.contains(&suite.suite())
        });
    }
    if !tls.curve_preferences.is_empty() {
        crypto.kx_groups = choose(&tls.curve_preferences, &CURVES, "curve", report);
    }
    crypto
}

/// What the names stand for. Unknown names are refused; known ones that rustls has nothing for are
/// left out, unless nothing would stay.
fn choose<T: Copy>(
    names: &[Text],
    known: &[(&str, Option<T>)],
    what: &str,
    report: &mut Report,
) -> Vec<T> {
    let mut chosen = Vec::new();
    let mut absent = Vec::new();
    let mut unknown = false;
    for name in names {
        match known.iter().find(|(known, _)| *known == name.value) {
            Some((_, Some(thing))) => chosen.push(*thing),
            Some((_, None)) => absent.push(name),
            None => {
                unknown = true;
                report.error(
                    &name.span,
                    format!("{:?} is no {what} that is known here", name.value),
                    suggestion(&name.value, known.iter().map(|(known, _)| *known)),
                );
            }
        }
    }
    let usable: Vec<&str> =
        known.iter().filter(|(_, thing)| thing.is_some()).map(|(name, _)| *name).collect();
    for name in &absent {
        if chosen.is_empty() && !unknown {
            report.error(
                &name.span,
                format!("the {what} {} is not offered here, and no other is named", name.value),
                format!("add one of {}", usable.join(", ")),
            );
        } else {
            report.warn(
                &name.span,
                format!("the {what} {} is not offered here", name.value),
                "leave it out; the others are used",
            );
        }
    }
    chosen
}
