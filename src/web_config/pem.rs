//! Certificates and keys, inline or in files.

use std::ops::Range;
use std::path::Path;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::zeroize::Zeroizing;

use super::definition::Text;
use super::report::Report;
use crate::diagnostic::{Sentence, Shown};
use crate::files;
use crate::tls::{self, PemError};

/// A text in PEM form, with its origin for messages.
pub struct Pem {
    /// The PEM text.
    bytes: Zeroizing<Vec<u8>>,
    /// The file, or the key of the configuration.
    pub name: Shown,
    /// Where the configuration names it.
    pub place: Range<usize>,
}

impl Pem {
    /// Reads the file or takes the inline text. The file takes precedence, as in the
    /// exporter-toolkit.
    pub fn read(
        file: Option<(&Text, &Path)>,
        inline: Option<&Text>,
        report: &mut Report,
    ) -> Option<Self> {
        let Some((text, path)) = file else {
            let text = inline?;
            return Some(Self {
                bytes: Zeroizing::new(text.value.clone().into_bytes()),
                name: "the inline text".into(),
                place: text.span.clone(),
            });
        };
        if let Some(inline) = inline {
            report.warn(
                &inline.span,
                "the file takes precedence, so this has no effect",
                "keep one of them",
            );
        }
        match files::read(path, files::PEM) {
            Ok(bytes) => {
                Some(Self { bytes, name: Shown::path(path, &text.value), place: text.span.clone() })
            }
            Err(error) => {
                report.error(
                    &text.span,
                    Sentence::fill(
                        "cannot read {}: {}",
                        [Shown::path(path, &text.value), Shown::outside_of_files(error)],
                    ),
                    "paths are relative to this file; the user of the daemon must be able to \
                     read it",
                );
                None
            }
        }
    }

    /// At least one certificate; `None` when there is a fault.
    pub fn certificates(&self, report: &mut Report) -> Option<Vec<CertificateDer<'static>>> {
        let found = tls::certificates(&self.bytes);
        found.map_err(|error| self.refuse(error, report)).ok()
    }

    /// The private key; `None` when there is a fault.
    pub fn key(&self, report: &mut Report) -> Option<PrivateKeyDer<'static>> {
        let found = tls::private_key(&self.bytes);
        found.map_err(|error| self.refuse(error, report)).ok()
    }

    fn refuse(&self, error: PemError, report: &mut Report) {
        let hint = match error {
            PemError::NoCertificate | PemError::KeyOnly => "give a certificate, or a chain of them",
            PemError::NoKey | PemError::CertificateOnly | PemError::PublicKeyOnly => {
                "give the private key of the certificate, without a password"
            }
            PemError::ProtectedKey => "remove the password: openssl pkey -in OLD -out NEW",
            PemError::Binary => "convert it with openssl x509 or openssl pkey, and -inform DER",
            PemError::Broken => "copy the file again, with its BEGIN and END lines",
            PemError::Trusted | PemError::OpenSsh | PemError::Utf16 => {
                "convert it to a plain PEM file, with the line -----BEGIN CERTIFICATE----- or \
                 -----BEGIN PRIVATE KEY-----"
            }
        };
        report.error(
            &self.place,
            Sentence::fill("{}: {}", [self.name.clone(), Shown::outside_of_files(error)]),
            hint,
        );
    }
}
