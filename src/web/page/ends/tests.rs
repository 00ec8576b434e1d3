//! Which ends the page shows, in which order, and what it counts.

use std::sync::Arc;

use jiff::Timestamp;

use super::found::{Found, find};
use super::query::Query;
use super::what::{Band, What};
use crate::credentials::{CredentialSources, SecretSource};
use crate::outcome::{
    CredentialEnd, CredentialList, EndSource, Expiry, HeldEnds, ListReadings, ListedCredential,
    Outcome, Probe,
};
use crate::provider::{Facts, Provider, Slot};
use crate::recipe::{Recipe, builtin};
use crate::state::Ledger;
use crate::time::from_unix_seconds;
use crate::web::page::samples::{probe, provider};

const NOW: f64 = 1_800_000_000.0;
const DAY: f64 = 86_400.0;

fn at(days: f64) -> Timestamp {
    from_unix_seconds(NOW + days * DAY).expect("a time")
}

fn end(credential: &str, source: EndSource, expiry: Expiry) -> CredentialEnd {
    CredentialEnd { credential: credential.into(), source, expiry, created: None }
}

/// A provider with one secret.
fn with_secret(name: &str) -> Provider {
    let secret = SecretSource::Environment("S".into());
    let credentials = CredentialSources::new(vec![("client_secret".into(), secret)]);
    Provider { credentials: Arc::new(credentials), ..provider(name, &[("team", "t")]) }
}

fn recipe_with_a_list() -> Recipe {
    let mut all = builtin::BUILTINS.iter().filter_map(|(name, _)| builtin::recipe(name));
    all.find(|recipe| recipe.list_interval().is_some()).expect("built in")
}

fn row(name: &str, title: &str, expiry: Expiry) -> ListedCredential {
    ListedCredential { name: name.into(), title: title.into(), expiry, created: None }
}

fn listing(rows: Vec<ListedCredential>) -> Probe {
    let list = CredentialList { rows: rows.into(), dropped: 0, reading: ListReadings::default() };
    Probe { list: Some(Box::new(Ok(list))), ..probe(Outcome::Accepted) }
}

/// The providers of the tests: one for each source.
fn ledger() -> Ledger {
    let declared = Provider { secret_expires: Some(at(2.0)), ..with_secret("declared") };
    let reported = Provider { secret_expires: Some(at(-400.0)), ..with_secret("reported") };
    let facts = Facts { owner: Some("billing".into()), ..Facts::default() };
    let listed = Provider {
        recipe: Arc::new(recipe_with_a_list()),
        facts: Arc::new(facts),
        ..with_secret("listed")
    };
    let never = with_secret("never");
    let host =
        |name: &str| Provider { endpoint: Some("api.example:443".into()), ..with_secret(name) };
    let all = [declared, reported, listed, never, host("tls-1"), host("tls-2"), host("tls-3")];
    let ledger = Ledger::new(all.map(Arc::new).into(), &[1.0]);
    let roster = ledger.roster();
    let record = |name: &str, probe: Probe| {
        let _ = roster.entry(name, Slot::Current).expect("there").record(&probe);
    };
    let told = |expiry| Probe {
        ends: vec![end(provider("x", &[]).declared_credential(), EndSource::Reported, expiry)],
        ..probe(Outcome::Accepted)
    };
    record("reported", told(Expiry::At(at(20.0))));
    record("never", told(Expiry::Never));
    record(
        "listed",
        listing(vec![
            row("old (1)", "old", Expiry::At(at(-3.0))),
            row("gone", "gone", Expiry::At(at(-1.0))),
            row("old (2)", "old", Expiry::At(at(300.0))),
            row("for-ever", "for-ever", Expiry::Never),
            row("silent", "silent", Expiry::Unknown),
        ]),
    );
    for (name, days) in [("tls-1", 6.0), ("tls-2", 5.0), ("tls-3", 90.0)] {
        let certificate_expiry = Some(at(days));
        record(name, Probe { certificate_expiry, ..probe(Outcome::Accepted) });
    }
    roster.entry("declared", Slot::Current).expect("there").holds(HeldEnds {
        credentials: vec![end("client_id", EndSource::Jwt, Expiry::At(at(50.0)))],
        client_certificate: None,
    });
    ledger
}

fn look<T>(query: &str, read: impl FnOnce(Found) -> T) -> T {
    let ledger = ledger();
    read(find(&ledger.roster(), &Query::parse(query).expect(query), at(0.0)))
}

/// Name and provider of each end.
fn lines(query: &str) -> Vec<String> {
    look(query, |found| {
        let line = |end: &super::what::End| {
            let provider = &end.entry.provider;
            let name = end.what.name(provider);
            format!("{name} of {}, {}", provider.name, end.band(at(0.0)).word())
        };
        found.ends.iter().map(line).collect()
    })
}

