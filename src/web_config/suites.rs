//! TLS versions, cipher suites and curves.
//!
//! The names are those of Go. If rustls lacks a suite or curve, it is left out with a warning, or
//! refused when no other one is left. A setting that weakens TLS is refused.

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs::kx_group};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, SupportedCipherSuite, SupportedProtocolVersion};

use super::definition::{Text, Tls};
use super::report::Report;
use crate::diagnostic::{Sentence, Shown, suggestion};
use crate::tls::crypto;

/// Go's names of the configurable suites (`tls.CipherSuites`) with the suites of rustls. Those of
/// TLS 1.3 are always in use, as in Go.
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

/// Go's names of the key exchange groups with the groups of rustls.
const CURVES: [(&str, Option<&dyn SupportedKxGroup>); 4] = [
    ("CurveP256", Some(kx_group::SECP256R1)),
    ("CurveP384", Some(kx_group::SECP384R1)),
    ("CurveP521", None),
    ("X25519", Some(kx_group::X25519)),
];

/// The versions in the format, oldest first.
const VERSIONS: [&str; 4] = ["TLS10", "TLS11", "TLS12", "TLS13"];

/// The allowed versions, oldest first.
pub fn versions(tls: &Tls, report: &mut Report) -> Vec<&'static SupportedProtocolVersion> {
    for text in tls.min_version.iter().chain(&tls.max_version) {
        report.reveal_near(text, VERSIONS);
    }
    let mut number = |text: &Option<Text>, default: usize| match text {
        None => default,
        Some(text) => {
            VERSIONS.iter().position(|version| *version == text.value).unwrap_or_else(|| {
                report.error(
                    &text.span,
                    "this is not a version of TLS",
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
            "credwatch does not support TLS before 1.2",
            "they are insecure (RFC 8996); remove `max_version`",
        );
    } else if oldest > newest {
        report.error(place, "`max_version` is older than `min_version`", "remove one of them");
    } else if let Some(text) = tls.min_version.as_ref().filter(|_| oldest < 2) {
        report.warn(
            &text.span,
            "credwatch does not support TLS before 1.2",
            "older versions are insecure (RFC 8996); write TLS12 or remove `min_version`",
        );
    }
    [(2, &TLS12), (3, &TLS13)]
        .into_iter()
        .filter(|(version, _)| (oldest..=newest).contains(version))
        .map(|(_, version)| version)
        .collect()
}

/// The cryptography with only the configured suites and curves.
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

/// The suites or curves of these names. An unknown name is a fault. A name that rustls lacks is
/// left out, but is a fault when no other is left.
fn choose<T: Copy>(
    names: &[Text],
    known: &[(&str, Option<T>)],
    what: &'static str,
    report: &mut Report,
) -> Vec<T> {
    let mut chosen = Vec::new();
    let mut absent = Vec::new();
    let mut unknown = false;
    for name in names {
        report.reveal_near(name, known.iter().map(|(known, _)| *known));
        match known.iter().find(|(known, _)| *known == name.value) {
            Some((_, Some(thing))) => chosen.push(*thing),
            Some((_, None)) => absent.push(name),
            None => {
                unknown = true;
                report.error(
                    &name.span,
                    Sentence::fill("this is no {} that is known here", [what.into()]),
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
                Sentence::fill(
                    "the {} {} is not offered here, and no other is named",
                    [what.into(), Shown::outside_of_files(&name.value)],
                ),
                Sentence::fill("add one of {}", [Shown::outside_of_files(usable.join(", "))]),
            );
        } else {
            report.warn(
                &name.span,
                Sentence::fill(
                    "the {} {} is not offered here",
                    [what.into(), Shown::outside_of_files(&name.value)],
                ),
                "leave it out; the others are used",
            );
        }
    }
    chosen
}
