//! Versions, cipher suites and curves of TLS.
//!
//! The format takes its names from Go. A name that Go knows and rustls does not is left out with a
//! warning as long as another one stays. A setting that would silently weaken TLS is refused.

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs::kx_group};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, SupportedCipherSuite, SupportedProtocolVersion};

use super::definition::{Text, Tls};
use super::report::Report;
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

/// The versions of TLS that are spoken, oldest first.
pub fn versions(tls: &Tls, report: &mut Report) -> Vec<&'static SupportedProtocolVersion> {
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
pub fn suites_and_curves(tls: &Tls, report: &mut Report) -> CryptoProvider {
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
