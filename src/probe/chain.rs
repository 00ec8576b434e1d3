//! Judges the certificates of an endpoint, and says in a sentence why they are refused.

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::public_key::PublicKey;

use crate::outcome::TlsProblem;
use crate::printable::is_deceptive;

/// The most characters of a name in a certificate that a sentence shows.
const LONGEST_NAME: usize = 48;

/// The most names of a certificate that a sentence shows.
const MOST_NAMES: usize = 3;

/// The shortest RSA key that is accepted, in bits.
const SHORTEST_RSA: usize = 2048;

/// Why the certificates are refused.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The sentence for a person.
    pub message: String,
    /// The same in a word; `None` when no word fits.
    pub problem: Option<TlsProblem>,
    /// The time of this host, in seconds since 1970, if it is too early for a certificate.
    pub early: Option<u64>,
}

impl Refused {
    /// For a cause that is not the time.
    pub fn new(problem: TlsProblem, message: String) -> Self {
        Self { message, problem: Some(problem), early: None }
    }
}

/// What an endpoint is trusted by.
pub struct Trust {
    /// The authorities of the host, and the certificates of `tls.ca_file`.
    pub roots: Arc<RootCertStore>,
    /// The certificates of `tls.ca_file`. The endpoint may show one of them as its own.
    pub own: Vec<CertificateDer<'static>>,
}

/// What an endpoint shows.
pub struct Presented<'a> {
    /// Its own certificate.
    pub leaf: &'a CertificateDer<'a>,
    /// The other certificates, in the order in which they were sent.
    pub others: &'a [CertificateDer<'a>],
    /// The name that was asked for.
    pub name: &'a ServerName<'a>,
}

impl Trust {
    /// The earliest end of the certificates on the path to an authority, without the authority.
    ///
    /// # Errors
    /// The sentence for a person.
    pub fn judge(
        &self,
        presented: &Presented<'_>,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
        now: UnixTime,
    ) -> Result<Option<Timestamp>, Refused> {
        self.verified(presented, algorithms, now).map_err(|error| Refused {
            message: presented.sentence(&error, &self.roots),
            problem: in_a_word(&error),
            early: match error {
                webpki::Error::CertNotValidYet { time, .. } => Some(time.as_secs()),
                _ => None,
            },
        })
    }

    fn verified(
        &self,
        presented: &Presented<'_>,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
        now: UnixTime,
    ) -> Result<Option<Timestamp>, webpki::Error> {
        let leaf = EndEntityCert::try_from(presented.leaf)?;
        let mut end = not_after(presented.leaf);
        if self.own.contains(presented.leaf) {
            in_time(presented.leaf, now)?;
        } else {
            let path = leaf.verify_for_usage(
                algorithms,
                &self.roots.roots,
                presented.others,
                now,
                KeyUsage::server_auth(),
                None,
                None,
            )?;
            let ends = path.intermediate_certificates().map(|other| not_after(&other.der()));
            end = ends.chain([end]).flatten().min();
        }
        leaf.verify_is_valid_for_subject_name(presented.name)?;
        Ok(end)
    }
}

/// What is wrong with the certificates, in a word.
fn in_a_word(error: &webpki::Error) -> Option<TlsProblem> {
    use webpki::Error as E;
    Some(match error {
        E::CertExpired { .. } => TlsProblem::Expired,
        E::CertNotValidYet { .. } => TlsProblem::NotYetValid,
        E::CertNotValidForName(_) => TlsProblem::WrongName,
        // `tls.ca_file` can name such a certificate too.
        E::UnknownIssuer | E::CaUsedAsEndEntity => TlsProblem::UnknownIssuer,
        // Another authority with the same name, or a signature that is too weak.
        E::InvalidSignatureForPublicKey => return None,
        _ => TlsProblem::Certificate,
    })
}

/// When a certificate expires.
pub fn not_after(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    Timestamp::from_second(parse(certificate)?.validity().not_after.timestamp()).ok()
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Its first moment.
    pub from: Timestamp,
    /// Its last moment.
    pub until: Timestamp,
}

