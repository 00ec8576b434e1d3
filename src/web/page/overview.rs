//! `/`: all providers in a table, the most urgent first.

use maud::{Markup, html};

use super::format::{count, grouped, moment, provider_path, relative, span, took, untrusted};
use super::parts::{self, Sheet};
use super::ranking::{Expiring, Found, ROWS, Ranked, find};
use super::selection::{Facet, Selection};
use crate::provider::Slot;
use crate::state::{Health, Ledger, Moment, Roster, State};
use crate::time::unix_seconds;

/// The address of `/`, relative to this page.
const ROOT: &str = "./";

/// The page for a selection of providers.
pub fn page(ledger: &Ledger, selection: &Selection) -> Sheet {
    let now = ledger.now();
    let roster = ledger.roster();
    let found = find(&roster, selection, now.wall);
    let (broken, failing) =
        (found.total.of(Facet::In(State::Broken)), found.total.of(Facet::In(State::Failing)));
    let title = match (broken, failing) {
        (0, 0) => "credwatch".to_owned(),
        (0, failing) => format!("{} failing · credwatch", grouped(failing)),
        (broken, _) => format!("{} broken · credwatch", grouped(broken)),
    };
    let mut summary = headline(&found);
    if selection.is_filtered() {
        summary.push_str(&format!(" {} found.", count(found.selected, "provider", "providers")));
    }
    let body = html! {
        (lead(&found, now))
        (filters(&found, selection))
        @if found.rows.is_empty() { (empty(&found)) } @else {
            (table(&found, selection, &roster, now))
            (pager(&found, selection))
        }
    };
    Sheet { root: ROOT, title, summary, alarm: broken > 0, stalled: ledger.is_stalled(), now, body }
}

/// The state of all providers in one sentence.
fn headline(found: &Found) -> String {
    let of = |state| found.total.of(Facet::In(state));
    let (broken, failing, unknown) = (of(State::Broken), of(State::Failing), of(State::Unknown));
    if found.total.all == 0 {
        "No provider is configured.".into()
    } else if broken > 0 {
        format!("{} broken.", count(broken, "credential is", "credentials are"))
    } else if failing > 0 {
        format!(
            "{} failing, not yet confirmed.",
            count(failing, "credential is", "credentials are")
        )
    } else if unknown > 0 {
        format!("{} no result yet.", count(unknown, "credential has", "credentials have"))
    } else if found.total.of(Facet::Paused) == found.total.all {
        "All providers are paused.".into()
    } else {
        let watched = found.total.all - found.total.of(Facet::Paused);
        format!("All {} healthy.", count(watched, "credential is", "credentials are"))
            .replace("All 1 ", "The one ")
    }
}

/// The headline and the most urgent provider.
fn lead(found: &Found, now: Moment) -> Markup {
    let of = |state| found.total.of(Facet::In(state));
    let tone = [State::Broken, State::Failing, State::Unknown]
        .into_iter()
        .find(|state| of(*state) > 0)
        .unwrap_or(State::Healthy);
    let failing = of(State::Failing);
    let wall = unix_seconds(now.wall);
    html! {
        div class={ "lead " (tone.word()) } {
            h1 { (parts::sign(tone)) (headline(found)) }
            @if let Some(worst) = found.worst {
                @let (health, name) = (worst.health().clone(), &worst.provider.name);
                p {
                    "Begin with " a href=(provider_path(name)) { (untrusted(name)) }
                    @let issues_tokens = worst.provider.recipe.issues_tokens();
                    @if let Some(current) = health.current_failure() {
                        @if issues_tokens { ": no token for " } @else { ": not accepted for " }
                        b { (moment(current.since, &span(wall - unix_seconds(current.since)))) }
                    }
                    @if issues_tokens { "; " (parts::runway_sentence(health.token(), wall)) }
                    @else { "." }
                    @if tone == State::Broken && failing > 0 {
                        span.aside { (grouped(failing)) " more failing, not yet confirmed." }
                    }
                }
            }
        }
    }
}

