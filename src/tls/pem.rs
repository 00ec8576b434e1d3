//! Certificates and private keys in PEM form (RFC 7468).

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::zeroize::Zeroizing;

use crate::printable::is_deceptive;

/// Why a PEM text cannot be used. The message does not name the file; the caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// No certificate is in it.
    #[error("there is no certificate in it (PEM: -----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// A private key is in it, and no certificate.
    #[error("there is a private key in it, but no certificate")]
    KeyOnly,
    /// A certificate with settings of OpenSSL, which can forbid its use.
    #[error(
        "there is a TRUSTED CERTIFICATE in it, which only OpenSSL can read (to convert one: \
         openssl x509 -in OLD -out NEW)"
    )]
    Trusted,
    /// No private key is in it.
    #[error("there is no private key in it (PEM: -----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// A certificate is in it, and no private key.
    #[error("it is a certificate; there is no private key in it")]
    CertificateOnly,
    /// A public key is in it, and no private key.
    #[error("it is a public key; there is no private key in it")]
    PublicKeyOnly,
    /// The private key can be read with a password only.
    #[error("the private key in it is encrypted, and the daemon has no password for it")]
    ProtectedKey,
    /// The private key is in the form of OpenSSH.
    #[error(
        "the private key in it has the form of OpenSSH (to convert it: ssh-keygen -p -m PKCS8 -f \
         FILE)"
    )]
    OpenSsh,
    /// DER or PKCS#12.
    #[error("it is binary (DER or PKCS#12), not PEM text")]
    Binary,
    /// Text of Windows programs.
    #[error("it is UTF-16 text; save it as UTF-8")]
    Utf16,
    /// The text is broken: a line that is not Base64, or an end that is missing.
    #[error("it is not in PEM form: a line, or a BEGIN or END line, is broken")]
    Broken,
}

/// All certificates of a PEM text, at least one.
///
/// # Errors
/// See [`PemError`]. No certificate is left out.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let (mut found, mut has_key) = (Vec::new(), false);
    for section in sections(pem)? {
        match section.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => {
                let text = section.text("CERTIFICATE");
                let read = CertificateDer::from_pem_slice(text.as_bytes());
                found.push(read.map_err(|_| PemError::Broken)?);
            }
            "TRUSTED CERTIFICATE" => return Err(PemError::Trusted),
            label => has_key |= label.ends_with("PRIVATE KEY"),
        }
    }
    match (found.is_empty(), has_key) {
        (false, _) => Ok(found),
        (true, true) => Err(PemError::KeyOnly),
        (true, false) => Err(PemError::NoCertificate),
    }
}

/// The first private key of a PEM text.
///
/// # Errors
/// See [`PemError`].
pub fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    let mut problem = PemError::NoKey;
    for section in sections(pem)? {
        match section.label.as_str() {
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" if !section.is_encrypted() => {
                let text = section.text(&section.label);
                return PrivateKeyDer::from_pem_slice(text.as_bytes())
                    .map_err(|_| PemError::Broken);
            }
            "OPENSSH PRIVATE KEY" => problem = PemError::OpenSsh,
            label if label.ends_with("PRIVATE KEY") && section.is_encrypted() => {
                problem = PemError::ProtectedKey;
            }
            label if problem == PemError::NoKey && label.ends_with("CERTIFICATE") => {
                problem = PemError::CertificateOnly;
            }
            label if problem == PemError::NoKey && label.ends_with("PUBLIC KEY") => {
                problem = PemError::PublicKeyOnly;
            }
            _ => {}
        }
    }
    Err(problem)
}

/// One section between a BEGIN and an END line.
struct Section {
    label: String,
    /// The lines between, without white space and invisible characters around each.
    body: Zeroizing<String>,
}

impl Section {
    /// The section in strict form, with another label.
    fn text(&self, label: &str) -> Zeroizing<String> {
        let body = &*self.body;
        Zeroizing::new(format!("-----BEGIN {label}-----\n{body}-----END {label}-----\n"))
    }

    /// The older form has a header: `Proc-Type: 4,ENCRYPTED` (RFC 1421, section 4.6.1.1).
    fn is_encrypted(&self) -> bool {
        self.label == "ENCRYPTED PRIVATE KEY" || self.body.starts_with("Proc-Type: 4,ENCRYPTED")
    }
}

