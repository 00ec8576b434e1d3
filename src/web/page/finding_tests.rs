//! The order of the list, its groups and its pages.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::facet::Facet;
use super::finding::{Found, find, slice};
use super::grouping::{Common, Grouped};
use super::rows::{List, table};
use super::samples::{probe, provider};
use super::selection::Selection;
use super::shape::Kind;
use crate::outcome::{Code, Expiry, Failure, Issued, Outcome, Probe, Reason};
use crate::pause::Pauses;
use crate::provider::{Provider, Slot};
use crate::recipe::{Recipe, builtin};
use crate::state::{Ledger, Moment, State};
use crate::time::from_unix_seconds;

const NOW: f64 = 1_800_000_000.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 24.0 * HOUR;

fn at(seconds: f64) -> Timestamp {
    from_unix_seconds(NOW + seconds).expect("a time")
}

fn issued(expiry: Expiry) -> Outcome {
    Outcome::Issued(Issued { expiry, lifetime: Some(HOUR), disagreement: None, fingerprint: 1 })
}

/// A token that ends in this many seconds.
fn token(seconds: f64) -> Outcome {
    issued(Expiry::At(at(seconds)))
}

fn failed(reason: Reason) -> Outcome {
    Outcome::Failed(Failure::new(reason, "no"))
}

/// A provider, the outcome before its failures, and its failures: their reason, how many hours ago
/// the first was, and whether they are confirmed.
struct Script {
    provider: Provider,
    before: Option<Outcome>,
    failures: Option<(Reason, f64, bool)>,
}

impl Script {
    fn new(name: &str, before: Option<Outcome>, failures: Option<(Reason, f64, bool)>) -> Self {
        Self { provider: provider(name, &[]), before, failures }
    }

    fn changed(mut self, change: impl FnOnce(&mut Provider)) -> Self {
        change(&mut self.provider);
        self
    }
}

fn ledger(scripts: Vec<Script>) -> Ledger {
    let mut probes: Vec<(String, Vec<Probe>)> = Vec::new();
    let mut providers = Vec::new();
    for script in scripts {
        let mut of_this: Vec<Probe> = script.before.map(probe).into_iter().collect();
        if let Some((reason, hours, is_confirmed)) = script.failures {
            let times = if is_confirmed { 4 } else { 1 };
            let first = Probe { started: at(-hours * HOUR), ..probe(failed(reason)) };
            of_this.extend(std::iter::repeat_n(first, times));
        }
        probes.push((script.provider.name.clone(), of_this));
        providers.push(Arc::new(script.provider));
    }
    let ledger = Ledger::new(providers, &[1.0]);
    for (name, probes) in probes {
        for probe in probes {
            let roster = ledger.roster();
            let _ = roster.entry(&name, Slot::Current).expect("there").record(&probe);
        }
    }
    ledger
}

fn look<T>(ledger: &Ledger, query: &str, read: impl FnOnce(Found) -> T) -> T {
    let roster = ledger.roster();
    let selection = Selection::parse(query).expect(query);
    read(find(&roster, &selection, at(0.0)))
}

fn names(ledger: &Ledger, query: &str) -> Vec<String> {
    look(ledger, query, |found| {
        found.rows.iter().map(|row| row.entry.provider.name.clone()).collect()
    })
}

/// The first built-in recipe of a kind.
fn a_recipe(is_it: impl Fn(&Recipe) -> bool) -> Recipe {
    let mut all = builtin::BUILTINS.iter().filter_map(|(name, _)| builtin::recipe(name));
    all.find(is_it).expect("built in")
}

fn static_key(provider: &mut Provider) {
    provider.recipe = Arc::new(a_recipe(|recipe| !recipe.issues_tokens()));
}