#[test]
fn all_ends_stand_in_one_order_and_what_is_reported_replaces_what_is_declared() {
    assert_eq!(
        lines(""),
        [
            "gone of listed, ended",
            "client_secret of declared, critical",
            "api.example:443 of tls-1, warning",
            "client_id of reported, warning",
            "client_id of declared, later",
            "old (2) of listed, later",
        ]
    );
}

#[test]
fn the_certificate_of_a_host_is_one_end_with_its_earliest_time() {
    look("source=endpoint", |found| {
        let [end] = &*found.ends else { panic!("{}", found.ends.len()) };
        assert_eq!(end.at, at(5.0));
        assert!(matches!(end.what, What::Endpoint(2)), "{:?}", end.what);
    });
}

#[test]
fn what_never_ends_is_unknown_or_replaced_is_counted() {
    look("", |found| {
        // `never` and a listed one; `silent`, the key that reads the list, and three with TLS.
        assert_eq!((found.never, found.unknown, found.replaced), (2, 5, 1));
        assert_eq!(found.bands, [1, 1, 2, 2]);
        assert_eq!((found.selected, found.next), (6, Some(at(2.0))));
    });
}

#[test]
fn filters_choose_providers_bands_sources_and_names_of_credentials() {
    assert_eq!(lines("owner=billing").len(), 2);
    assert_eq!(lines("owner=nobody").len(), 0);
    assert_eq!(lines("label=team%3Dt").len(), 6);
    assert_eq!(lines("host=api.example:443").len(), 1);
    assert_eq!(lines("band=later"), ["client_id of declared, later", "old (2) of listed, later"]);
    assert_eq!(lines("source=jwt"), ["client_id of declared, later"]);
    assert_eq!(lines("q=listed+GONE"), ["gone of listed, ended"]);
    assert_eq!(lines("q=gone+nothing").len(), 0);
    look("band=later", |found| assert_eq!(found.bands, [1, 1, 2, 2], "bands count all"));
}

#[test]
fn an_address_is_read_as_it_is_written_and_filters_of_the_list_are_refused() {
    for address in ["ends", "ends?band=critical&source=list&label=team%3Dt&owner=a+b&q=x&page=3"] {
        let query = Query::parse(address.split_once('?').map_or("", |(_, query)| query));
        assert_eq!(query.expect(address).address(), address);
    }
    for query in ["state=broken", "sort=name", "band=soon", "source=here", "kind=refused"] {
        assert!(Query::parse(query).expect_err(query).contains("expected one of"), "{query}");
    }
    let query = Query::parse("band=ended&page=7").expect("valid");
    assert_eq!(query.with_band(Some(Band::Later)).address(), "ends?band=later");
}

#[test]
fn many_rows_have_pages_and_the_last_one_is_bounded() {
    let recipe = Arc::new(recipe_with_a_list());
    let all = (0..60).map(|number| {
        let name = format!("p-{number:02}");
        Arc::new(Provider { recipe: Arc::clone(&recipe), ..with_secret(&name) })
    });
    let ledger = Ledger::new(all.collect(), &[1.0]);
    let roster = ledger.roster();
    for (number, entry) in roster.entries().iter().enumerate() {
        // The end of row r of provider p is the day 60 r + p, so all days are different.
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let day = |row: usize| Expiry::At(at(1.0 + (row * 60 + number) as f64));
        let rows = (0..200).map(|number| row(&format!("r-{number:03}"), "r", day(number)));
        let _ = entry.record(&listing(rows.collect()));
    }
    let page = |number: usize| {
        let query = Query::parse(&format!("page={number}")).expect("valid");
        let found = find(&roster, &query, at(0.0));
        let names: Vec<String> = found
            .ends
            .iter()
            .map(|end| {
                format!("{} {}", end.entry.provider.name, end.what.name(&end.entry.provider))
            })
            .collect();
        (names, found.page, found.pages, found.selected)
    };
    let (names, number, pages, selected) = page(1);
    assert_eq!((names.len(), number, pages, selected), (100, 1, 100, 12_000));
    assert_eq!([&*names[0], &*names[59], &*names[60]], ["p-00 r-000", "p-59 r-000", "p-00 r-001"]);
    let (names, ..) = page(2);
    assert_eq!(names[0], "p-40 r-001");
    // 9,900 = 165 × 60.
    let (names, number, ..) = page(1_000);
    assert_eq!((number, names.len(), &*names[0]), (100, 100, "p-00 r-165"));
}