impl Validity {
    /// That of this certificate.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = parse(certificate)?;
        let (from, until) = (parsed.validity().not_before, parsed.validity().not_after);
        // The end 9999-12-31 23:59:59 means no end (RFC 5280, section 4.1.2.5).
        let until = Timestamp::from_second(until.timestamp()).unwrap_or(Timestamp::MAX);
        Some(Self { from: Timestamp::from_second(from.timestamp()).ok()?, until })
    }

    /// Why our client certificate is not valid at this time.
    #[must_use]
    pub fn problem(self, now: Timestamp) -> Option<String> {
        let day = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M:%S UTC");
        if now > self.until {
            Some(format!("our client certificate expired on {}", day(self.until)))
        } else if now < self.from {
            Some(format!("our client certificate is not valid before {}", day(self.from)))
        } else {
            None
        }
    }
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    x509_parser::parse_x509_certificate(certificate).ok().map(|(_, parsed)| parsed)
}

/// Checks the time of a certificate that is trusted itself.
fn in_time(certificate: &CertificateDer<'_>, time: UnixTime) -> Result<(), webpki::Error> {
    let validity = parse(certificate).ok_or(webpki::Error::BadDer)?.validity().clone();
    let seconds = |time: i64| {
        UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(time).unwrap_or_default()))
    };
    let not_before = seconds(validity.not_before.timestamp());
    let not_after = seconds(validity.not_after.timestamp());
    if time < not_before {
        return Err(webpki::Error::CertNotValidYet { time, not_before });
    }
    if time > not_after {
        return Err(webpki::Error::CertExpired { time, not_after });
    }
    Ok(())
}

impl Presented<'_> {
    /// Why a chain is refused, with what the endpoint shows.
    fn sentence(&self, error: &webpki::Error, roots: &RootCertStore) -> String {
        let Some(leaf) = parse(self.leaf) else {
            return "the endpoint shows a certificate that cannot be read".to_owned();
        };
        format!("{} ({})", self.problem(error, &leaf, roots), shown(&leaf))
    }

    fn problem(
        &self,
        error: &webpki::Error,
        leaf: &X509Certificate<'_>,
        roots: &RootCertStore,
    ) -> String {
        use webpki::Error as E;
        match error {
            E::CertExpired { not_after, .. } => {
                let own = leaf.validity().not_after.timestamp();
                let whose = if u64::try_from(own) == Ok(not_after.as_secs()) {
                    "the certificate"
                } else {
                    "an intermediate certificate"
                };
                format!("{whose} expired on {}", day(*not_after))
            }
            E::CertNotValidYet { time, not_before } => format!(
                "the certificate is not valid before {}, and the clock of this host says {}",
                day(*not_before),
                day(*time)
            ),
            E::CertNotValidForName(_) if names(leaf).is_empty() => {
                "the certificate is for no host: it has no subject alternative name, and the \
                 common name does not count (RFC 9525)"
                    .to_owned()
            }
            E::CertNotValidForName(_) => {
                format!("the certificate is for another name than {}", self.name.to_str())
            }
            E::CaUsedAsEndEntity => "the endpoint shows the certificate of an authority (CA:TRUE) \
                                     as its own; to trust it, put this very certificate into \
                                     `tls.ca_file`"
                .to_owned(),
            E::UnsupportedCertVersion => "the certificate has the old version 1 of X.509, which \
                                          has no host names; version 3 is needed"
                .to_owned(),
            E::RequiredEkuNotFoundContext(_) => {
                "the certificate is not for servers (extended key usage)".to_owned()
            }
            E::EndEntityUsedAsCa => {
                "a certificate of the chain is signed by one that is no authority".to_owned()
            }
            E::NameConstraintViolation => {
                "an authority of the chain may not certify this name (name constraints)".to_owned()
            }
            E::UnsupportedCriticalExtension => {
                "the certificate has a critical extension that is not supported".to_owned()
            }
            E::UnknownIssuer => self.unknown_issuer(leaf, roots),
            _ => self.weakness(leaf).unwrap_or_else(|| match error {
                E::InvalidSignatureForPublicKey => self.unknown_issuer(leaf, roots),
                E::BadDer | E::BadDerTime | E::MalformedExtensions => {
                    "the certificate cannot be read".to_owned()
                }
                other => format!("the certificates are not accepted: {other:?}"),
            }),
        }
    }

    /// Where the path to an authority breaks off.
    fn unknown_issuer(&self, leaf: &X509Certificate<'_>, roots: &RootCertStore) -> String {
        let sent: Vec<_> = self.others.iter().filter_map(parse).collect();
        let is_self_signed =
            |one: &X509Certificate<'_>| one.subject().as_raw() == one.issuer().as_raw();
        let mut top = leaf;
        for _ in 0..=sent.len() {
            let Some(next) = sent
                .iter()
                .find(|next| next.subject().as_raw() == top.issuer().as_raw())
                .filter(|_| !is_self_signed(top))
            else {
                break;
            };
            top = next;
        }
        let issuer = short(top.issuer());
        // The names of authorities have no header of their own.
        if roots.roots.iter().any(|root| {
            let own = top.issuer().as_raw();
            own.ends_with(&root.subject) && own.len() - root.subject.len() <= 4
        }) {
            return format!(
                "the trusted authority {issuer} has another key than the one that signed the chain"
            );
        }
        match (is_self_signed(top), std::ptr::eq(top, leaf)) {
            (true, true) => {
                "the certificate is self-signed, and this host does not trust it".to_owned()
            }
            (true, false) => {
                format!("the chain ends at the authority {issuer}, which this host does not trust")
            }
            (false, false) => {
                format!("the chain leads to the authority {issuer}, which this host does not trust")
            }
            (false, true) => format!(
                "the endpoint does not send the certificate of the issuer {issuer}, and this host \
                 does not trust it: an intermediate certificate is missing, or `tls.ca_file`"
            ),
        }
    }

    /// An outdated signature or a short key anywhere in the chain.
    fn weakness(&self, leaf: &X509Certificate<'_>) -> Option<String> {
        let sent: Vec<_> = self.others.iter().filter_map(parse).collect();
        std::iter::once(leaf).chain(&sent).find_map(|one| {
            let subject = short(one.subject());
            match one.signature_algorithm.algorithm.to_id_string().as_str() {
                "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" | "1.2.840.10045.4.1" => {
                    Some(format!("the certificate {subject} is signed with SHA-1, which is unsafe"))
                }
                "1.2.840.113549.1.1.4" => {
                    Some(format!("the certificate {subject} is signed with MD5, which is unsafe"))
                }
                _ => short_key(one).map(|problem| format!("the certificate {subject} {problem}")),
            }
        })
    }
}

