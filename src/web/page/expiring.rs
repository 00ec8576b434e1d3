//! What of a provider ends soon or has ended: secrets, credentials and certificates.

use jiff::Timestamp;
use maud::{Markup, html};

use super::format::{day, relative, stamp, unit};
use super::runway::Cell;
use crate::next_step::{Known, PastEnd};
use crate::outcome::Expiry;
use crate::provider::{Provider, Slot};
use crate::state::{Health, is_over};
use crate::time::{from_unix_seconds, unix_seconds};

/// How long before the end of a client certificate the page warns, in seconds. As in the alerts.
pub const SECRET_SOON: f64 = 30.0 * 86_400.0;

/// How long before the end of the endpoint's certificate the page warns, in seconds.
pub const CERTIFICATE_SOON: f64 = 7.0 * 86_400.0;

/// What ends, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiring {
    /// The client secret, at the configured date.
    Secret(Timestamp),
    /// The credential, as the provider or the credential itself says.
    Credential(Timestamp),
    /// The first one in the list of the provider that nothing has replaced.
    Listed(Timestamp),
    /// Our client certificate.
    ClientCertificate(Timestamp),
    /// A certificate of the endpoint.
    Certificate(Timestamp),
}

impl Expiring {
    /// When it ends.
    pub fn time(self) -> Timestamp {
        match self {
            Self::Secret(time)
            | Self::Credential(time)
            | Self::Listed(time)
            | Self::ClientCertificate(time)
            | Self::Certificate(time) => time,
        }
    }

    /// Whether it has ended.
    pub fn is_over(self, now: f64) -> bool {
        unix_seconds(self.time()) <= now
    }

    /// What of one provider ends soon or has ended, the earliest first.
    pub fn soon(provider: &Provider, health: &Health, now: f64) -> Vec<Self> {
        let near = |end: Timestamp, margin: f64| unix_seconds(end) - now < margin;
        let warning = provider.policy.warning.as_secs_f64();
        let credential = health.first_credential_end(provider);
        let credential = credential.filter(|(end, _)| near(*end, warning));
        let credential =
            credential.map(
                |(end, is_declared)| {
                    if is_declared { Self::Secret(end) } else { Self::Credential(end) }
                },
            );
        let listed = first_listed(provider, health, now);
        let listed = listed.filter(|end| near(*end, warning)).map(Self::Listed);
        let own = health.client_certificate_expiry(provider);
        let own = own.filter(|end| near(*end, SECRET_SOON)).map(Self::ClientCertificate);
        let certificate = health.certificate_expiry();
        let certificate =
            certificate.filter(|end| near(*end, CERTIFICATE_SOON)).map(Self::Certificate);
        let mut expiring: Vec<Self> =
            credential.into_iter().chain(listed).chain(own).chain(certificate).collect();
        expiring.sort_by_key(|expiring| expiring.time());
        expiring
    }

    /// What ends, as the beginning of a sentence.
    fn subject(self) -> &'static str {
        match self {
            Self::Secret(_) => "The client secret",
            Self::Credential(_) => "The credential",
            Self::Listed(_) => "A credential in its list",
            Self::ClientCertificate(_) => "Our client certificate",
            Self::Certificate(_) => "A certificate of the endpoint",
        }
    }

    /// The end in a cell of the list.
    pub fn cell(self, provider: &Provider, now: f64) -> Cell {
        let left = unix_seconds(self.time()) - now;
        let critical = provider.policy.critical.as_secs_f64();
        if left <= 0.0 {
            Cell::new(format!("ended {} ago", unit(-left)), "red", self.subject())
        } else {
            let tone = if left <= critical { "red" } else { "orange" };
            Cell::new(format!("ends {}", unit(left)), tone, self.subject())
        }
    }

    /// What ends and when, for a row of the list.
    pub fn note(self, now: f64) -> String {
        let left = unix_seconds(self.time()) - now;
        let length = unit(left.abs());
        let what = match self {
            Self::Secret(_) => "secret",
            Self::Credential(_) => "credential",
            Self::Listed(_) => "in its list: one",
            Self::ClientCertificate(_) => "client certificate",
            Self::Certificate(_) => "endpoint's certificate",
        };
        if left > 0.0 {
            format!("{what} ends in {length}")
        } else {
            format!("{what} ended {length} ago")
        }
    }

    /// The same as a sentence without markup, for a tooltip.
    pub fn plain(self, now: f64) -> String {
        let verb = if self.is_over(now) { "ended" } else { "ends" };
        format!("{} {verb} {}", self.subject(), stamp(self.time()))
    }

    /// A sentence about the end, without its full stop.
    pub fn sentence(self, now: f64) -> Markup {
        let left = unix_seconds(self.time()) - now;
        let verb = if left > 0.0 { " ends " } else { " ended " };
        html! { (self.subject()) (verb) (day(self.time())) ", " (relative(left)) }
    }
}

/// What is known beside the failure of a provider.
pub fn known(provider: &Provider, health: &Health, now: f64) -> Known {
    let end = health.first_credential_end(provider);
    // The configured date is about the current credential.
    let end = end.filter(|(at, is_declared)| {
        unix_seconds(*at) <= now && !(*is_declared && provider.slot == Slot::Next)
    });
    let ended = end.map(|(at, is_declared)| PastEnd { at, is_declared });
    Known { status: health.status(), ended }
}

/// The first end in the list of a provider. One that has ended counts only if no other credential
/// of its name goes on, as in the alerts.
fn first_listed(provider: &Provider, health: &Health, now: f64) -> Option<Timestamp> {
    let listed = health.listed(provider)?;
    let now = from_unix_seconds(now)?;
    let ends = || {
        listed.ends(provider).filter_map(|(row, expiry)| match expiry {
            Expiry::At(end) => Some((row, end, is_over(expiry, now))),
            Expiry::Never | Expiry::Unknown => None,
        })
    };
    let live = ends().any(|(_, _, is_over)| is_over).then(|| listed.live(provider, now));
    let is_replaced = |title: &str| live.as_ref().is_some_and(|live| live.contains(title));
    ends().filter(|(row, _, over)| !over || !is_replaced(&row.title)).map(|(_, end, _)| end).min()
}
