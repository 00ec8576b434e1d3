//! Who comes first. Of each provider a few numbers are copied under its lock, and nothing else:
//! what a page shows is read for its own rows only.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::selection::{Facet, Selection};
use crate::outcome::Expiry;
use crate::provider::Provider;
use crate::state::health::Token;
use crate::state::{Entry, Roster, State};
use crate::time::unix_seconds;

/// Rows on a page.
pub const ROWS: usize = 100;

/// How long before its end a client secret is spoken of, in seconds. As the alert rules have it.
pub const SECRET_SOON: f64 = 30.0 * 86_400.0;

/// The same of the endpoint's certificate.
pub const CERTIFICATE_SOON: f64 = 7.0 * 86_400.0;

/// How long tokens that were issued before still live: the time until others notice that no new
/// ones are to be had.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Runway {
    /// No good token is known of.
    None,
    /// The last one ended so many seconds ago.
    Ended(f64),
    /// The last one lives so many seconds more.
    Left(f64),
    /// The answers do not say when tokens end.
    Unknown,
    /// They never end.
    Endless,
}

impl Runway {
    /// That of the last good token.
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

    /// The shortest is the smallest. Where nobody is known to have a token, none is left.
    pub fn seconds(self) -> f64 {
        match self {
            Self::None | Self::Ended(_) => 0.0,
            Self::Left(seconds) => seconds,
            Self::Unknown => f64::MAX,
            Self::Endless => f64::INFINITY,
        }
    }
}

/// What the operator or the endpoint's certificate says about an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Of the client secret.
    Secret(Timestamp),
    /// Of a certificate of the endpoint.
    Certificate(Timestamp),
}

impl End {
    fn time(self) -> Timestamp {
        match self {
            Self::Secret(time) | Self::Certificate(time) => time,
        }
    }

    /// The ends of one provider that are near or past, the nearest first.
    pub fn soon(provider: &Provider, certificate: Option<Timestamp>, now: f64) -> Vec<Self> {
        let near = |end: Timestamp, margin: f64| unix_seconds(end) - now < margin;
        let secret =
            provider.secret_expires.filter(|end| near(*end, SECRET_SOON)).map(Self::Secret);
        let certificate =
            certificate.filter(|end| near(*end, CERTIFICATE_SOON)).map(Self::Certificate);
        let mut ends: Vec<Self> = secret.into_iter().chain(certificate).collect();
        ends.sort_by_key(|end| end.time());
        ends
    }
}

/// The groups in which providers come, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Broken,
    Failing,
    NextBroken,
    Ending,
    Unknown,
    Healthy,
}

/// One provider with its place.
pub struct Ranked<'a> {
    pub entry: &'a Arc<Entry>,
    rank: Rank,
    /// Within the rank: the smaller, the more urgent.
    urgency: f64,
}

impl Ranked<'_> {
    fn order(&self, other: &Self) -> Ordering {
        let names = || self.entry.provider.name.cmp(&other.entry.provider.name);
        self.rank.cmp(&other.rank).then(self.urgency.total_cmp(&other.urgency)).then_with(names)
    }
}

/// How many there are of each group; a provider can be in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub all: usize,
    facets: [usize; Facet::ALL.len()],
}

impl Counts {
    /// Those of one group.
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

/// What a selection finds.
pub struct Found<'a> {
    /// Of all providers.
    pub total: Counts,
    /// Of those with the right words and labels, whatever group is picked.
    pub matching: Counts,
    /// The most urgent of all providers, when something is wrong with it.
    pub worst: Option<&'a Arc<Entry>>,
    /// The rows of this page.
    pub rows: Vec<Ranked<'a>>,
    /// The number of the page, and how many there are.
    pub page: usize,
    pub pages: usize,
    /// All rows, on whatever page.
    pub selected: usize,
}