/// Why the signature of the handshake is refused, if the key of the certificate is the cause.
pub fn weak_key(certificate: &CertificateDer<'_>) -> Option<Refused> {
    let leaf = parse(certificate)?;
    let problem = short_key(&leaf)?;
    let message = format!("the certificate {problem} ({})", shown(&leaf));
    Some(Refused::new(TlsProblem::Certificate, message))
}

fn short_key(certificate: &X509Certificate<'_>) -> Option<String> {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) if key.key_size() < SHORTEST_RSA => Some(format!(
            "has an RSA key of {} bits, and at least {SHORTEST_RSA} are needed",
            key.key_size()
        )),
        _ => None,
    }
}

/// Subject, issuer and names of a certificate. The endpoint chose all of it.
fn shown(leaf: &X509Certificate<'_>) -> String {
    let names = names(leaf);
    let mut list = names.iter().take(MOST_NAMES).map(short).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => list.push_str("none"),
        all if all > MOST_NAMES => list.push_str(&format!(" and {} more", all - MOST_NAMES)),
        _ => {}
    }
    format!("subject {}; issuer {}; names: {list}", short(leaf.subject()), short(leaf.issuer()))
}

/// The hosts that a certificate is for.
fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let extension = leaf.subject_alternative_name().ok().flatten();
    let names = extension.iter().flat_map(|extension| &extension.value.general_names);
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => {
                let address = match <[u8; 4]>::try_from(*bytes) {
                    Ok(four) => IpAddr::from(four),
                    Err(_) => IpAddr::from(<[u8; 16]>::try_from(*bytes).ok()?),
                };
                Some(address.to_string())
            }
            _ => None,
        })
        .collect()
}

/// A text of a certificate, without deceptive characters and not too long.
fn short(text: impl Display) -> String {
    let text = text.to_string();
    let mut clean: String =
        text.chars().filter(|c| !is_deceptive(*c)).take(LONGEST_NAME + 1).collect();
    if clean.chars().count() > LONGEST_NAME {
        clean.pop();
        clean.push('…');
    }
    if clean.is_empty() { "(empty)".to_owned() } else { clean }
}

/// A time in whole seconds, in UTC.
fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(
        |_| "a far day".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}
