//! Filters the providers and sorts the most urgent first. For each provider only a few numbers are
//! copied under its lock; a page reads all data only for its own rows.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::selection::{Facet, Selection};
use crate::outcome::Expiry;
use crate::provider::Provider;
use crate::state::health::Token;
use crate::state::{Entry, Health, Roster, State};
use crate::time::unix_seconds;

/// The number of providers on a page.
pub const ROWS: usize = 100;

/// How long before the expiry of a client secret the page warns, in seconds. As in the alerts.
pub const SECRET_SOON: f64 = 30.0 * 86_400.0;

/// How long before the expiry of the endpoint's certificate the page warns, in seconds.
pub const CERTIFICATE_SOON: f64 = 7.0 * 86_400.0;

/// How long existing tokens stay valid. This is the time until consumers fail, when the provider
/// issues no new tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Runway {
    /// credwatch has got no good token.
    None,
    /// The last good token expired this many seconds ago.
    Ended(f64),
    /// The last good token expires in this many seconds.
    Left(f64),
    /// The answers do not say when tokens expire.
    Unknown,
    /// Tokens never expire.
    Endless,
}

impl Runway {
    /// The runway of the last good token; `now` is in seconds since the Unix epoch.
    pub fn of(token: Option<&Token>, now: f64) -> Self {
        match token.map(|token| token.expiry) {
            None => Self::None,
            Some(Expiry::Unknown) => Self::Unknown,
            Some(Expiry::Never) => Self::Endless,
            Some(Expiry::At(end)) => {
                let left = unix_seconds(end) - now;
                if left > 0.0 { Self::Left(left) } else { Self::Ended(-left) }
            }
        }
    }

    /// A number to sort by, in seconds: 0 when there is no valid token.
    pub fn seconds(self) -> f64 {
        match self {
            Self::None | Self::Ended(_) => 0.0,
            Self::Left(seconds) => seconds,
            Self::Unknown => f64::MAX,
            Self::Endless => f64::INFINITY,
        }
    }
}

/// What expires, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiring {
    /// The client secret, at the configured date.
    Secret(Timestamp),
    /// The credential, as the provider or the credential itself says.
    Credential(Timestamp),
    /// Our client certificate.
    ClientCertificate(Timestamp),
    /// A certificate of the endpoint.
    Certificate(Timestamp),
}

impl Expiring {
    fn time(self) -> Timestamp {
        match self {
            Self::Secret(time)
            | Self::Credential(time)
            | Self::ClientCertificate(time)
            | Self::Certificate(time) => time,
        }
    }

    /// What of one provider expires soon or has expired, the earliest first.
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
        let own = health.client_certificate_expiry(provider);
        let own = own.filter(|end| near(*end, SECRET_SOON)).map(Self::ClientCertificate);
        let certificate = health.certificate_expiry();
        let certificate =
            certificate.filter(|end| near(*end, CERTIFICATE_SOON)).map(Self::Certificate);
        let mut expiring: Vec<Self> =
            credential.into_iter().chain(own).chain(certificate).collect();
        expiring.sort_by_key(|expiring| expiring.time());
        expiring
    }
}

/// The groups of the list, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Broken,
    Failing,
    NextBroken,
    Ending,
    Unknown,
    Healthy,
    Paused,
}

/// A provider with what decides its place in the list.
pub struct Ranked<'a> {
    pub entry: &'a Arc<Entry>,
    rank: Rank,
    /// Decides within the rank: a smaller number is more urgent.
    urgency: f64,
}

impl Ranked<'_> {
    fn order(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank).then(self.urgency.total_cmp(&other.urgency))
    }
}

/// The number of providers in each group. A provider can be in several groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub all: usize,
    facets: [usize; Facet::ALL.len()],
}

impl Counts {
    /// The number of providers in one group.
    pub fn of(&self, facet: Facet) -> usize {
        Facet::ALL.iter().position(|other| *other == facet).map_or(0, |place| self.facets[place])
    }

    fn add(&mut self, belongs: impl Fn(Facet) -> bool) {
        self.all += 1;
        for (count, facet) in self.facets.iter_mut().zip(Facet::ALL) {
            *count += usize::from(belongs(facet));
        }
    }
}

/// The result of a selection.
pub struct Found<'a> {
    /// Counts of all providers.
    pub total: Counts,
    /// Counts of the providers that match words and labels, in any group.
    pub matching: Counts,
    /// The most urgent of all providers; `None` when no provider fails.
    pub worst: Option<&'a Arc<Entry>>,
    /// The providers on this page.
    pub rows: Vec<Ranked<'a>>,
    /// The number of this page, from 1.
    pub page: usize,
    /// The number of pages.
    pub pages: usize,
    /// The number of providers on all pages.
    pub selected: usize,
}