/// The filters by state, the search field and the chosen labels.
fn filters(found: &Found, selection: &Selection) -> Markup {
    html! {
        div.filters {
            nav aria-label="Filter by state" {
                ul.chips {
                    (chip(None, "All", found.matching.all, selection))
                    @for facet in Facet::ALL {
                        @let number = found.matching.of(facet);
                        // The two warnings are shown only when they apply to a provider.
                        @let is_state = matches!(facet, Facet::In(_));
                        @if number > 0 || is_state || selection.facet == Some(facet) {
                            (chip(Some(facet), facet.title(), number, selection))
                        }
                    }
                }
            }
            (search(selection))
            @if selection.is_filtered() {
                p.narrowed {
                    (count(found.selected, "provider", "providers"))
                    " of " (grouped(found.total.all))
                    @for (name, value) in &selection.labels {
                        " "
                        a.label href=(selection.without_label(name, value).address()) {
                            (untrusted(&format!("{name}={value}")))
                            span aria-hidden="true" { " ×" }
                            span.sr-only { ", remove this filter" }
                        }
                    }
                    " " a href=(ROOT) { "Show all" }
                }
            }
        }
    }
}

/// The link that chooses a group, with the number of its providers.
fn chip(facet: Option<Facet>, title: &str, number: usize, selection: &Selection) -> Markup {
    let current = (selection.facet == facet).then_some("true");
    let state = if let Some(Facet::In(state)) = facet { Some(state) } else { None };
    // A state without providers has no colour.
    let tone = state.filter(|_| number > 0).map_or("", State::word);
    let address = selection.with_facet(facet).address();
    html! {
        li data-key=(title) {
            a class={ "chip " (tone) } href=(address) aria-current=[current] {
                @if let Some(state) = state { (parts::sign(state)) }
                (title) " " b { (grouped(number)) }
            }
        }
    }
}

fn search(selection: &Selection) -> Markup {
    html! {
        form role="search" action=(ROOT) method="get" data-key="search" {
            @if let Some(facet) = selection.facet {
                input type="hidden" name="state" value=(facet.word());
            }
            @for (name, value) in &selection.labels {
                input type="hidden" name="label" value={ (name) "=" (value) };
            }
            label.sr-only for="q" {
                "Search names, recipes, labels, reasons, codes and messages"
            }
            input #q type="search" name="q" value=(selection.text)
                placeholder="Search name, label, code…" autocomplete="off" spellcheck="false"
                maxlength="200";
            button type="submit" { "Search" }
        }
    }
}

fn empty(found: &Found) -> Markup {
    html! {
        p.empty {
            @if found.total.all == 0 {
                "The configuration has no table " code { "[providers.NAME]" } "."
            } @else {
                "No provider matches."
            }
        }
    }
}

/// The table of providers. Its elements need `role`, because the narrow layout does not display
/// them as a table.
fn table(found: &Found, selection: &Selection, roster: &Roster, now: Moment) -> Markup {
    let titles = ["State", "Provider", "What is wrong", "Runway", "Last probes", "Next probe"];
    html! {
        table role="table" {
            caption.sr-only { "Providers, the most urgent first" }
            thead role="rowgroup" { tr role="row" { (parts::column_titles(&titles)) } }
            tbody role="rowgroup" {
                @for ranked in &found.rows { (row(ranked, selection, roster, now)) }
            }
        }
    }
}