/// Finds, counts and sorts.
pub fn find<'a>(roster: &'a Roster, selection: &Selection, now: f64) -> Found<'a> {
    let next_broken: HashSet<&str> = roster
        .next()
        .iter()
        .filter(|entry| entry.health().state() == State::Broken)
        .map(|entry| entry.provider.name.as_str())
        .collect();
    let wanted = selection.wanted();
    let (mut total, mut matching) = (Counts::default(), Counts::default());
    let mut worst: Option<Ranked> = None;
    let mut rows: Vec<Ranked> = Vec::new();
    for entry in roster.entries() {
        let follows_broken = next_broken.contains(entry.provider.name.as_str());
        let (state, ranked, ending, meets) = {
            let health = entry.health();
            let ends = End::soon(&entry.provider, health.certificate_expiry(), now);
            let (rank, urgency) = match health.state() {
                State::Broken => (Rank::Broken, Runway::of(health.token(), now).seconds()),
                State::Failing => (Rank::Failing, Runway::of(health.token(), now).seconds()),
                _ if follows_broken => (Rank::NextBroken, 0.0),
                state => match ends.first() {
                    Some(end) => (Rank::Ending, unix_seconds(end.time())),
                    None if state == State::Unknown => (Rank::Unknown, 0.0),
                    None => (Rank::Healthy, 0.0),
                },
            };
            let failure = health.failure();
            (
                health.state(),
                Ranked { entry, rank, urgency },
                !ends.is_empty(),
                wanted.meets(&entry.provider, failure),
            )
        };
        let belongs = |facet: Facet| match facet {
            Facet::In(wanted) => wanted == state,
            Facet::NextBroken => follows_broken,
            Facet::Ending => ending,
        };
        total.add(belongs);
        if ranked.rank <= Rank::Failing
            && worst.as_ref().is_none_or(|worst| ranked.order(worst).is_lt())
        {
            worst = Some(Ranked { ..ranked });
        }
        if meets {
            matching.add(belongs);
            if selection.facet.is_none_or(belongs) {
                rows.push(ranked);
            }
        }
    }
    rows.sort_unstable_by(Ranked::order);
    let selected = rows.len();
    let pages = selected.div_ceil(ROWS).max(1);
    // The list may have become shorter while somebody read its last page.
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

    /// A ledger of the providers that are named, each with what happens to it.
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
        Outcome::Issued(Issued { expiry, lifetime: Some(3_600.0), fingerprint: 1 })
    }

    fn refused() -> Outcome {
        Outcome::Failed(Failure::new(Reason::Rejected, "no"))
    }

    fn names(ledger: &Ledger, query: &str) -> Vec<String> {
        let roster = ledger.roster();
        let found = find(&roster, &Selection::parse(query).expect(query), NOW);
        found.rows.iter().map(|row| row.entry.provider.name.clone()).collect()
    }

    #[test]
    fn the_broken_one_that_others_notice_first_comes_first() {
        let never =
            Outcome::Issued(Issued { expiry: Expiry::Never, lifetime: None, fingerprint: 1 });
        let unknown =
            Outcome::Issued(Issued { expiry: Expiry::Unknown, lifetime: None, fingerprint: 1 });
        let ledger = ledger(&[
            ("healthy", &[token(3_600.0)]),
            ("unknown", &[]),
            ("failing-soon", &[token(60.0), refused()]),
            ("broken-endless", &[never, refused(), refused()]),
            ("broken-untold", &[unknown, refused(), refused()]),
            ("broken-late", &[token(3_000.0), refused(), refused()]),
            ("broken-soon", &[token(300.0), refused(), refused()]),
            ("broken-ended", &[token(-5.0), refused(), refused()]),
            ("broken-always", &[refused(), refused()]),
            ("failing-late", &[token(900.0), refused()]),
        ]);
        assert_eq!(
            names(&ledger, ""),
            [
                "broken-always",
                "broken-ended",
                "broken-soon",
                "broken-late",
                "broken-untold",
                "broken-endless",
                "failing-soon",
                "failing-late",
                "unknown",
                "healthy"
            ]
        );
        let roster = ledger.roster();
        let found = find(&roster, &Selection::parse("state=healthy").expect("valid"), NOW);
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
    fn what_will_break_comes_before_what_is_not_known_and_what_is_well() {
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
    fn pages_hold_a_hundred_each_and_the_last_one_what_is_left() {
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
        assert_eq!(bounds("page=99"), bounds("page=3"), "a page that is gone is the last one");
        assert_eq!(bounds("q=p24"), (Some("p240".into()), 10));
        assert_eq!(bounds("q=nobody"), (None, 0));
    }

    #[test]
    fn a_runway_is_told_from_the_last_good_token() {
        let of =
            |expiry| Runway::of(Some(&Token { expiry, lifetime: None, fingerprint: None }), NOW);
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