/// All sections. Text between them is skipped. A missing line break between two sections, and
/// invisible characters such as a byte order mark, do no harm.
fn sections(pem: &[u8]) -> Result<Vec<Section>, PemError> {
    match pem {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(PemError::Utf16),
        // A SEQUENCE of DER with a long length.
        [0x30, 0x80..=0xff, ..] => return Err(PemError::Binary),
        _ => {}
    }
    let text = Zeroizing::new(String::from_utf8_lossy(pem).into_owned());
    let mut found = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
        let (label, begun) = begun.split_once("-----").ok_or(PemError::Broken)?;
        let (lines, after) =
            begun.split_once(&*format!("-----END {label}-----")).ok_or(PemError::Broken)?;
        let mut body = Zeroizing::new(String::with_capacity(lines.len() + 1));
        let is_blank = |c: char| c.is_whitespace() || is_deceptive(c);
        for line in lines.lines().map(|line| line.trim_matches(is_blank)) {
            if !line.is_empty() {
                body.push_str(line);
                body.push('\n');
            }
        }
        if body.contains("-----") {
            return Err(PemError::Broken);
        }
        found.push(Section { label: label.to_owned(), body });
        rest = after;
    }
    // A BEGIN line with too few dashes was skipped.
    if text.matches("-BEGIN ").count() != found.len() {
        return Err(PemError::Broken);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf ABC | base64`, twice.
    const TWO: [&str; 2] = ["QUJD", "QUJE"];

    fn certificate(body: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----")
    }

    #[test]
    fn no_certificate_of_a_bundle_is_left_out() {
        let [first, second] = TWO.map(certificate);
        for bundle in [
            format!("{first}\n{second}\n"),
            format!("{first}{second}"),
            format!("\u{feff}{first}\r\n\u{feff}{second}"),
            format!("# a comment in Latin-1 \u{e9}\n  {first}\n{second}"),
            format!("{first}\n{}", second.replace('\n', "\r\n\u{200b} ")),
            format!("{first}\n{}", second.replace("CERTIFICATE", "X509 CERTIFICATE")),
        ] {
            let read = certificates(bundle.as_bytes()).expect(&bundle);
            let read: Vec<&[u8]> = read.iter().map(AsRef::as_ref).collect();
            assert_eq!(read, [b"ABC", b"ABD"], "{bundle}");
        }
        for (bundle, problem) in [
            (
                format!("{first}\n{}", second.replace("CERTIFICATE", "TRUSTED CERTIFICATE")),
                PemError::Trusted,
            ),
            (format!("{first}\n{}", second.replacen("-----BEGIN", "----BEGIN", 1)), {
                PemError::Broken
            }),
            (format!("{first}\n{}", second.replace("-----END", "----END")), PemError::Broken),
            (format!("{}\n{second}", first.replace("-----END CERTIFICATE-----", "")), {
                PemError::Broken
            }),
            (certificate("QU JD*"), PemError::Broken),
            (certificate("QUJD").replace("CERTIFICATE", "PRIVATE KEY"), PemError::KeyOnly),
            ("no PEM".to_owned(), PemError::NoCertificate),
        ] {
            assert_eq!(certificates(bundle.as_bytes()), Err(problem), "{bundle}");
        }
        assert_eq!(certificates(&[0x30, 0x82, 3, 4]), Err(PemError::Binary));
        assert_eq!(certificates(&[0xff, 0xfe, b'-', 0]), Err(PemError::Utf16));
    }

    #[test]
    fn what_is_no_usable_key_is_named() {
        let section = |label: &str, body: &str| {
            format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
        };
        let header = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nQUJD";
        for (text, problem) in [
            (section("ENCRYPTED PRIVATE KEY", "QUJD"), PemError::ProtectedKey),
            (section("RSA PRIVATE KEY", header), PemError::ProtectedKey),
            (section("OPENSSH PRIVATE KEY", "QUJD"), PemError::OpenSsh),
            (section("CERTIFICATE", "QUJD"), PemError::CertificateOnly),
            (section("PUBLIC KEY", "QUJD"), PemError::PublicKeyOnly),
            (section("PRIVATE KEY", "QU*D"), PemError::Broken),
            ("a-password".to_owned(), PemError::NoKey),
        ] {
            assert_eq!(private_key(text.as_bytes()).err(), Some(problem), "{text}");
        }
        let both = section("CERTIFICATE", "QUJD") + &section("EC PRIVATE KEY", "QUJD");
        assert!(matches!(private_key(both.as_bytes()), Ok(PrivateKeyDer::Sec1(_))));
    }
}