fn row(ranked: &Ranked, selection: &Selection, roster: &Roster, now: Moment) -> Markup {
    let (entry, provider) = (ranked.entry, &ranked.entry.provider);
    // Copies, so that no lock is held while the row is written.
    let health = entry.health().clone();
    let history = entry.history().clone();
    let wall = unix_seconds(now.wall);
    let since = health.current_failure().map(|current| current.since).or(health.since());
    let duration = since.map(|since| moment(since, &span(wall - unix_seconds(since))));
    let failed = history.probes().iter().filter(|past| past.reason.is_some()).count();
    let paused = provider.pause(now.wall);
    let problems = match &paused {
        Some(pause) => parts::paused(pause),
        None => problems(&health, ranked, roster, wall),
    };
    let has_runway = provider.recipe.issues_tokens();
    // Without problems the name takes the space of that column, so that the row is one line.
    let wide = problems.0.is_empty().then_some("2");
    html! {
        @let tone = if paused.is_some() { "paused" } else { health.state().word() };
        tr role="row" class=(tone) data-key=(provider.name) {
            td.state role="cell" {
                @if paused.is_some() { span.badge.paused { "paused" } }
                @else { (parts::badge(health.state())) }
                @if let (Some(duration), None) = (&duration, wide) { small { "for " (duration) } }
            }
            th.who role="rowheader" scope="row" colspan=[wide] {
                a.name href=(provider_path(&provider.name)) { (untrusted(&provider.name)) }
                small {
                    span.recipe { (untrusted(&provider.recipe.name)) }
                    @for (name, value) in provider.labels.iter() {
                        @let address = selection.with_label(name, value).on_page(1).address();
                        " " a.label href=(address) { (untrusted(&format!("{name}={value}"))) }
                    }
                    @if let (Some(duration), Some(_)) = (&duration, wide) { " for " (duration) }
                }
            }
            @if wide.is_none() { td.why role="cell" { (problems) } }
            td.left role="cell" {
                @if health.current_failure().is_some() && has_runway && paused.is_none() {
                    (parts::runway(health.token(), wall))
                }
            }
            td.last role="cell" {
                @if let Some(last) = history.probes().last() {
                    (parts::sparkline(&history))
                    small {
                        (took(f64::from(last.duration)))
                        @if failed > 0 {
                            ", "
                            span.failed { (failed) " of " (history.probes().len()) " failed" }
                        }
                    }
                }
            }
            td.next role="cell" {
                @if let Some(due) = health.next_due() {
                    (relative((now.unix_seconds_at(due) - wall).max(0.0)))
                }
            }
        }
    }
}

/// The current problems of a provider and those that are near.
fn problems(health: &Health, ranked: &Ranked, roster: &Roster, now: f64) -> Markup {
    let provider = &ranked.entry.provider;
    let next = roster
        .entry(&provider.name, Slot::Next)
        .map(|next| next.health().clone())
        .filter(|next| next.state() == State::Broken);
    html! {
        @if let Some(current) = health.current_failure() {
            (parts::verdict(&current.failure, ROOT))
            @if !current.failure.message.as_str().is_empty() {
                p.message { (untrusted(current.failure.message.as_str())) }
            }
            (parts::advice(&current.failure))
        }
        @if let Some(current) = next.as_ref().and_then(|next| next.current_failure()) {
            p.ending { "The next credential is broken: " (parts::verdict(&current.failure, ROOT)) }
        }
        @for expiring in Expiring::soon(provider, health, now) {
            (parts::expiring(expiring, now))
        }
        @if provider.transport.insecure {
            p.insecure { "The certificate is not checked (" code { "tls.insecure" } ")." }
        }
    }
}

/// The links to the other pages of the list.
fn pager(found: &Found, selection: &Selection) -> Markup {
    let first = (found.page - 1) * ROWS;
    let (back, forward) = (found.page > 1, found.page < found.pages);
    let to = |page: usize, word: &str, enabled: bool| {
        html! {
            @if enabled { a href=(selection.on_page(page).address()) { (word) } }
            @else { span aria-disabled="true" { (word) } }
        }
    };
    html! {
        @if found.pages > 1 {
            nav.pager aria-label="Pages" {
                (to(1, "First", back)) " " (to(found.page - 1, "Previous", back))
                span.here {
                    (grouped(first + 1)) "–" (grouped(first + found.rows.len()))
                    " of " (grouped(found.selected))
                }
                (to(found.page + 1, "Next", forward)) " " (to(found.pages, "Last", forward))
            }
        }
    }
}