/// Applies a selection: filters, counts and sorts the providers.
pub fn find<'a>(roster: &'a Roster, selection: &Selection, now: Timestamp) -> Found<'a> {
    let (wall, now) = (now, unix_seconds(now));
    let next_broken: HashSet<&str> = roster
        .next()
        .iter()
        .filter(|entry| entry.health().state() == State::Broken)
        .map(|entry| entry.provider.name.as_str())
        .collect();
    let filter = selection.filter();
    let (mut total, mut matching) = (Counts::default(), Counts::default());
    let mut worst: Option<Ranked> = None;
    let mut rows: Vec<Ranked> = Vec::new();
    // The order of the names stays among equals, and comparing them again would take long.
    for entry in roster.in_order_of_names() {
        let next_is_broken = next_broken.contains(entry.provider.name.as_str());
        let is_paused = entry.provider.pause(wall).is_some();
        let (state, ranked, ending, matches) = {
            let health = entry.health();
            let expiring = Expiring::soon(&entry.provider, &health, now);
            let (rank, urgency) = match health.state() {
                _ if is_paused => (Rank::Paused, 0.0),
                State::Broken => (Rank::Broken, Runway::of(health.token(), now).seconds()),
                State::Failing => (Rank::Failing, Runway::of(health.token(), now).seconds()),
                _ if next_is_broken => (Rank::NextBroken, 0.0),
                state => match expiring.first() {
                    Some(first) => (Rank::Ending, unix_seconds(first.time())),
                    None if state == State::Unknown => (Rank::Unknown, 0.0),
                    None => (Rank::Healthy, 0.0),
                },
            };
            let failure = health.failure();
            (
                health.state(),
                Ranked { entry, rank, urgency },
                !expiring.is_empty(),
                filter.matches(&entry.provider, failure),
            )
        };
        let belongs = |facet: Facet| match facet {
            Facet::Paused => is_paused,
            _ if is_paused => false,
            Facet::In(chosen) => chosen == state,
            Facet::NextBroken => next_is_broken,
            Facet::Ending => ending,
        };
        total.add(belongs);
        if ranked.rank <= Rank::Failing
            && worst.as_ref().is_none_or(|worst| ranked.order(worst).is_lt())
        {
            worst = Some(Ranked { ..ranked });
        }
        if matches {
            matching.add(belongs);
            if selection.facet.is_none_or(belongs) {
                rows.push(ranked);
            }
        }
    }
    rows.sort_by(Ranked::order);
    let selected = rows.len();
    let pages = selected.div_ceil(ROWS).max(1);
    // The list may have become shorter since the browser loaded its last page.
    let page = selection.page.clamp(1, pages);
    let rows = rows.into_iter().skip((page - 1) * ROWS).take(ROWS).collect();
    Found { total, matching, worst: worst.map(|worst| worst.entry), rows, page, pages, selected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Failure, Issued, Outcome, Reason};
    use crate::provider::Slot;
    use crate::state::Ledger;
    use crate::time::from_unix_seconds;
    use crate::web::page::samples::{probe, provider};

    const NOW: f64 = 1_800_000_000.0;

    fn now() -> Timestamp {
        from_unix_seconds(NOW).expect("a time")
    }

    /// A ledger with the named providers, in which the given outcomes are recorded.
    fn ledger(scripts: &[(&str, &[Outcome])]) -> Ledger {
        let providers = scripts.iter().map(|(name, _)| Arc::new(provider(name, &[]))).collect();
        let ledger = Ledger::new(providers, &[1.0]);
        for (name, outcomes) in scripts {
            for outcome in *outcomes {
                let _ = ledger
                    .roster()
                    .entry(name, Slot::Current)
                    .expect("there")
                    .record(&probe(outcome.clone()));
            }
        }
        ledger
    }

    fn token(lives: f64) -> Outcome {
        let expiry = from_unix_seconds(NOW + lives).map_or(Expiry::Never, Expiry::At);
        Outcome::Issued(Issued {
            expiry,
            lifetime: Some(3_600.0),
            disagreement: None,
            fingerprint: 1,
        })
    }

    fn refused() -> Outcome {
        Outcome::Failed(Failure::new(Reason::Rejected, "no"))
    }

    fn names(ledger: &Ledger, query: &str) -> Vec<String> {
        let roster = ledger.roster();
        let found = find(&roster, &Selection::parse(query).expect(query), now());
        found.rows.iter().map(|row| row.entry.provider.name.clone()).collect()
    }

    #[test]
    fn the_broken_provider_with_the_shortest_runway_comes_first() {
        let never = Outcome::Issued(Issued {
            expiry: Expiry::Never,
            lifetime: None,
            disagreement: None,
            fingerprint: 1,
        });
        let unknown = Outcome::Issued(Issued {
            expiry: Expiry::Unknown,
            lifetime: None,
            disagreement: None,
            fingerprint: 1,
        });
        let ledger = ledger(&[
            ("healthy", &[token(3_600.0)]),
            ("unknown", &[]),
            ("failing-soon", &[token(60.0), refused()]),
            ("broken-endless", &[never, refused(), refused()]),
            ("broken-unknown", &[unknown, refused(), refused()]),
            ("broken-late", &[token(3_000.0), refused(), refused()]),
            ("broken-soon", &[token(300.0), refused(), refused()]),
            ("broken-ended", &[token(-5.0), refused(), refused()]),
            ("broken-always", &[refused(), refused()]),
            ("failing-late", &[token(900.0), refused()]),
        ]);
        assert_eq!(
            names(&ledger, ""),
            [
                "broken-always", "broken-ended", "broken-soon", "broken-late", "broken-unknown",
                "broken-endless", "failing-soon", "failing-late", "unknown", "healthy"
            ]
        );
        let roster = ledger.roster();
        let found = find(&roster, &Selection::parse("state=healthy").expect("valid"), now());
        assert_eq!(found.worst.expect("one").provider.name, "broken-always");
        assert_eq!((found.total, found.selected, found.pages), (found.matching, 1, 1));
        assert_eq!(
            [
                found.total.all,
                found.total.of(Facet::In(State::Broken)),
                found.total.of(Facet::In(State::Failing))
            ],
            [10, 6, 2]
        );
    }

    #[test]
    fn what_expires_soon_comes_before_unknown_and_healthy_providers() {
        let with = |name: &str, ends: Option<f64>, slot| {
            let secret_expires = ends.and_then(|seconds| from_unix_seconds(NOW + seconds));
            Arc::new(Provider { slot, secret_expires, ..provider(name, &[]) })
        };
        let day = 86_400.0;
        let providers = vec![
            with("healthy", Some(400.0 * day), Slot::Current),
            with("in-13-days", Some(13.0 * day), Slot::Current),
            with("ended", Some(-day), Slot::Current),
            with("rotating", None, Slot::Current),
            with("rotating", None, Slot::Next),
            with("unknown", None, Slot::Current),
        ];
        let ledger = Ledger::new(providers, &[1.0]);
        let roster = ledger.roster();
        for name in ["healthy", "in-13-days", "rotating"] {
            let _ =
                roster.entry(name, Slot::Current).expect("there").record(&probe(token(3_600.0)));
        }
        for _ in 0..2 {
            let _ = roster.entry("rotating", Slot::Next).expect("there").record(&probe(refused()));
        }
        assert_eq!(names(&ledger, ""), ["rotating", "ended", "in-13-days", "unknown", "healthy"]);
        assert_eq!(names(&ledger, "state=ending"), ["ended", "in-13-days"]);
        assert_eq!(names(&ledger, "state=next-broken"), ["rotating"]);
        assert_eq!(names(&ledger, "state=healthy"), ["rotating", "in-13-days", "healthy"]);
        assert_eq!(names(&ledger, "state=unknown"), ["ended", "unknown"]);
    }

    #[test]
    fn each_page_has_a_hundred_providers_and_the_last_page_the_rest() {
        let scripts: Vec<String> = (0..250).map(|number| format!("p{number:03}")).collect();
        let scripts: Vec<(&str, &[Outcome])> =
            scripts.iter().map(|name| (name.as_str(), &[] as &[Outcome])).collect();
        let ledger = ledger(&scripts);
        let bounds = |query: &str| {
            let names = names(&ledger, query);
            (names.first().cloned(), names.len())
        };
        assert_eq!(bounds(""), (Some("p000".into()), 100));
        assert_eq!(bounds("page=2"), (Some("p100".into()), 100));
        assert_eq!(bounds("page=3"), (Some("p200".into()), 50));
        assert_eq!(
            bounds("page=99"),
            bounds("page=3"),
            "an address after the last page gives the last page"
        );
        assert_eq!(bounds("q=p24"), (Some("p240".into()), 10));
        assert_eq!(bounds("q=other"), (None, 0));
    }

    #[test]
    fn the_runway_comes_from_the_last_good_token() {
        let of = |expiry| {
            Runway::of(
                Some(&Token { expiry, lifetime: None, disagreement: None, fingerprint: None }),
                NOW,
            )
        };
        let at = |seconds: f64| from_unix_seconds(NOW + seconds).map_or(Expiry::Never, Expiry::At);
        assert_eq!(
            [of(at(60.0)), of(at(-60.0)), of(at(0.0))],
            [Runway::Left(60.0), Runway::Ended(60.0), Runway::Ended(0.0)]
        );
        assert_eq!(
            [of(Expiry::Never), of(Expiry::Unknown), Runway::of(None, NOW)],
            [Runway::Endless, Runway::Unknown, Runway::None]
        );
    }
}