/// One provider for each line of the table of sections and of the list of places, in order.
fn every_place() -> Vec<Script> {
    let rejected = |hours| Some((Reason::Rejected, hours, true));
    let ends = |provider: &mut Provider, days: f64| provider.secret_expires = Some(at(days * DAY));
    vec![
        Script::new("r1-ended-just-now", Some(token(-60.0)), rejected(2.0)),
        Script::new("r2-static", None, rejected(1.0)).changed(static_key),
        Script::new("r3-ended-last-week", Some(token(-7.0 * DAY)), rejected(200.0)),
        Script::new("r4-never-young", None, rejected(1.5)),
        Script::new("r5-scope-never", None, Some((Reason::Scope, 3.0, true))),
        Script::new("r6-left-short", Some(token(300.0)), rejected(1.0)),
        Script::new("r7-left-long", Some(token(3_000.0)), rejected(1.0)),
        Script::new("r8-not-told", Some(issued(Expiry::Unknown)), rejected(1.0)),
        Script::new("r9-endless", Some(issued(Expiry::Never)), rejected(1.0)),
        Script::new("s1-secret-young", Some(token(-DAY)), Some((Reason::Secret, 1.0, true))),
        Script::new("s2-blocked-old", Some(token(60.0)), Some((Reason::Blocked, 2.0, true))),
        Script::new("t1-ended", Some(token(-5.0)), Some((Reason::Unavailable, 1.0, true))),
        Script::new("t2-left", Some(token(600.0)), Some((Reason::Dns, 1.0, true))),
        Script::new("u1-refused-late", Some(token(900.0)), Some((Reason::Rejected, 0.1, false))),
        Script::new("u2-unreached", Some(token(-60.0)), Some((Reason::Timeout, 0.1, false))),
        Script::new("v-rotating", Some(token(HOUR)), None),
        Script::new("w1-over", Some(token(HOUR)), None).changed(|one| ends(one, -1.0)),
        Script::new("w2-in-13-days", Some(token(HOUR)), None).changed(|one| ends(one, 13.0)),
        Script::new("x-unknown", None, None),
        Script::new("y-healthy", Some(token(HOUR)), None).changed(|one| ends(one, 400.0)),
        Script::new("z-paused", None, rejected(1.0)).changed(|one| {
            let pauses = Pauses::new(true, None, Vec::new());
            one.pauses = Some(Arc::new(pauses));
        }),
    ]
}

/// All places, with a broken next credential of `v-rotating`.
fn everything() -> (Ledger, Vec<String>) {
    let mut scripts = every_place();
    let expected = scripts.iter().map(|script| script.provider.name.clone()).collect();
    // The configuration has another order.
    scripts.reverse();
    scripts.push(Script::new("v-rotating", None, None).changed(|one| one.slot = Slot::Next));
    let ledger = ledger(scripts);
    for _ in 0..2 {
        let roster = ledger.roster();
        let next = roster.entry("v-rotating", Slot::Next).expect("there");
        let _ = next.record(&probe(failed(Reason::Rejected)));
    }
    (ledger, expected)
}

#[test]
fn the_list_is_in_the_order_of_sections_and_places() {
    let (ledger, expected) = everything();
    assert_eq!(names(&ledger, ""), expected);
    look(&ledger, "", |found| {
        assert_eq!(found.worst.expect("one").provider.name, "r1-ended-just-now");
        assert_eq!(
            Kind::ALL.map(|kind| found.selected.broken(kind)),
            [9, 2, 2],
            "refused, cannot be tried here, cannot be reached"
        );
        assert_eq!(found.selected.of(Facet::In(State::Broken)), 13);
        assert_eq!((found.total, found.selected), (found.matching, found.matching));
    });
}

#[test]
fn counts_and_the_most_urgent_one_follow_the_filter() {
    let (ledger, _) = everything();
    for (query, selected, worst) in [
        ("state=healthy", 4, None),
        ("kind=untried", 2, Some("s1-secret-young")),
        ("q=t1", 1, Some("t1-ended")),
        ("failure=timeout", 1, Some("u2-unreached")),
        ("failure=rejected", 9, Some("r1-ended-just-now")),
        ("state=failing", 2, Some("u1-refused-late")),
        ("q=zzz", 0, None),
        ("state=paused&kind=refused", 0, None),
    ] {
        look(&ledger, query, |found| {
            assert_eq!(found.selected.all, selected, "{query}");
            assert_eq!(found.worst.map(|entry| entry.provider.name.as_str()), worst, "{query}");
            assert_eq!(found.total.all, 21, "{query}");
        });
    }
    assert_eq!(names(&ledger, "state=ended"), ["w1-over"]);
    assert_eq!(names(&ledger, "state=ending"), ["w2-in-13-days"]);
    assert_eq!(names(&ledger, "state=next-broken"), ["v-rotating"]);
    assert_eq!(names(&ledger, "state=paused"), ["z-paused"]);
}

#[test]
fn the_causes_of_failures_are_counted() {
    let (ledger, _) = everything();
    look(&ledger, "", |found| {
        let counted: Vec<(&str, usize)> =
            found.causes.iter().map(|((reason, _), times)| (reason.word(), *times)).collect();
        assert_eq!(counted[0], ("rejected", 9));
        assert_eq!(counted[1..].iter().map(|(_, times)| times).sum::<usize>(), 6);
        assert_eq!(found.causes[0].0.1, Code::default());
    });
}

#[test]
fn other_orders_have_providers_without_a_value_last_in_both_directions() {
    let with = |name: &str, team: &str, hours: Option<f64>| {
        let labels: &[(&str, &str)] = if team.is_empty() { &[] } else { &[("team", team)] };
        let failures = hours.map(|hours| (Reason::Rejected, hours, true));
        Script { provider: provider(name, labels), before: None, failures }
    };
    let ledger = ledger(vec![
        with("a", "web", Some(1.0)),
        with("b", "", Some(2.0)),
        with("c", "api", None),
        with("d", "web", Some(3.0)),
    ]);
    for (query, expected) in [
        ("sort=name", ["a", "b", "c", "d"]),
        ("sort=-name", ["d", "c", "b", "a"]),
        ("sort=since", ["a", "b", "d", "c"]),
        ("sort=-since", ["d", "b", "a", "c"]),
        ("sort=team", ["c", "a", "d", "b"]),
        ("sort=-team", ["a", "d", "c", "b"]),
        ("sort=end", ["a", "b", "c", "d"]),
    ] {
        assert_eq!(names(&ledger, query), expected, "{query}");
    }
}

#[test]
fn each_page_has_a_hundred_providers_and_the_last_page_the_rest() {
    let scripts = (0..250).map(|number| Script::new(&format!("p{number:03}"), None, None));
    let ledger = ledger(scripts.collect());
    let bounds = |query: &str| {
        let names = names(&ledger, query);
        (names.first().cloned(), names.len())
    };
    assert_eq!(bounds(""), (Some("p000".into()), 100));
    assert_eq!(bounds("page=2"), (Some("p100".into()), 100));
    assert_eq!(bounds("page=3"), (Some("p200".into()), 50));
    assert_eq!(bounds("page=2&sort=-name"), (Some("p149".into()), 100));
    assert_eq!(
        bounds("page=99"),
        bounds("page=3"),
        "an address after the last page gives the last page"
    );
    assert_eq!(bounds("q=p24"), (Some("p240".into()), 10));
    assert_eq!(bounds("q=other"), (None, 0));
}

#[test]
fn groups_are_in_the_order_of_their_most_urgent_credential() {
    let with = |name: &str, team: &str, failure: Option<(Reason, f64, bool)>| {
        let labels: &[(&str, &str)] = if team.is_empty() { &[] } else { &[("team", team)] };
        Script { provider: provider(name, labels), before: Some(token(HOUR)), failures: failure }
    };
    let ledger = ledger(vec![
        with("a", "calm", None),
        with("b", "web", None),
        with("c", "web", Some((Reason::Dns, 2.0, true))),
        with("d", "", Some((Reason::Rejected, 1.0, true))),
        with("e", "api", Some((Reason::Rejected, 3.0, true))),
        with("f", "web", Some((Reason::Dns, 1.0, true))),
    ]);
    let shown = |query: &str| {
        look(&ledger, query, |found| {
            let groups = slice(found.groups, 1, Grouped::order);
            let text = |group: &Grouped| match &group.common {
                Common::Text(text) => (*text).to_owned(),
                Common::Cause((reason, _)) => reason.word().to_owned(),
                Common::Nothing => "-".to_owned(),
            };
            let kinds = |group: &Grouped| Kind::ALL.map(|kind| group.broken(kind));
            let line = |group: &Grouped| {
                format!(
                    "{} {:?} {} {}",
                    text(group),
                    kinds(group),
                    group.all,
                    group.names.join(" ")
                )
            };
            groups.iter().map(line).collect::<Vec<String>>()
        })
    };
    assert_eq!(
        shown("group=team"),
        ["api [1, 0, 0] 1 e", "web [0, 0, 2] 3 c f", "calm [0, 0, 0] 1 a", "- [1, 0, 0] 1 d"]
    );
    assert_eq!(
        shown("group=failure"),
        ["rejected [2, 0, 0] 2 d e", "dns [0, 0, 2] 2 c f", "- [0, 0, 0] 2 a b"]
    );
    assert_eq!(shown("group=team&q=web&kind=refused"), [""; 0]);
    look(&ledger, "group=team", |found| {
        let web = found.groups.iter().find(|group| group.common == Common::Text("web"));
        assert_eq!(web.expect("web").since, Some(at(-2.0 * HOUR)));
    });
}

#[test]
fn a_vendor_is_out_when_four_of_five_of_at_least_three_credentials_cannot_be_reached() {
    let vendors = |unreached: usize, others: usize| {
        let script = |number: usize| {
            let failure = (number < unreached).then_some((Reason::Unavailable, 1.0, true));
            Script::new(&format!("p{number}"), Some(token(HOUR)), failure).changed(|one| {
                one.recipe = Arc::new(a_recipe(|recipe| recipe.vendor().is_some()));
            })
        };
        let ledger = ledger((0..unreached + others).map(script).collect());
        look(&ledger, "", |found| {
            found.outages.iter().map(|out| (out.unreached, out.all)).collect::<Vec<_>>()
        })
    };
    assert_eq!(vendors(4, 1), [(4, 5)]);
    assert_eq!(vendors(3, 0), [(3, 3)]);
    assert_eq!((vendors(2, 0), vendors(3, 1)), (vec![], vec![]));
}

#[test]
fn credentials_without_a_vendor_have_an_outage_of_their_host() {
    let script = |number: usize| {
        let failure = Some((Reason::Unavailable, 1.0, true));
        Script::new(&format!("p{number}"), Some(token(HOUR)), failure)
            .changed(|one| one.endpoint = Some("login.example:443".into()))
    };
    // A secret in its path hides the endpoint, but not the host.
    let hidden = |number: usize| {
        script(number).changed(|one| {
            (one.endpoint, one.api_host) = (None, Some("hooks.example".into()));
        })
    };
    let ledger = ledger((0..3).map(script).chain((3..7).map(hidden)).collect());
    let outages = |query: &str| {
        look(&ledger, query, |found| {
            let out = found.outages.iter();
            out.map(|out| (out.of.name().to_owned(), out.unreached, out.all)).collect::<Vec<_>>()
        })
    };
    let of = |host: &str, number| (host.to_owned(), number, number);
    assert_eq!(outages(""), [of("hooks.example", 4), of("login.example:443", 3)]);
    assert_eq!(outages("host=hooks.example"), [of("hooks.example", 4)], "its link leads to it");
}

#[test]
fn section_and_word_of_a_row_agree_when_a_probe_ends_while_the_page_is_written() {
    let ledger = ledger(vec![Script::new("p", None, Some((Reason::Rejected, 1.0, false)))]);
    let roster = ledger.roster();
    let selection = Selection::parse("").expect("valid");
    let found = find(&roster, &selection, at(0.0));
    assert_eq!(found.total.of(Facet::In(State::Failing)), 1);
    let entry = roster.entry("p", Slot::Current).expect("there");
    let _ = entry.record(&probe(failed(Reason::Rejected)));
    let now = Moment { wall: at(0.0), uptime: Duration::ZERO };
    let list = List { found: &found, selection: &selection, roster: &roster, now };
    let page = table(&list).into_string();
    for part in ["data-key=\"section-refused\"", ">broken</span>"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("section-failing"), "{page}");
}
