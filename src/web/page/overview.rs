//! `/`: every provider at a glance, the most urgent first.

use maud::{Markup, html};

use super::format::{away, count, foreign, grouped, moment, provider_path, span};
use super::parts::{self, Sheet};
use super::ranking::{End, Found, Ranked, find};
use super::selection::{Facet, Selection};
use crate::provider::Slot;
use crate::state::{Health, Ledger, Moment, Roster, State};
use crate::time::unix_seconds;

/// From here to the page at `/`.
const ROOT: &str = "./";

/// The page of a selection.
pub fn page(ledger: &Ledger, selection: &Selection) -> Sheet {
    let now = ledger.now();
    let roster = ledger.roster();
    let found = find(&roster, selection, unix_seconds(now.wall));
    let (broken, failing) =
        (found.total.of(Facet::In(State::Broken)), found.total.of(Facet::In(State::Failing)));
    let title = match (broken, failing) {
        (0, 0) => "credwatch".to_owned(),
        (0, failing) => format!("{} failing · credwatch", grouped(failing)),
        (broken, _) => format!("{} broken · credwatch", grouped(broken)),
    };
    let mut summary = headline(&found);
    if selection.narrows() {
        summary.push_str(&format!(" {} found.", count(found.selected, "provider", "providers")));
    }
    let body = html! {
        (lead(&found, now))
        (filters(&found, selection))
        @if found.rows.is_empty() { (nobody(&found)) } @else { (table(&found, selection, &roster, now)) (pager(&found, selection)) }
    };
    Sheet { root: ROOT, title, summary, alarm: broken > 0, stalled: ledger.is_stalled(), now, body }
}

/// How things stand, in a sentence.
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
    } else {
        format!("All {} healthy.", count(found.total.all, "credential is", "credentials are"))
            .replace("All 1 ", "The one ")
    }
}

/// The headline, and where to begin.
fn lead(found: &Found, now: Moment) -> Markup {
    let of = |state| found.total.of(Facet::In(state));
    let tone = [State::Broken, State::Failing, State::Unknown]
        .into_iter()
        .find(|state| of(*state) > 0)
        .unwrap_or(State::Healthy);
    let more = of(State::Failing);
    html! {
        div class={ "lead " (tone.word()) } {
            h1 { (parts::sign(tone)) (headline(found)) }
            @if let Some(worst) = found.worst {
                @let health = worst.health().clone();
                p {
                    "Begin with " a href=(provider_path(&worst.provider.name)) { (foreign(&worst.provider.name)) }
                    @if let Some(trouble) = health.trouble() { ": no token for " b { (moment(trouble.since, &span(unix_seconds(now.wall) - unix_seconds(trouble.since)))) } }
                    "; " (parts::runway_sentence(health.token(), unix_seconds(now.wall)))
                    @if tone == State::Broken && more > 0 { span.aside { (grouped(more)) " more failing, not yet confirmed." } }
                }
            }
        }
    }
}

/// Groups, search and labels.
fn filters(found: &Found, selection: &Selection) -> Markup {
    let chip = |facet: Option<Facet>, title: &str, number: usize| {
        let current = (selection.facet == facet).then_some("true");
        let state = if let Some(Facet::In(state)) = facet { Some(state) } else { None };
        // What is not there needs no colour.
        let tone = state.filter(|_| number > 0).map_or("", State::word);
        html! {
            li data-key=(title) {
                a class={ "chip " (tone) } href=(selection.with_facet(facet).address()) aria-current=[current] {
                    @if let Some(state) = state { (parts::sign(state)) }
                    (title) " " b { (grouped(number)) }
                }
            }
        }
    };
    html! {
        div.filters {
            nav aria-label="Filter by state" {
                ul.chips {
                    (chip(None, "All", found.matching.all))
                    @for facet in Facet::ALL {
                        @let number = found.matching.of(facet);
                        // The two warnings are there only when there is something to warn of.
                        @if number > 0 || matches!(facet, Facet::In(_)) || selection.facet == Some(facet) { (chip(Some(facet), facet.title(), number)) }
                    }
                }
            }
            form role="search" action=(ROOT) method="get" data-key="search" {
                @if let Some(facet) = selection.facet { input type="hidden" name="state" value=(facet.word()); }
                @for (name, value) in &selection.labels { input type="hidden" name="label" value={ (name) "=" (value) }; }
                label.hush for="q" { "Search names, recipes, labels, reasons, codes and messages" }
                input #q type="search" name="q" value=(selection.text) placeholder="Search name, label, code…" autocomplete="off" spellcheck="false" maxlength="200";
                button type="submit" { "Search" }
            }
            @if selection.narrows() {
                p.narrowed {
                    (count(found.selected, "provider", "providers")) " of " (grouped(found.total.all))
                    @for (name, value) in &selection.labels {
                        " " a.label href=(selection.without_label(name, value).address()) { (foreign(&format!("{name}={value}"))) span aria-hidden="true" { " ×" } span.hush { ", remove this filter" } }
                    }
                    " " a href=(ROOT) { "Show all" }
                }
            }
        }
    }
}

fn nobody(found: &Found) -> Markup {
    html! {
        p.nobody {
            @if found.total.all == 0 { "There is nothing under " code { "[providers]" } " in the configuration." } @else { "No provider is like this." }
        }
    }
}

/// The rows. Roles are written out because the narrow layout takes them from a table that is not
/// laid out as one.
fn table(found: &Found, selection: &Selection, roster: &Roster, now: Moment) -> Markup {
    html! {
        table role="table" {
            caption.hush { "Providers, the most urgent first" }
            thead role="rowgroup" {
                tr role="row" {
                    @for title in ["State", "Provider", "What is wrong", "Runway", "Last probes", "Next probe"] { th role="columnheader" scope="col" { (title) } }
                }
            }
            tbody role="rowgroup" { @for ranked in &found.rows { (row(ranked, selection, roster, now)) } }
        }
    }
}

fn row(ranked: &Ranked, selection: &Selection, roster: &Roster, now: Moment) -> Markup {
    let (entry, provider) = (ranked.entry, &ranked.entry.provider);
    // Copied, so that nothing is locked while it is written down.
    let health = entry.health().clone();
    let history = entry.history().clone();
    let wall = unix_seconds(now.wall);
    let since = health.trouble().map(|trouble| trouble.since).or(health.since());
    let failed = history.probes().iter().filter(|past| past.reason.is_some()).count();
    let why = why(&health, ranked, roster, wall);
    // With nothing to say about it, the name takes the room, and the row is one line.
    let wide = why.0.is_empty().then_some("2");
    html! {
        tr role="row" class=(health.state().word()) data-key=(provider.name) {
            td.state role="cell" {
                (parts::badge(health.state()))
                @if let (Some(since), None) = (since, wide) { small { "for " (moment(since, &span(wall - unix_seconds(since)))) } }
            }
            th.who role="rowheader" scope="row" colspan=[wide] {
                a.name href=(provider_path(&provider.name)) { (foreign(&provider.name)) }
                small {
                    span.recipe { (foreign(&provider.recipe.name)) }
                    @for (name, value) in &provider.labels {
                        " " a.label href=(selection.with_label(name, value).on_page(1).address()) { (foreign(&format!("{name}={value}"))) }
                    }
                    @if let (Some(since), Some(_)) = (since, wide) { " for " (moment(since, &span(wall - unix_seconds(since)))) }
                }
            }
            @if wide.is_none() { td.why role="cell" { (why) } }
            td.left role="cell" { @if health.trouble().is_some() { (parts::runway(health.token(), wall)) } }
            td.last role="cell" {
                @if let Some(last) = history.probes().last() {
                    (parts::sparkline(&history))
                    small { (super::format::took(f64::from(last.duration))) @if failed > 0 { ", " span.failed { (failed) " of " (history.probes().len()) " failed" } } }
                }
            }
            td.next role="cell" {
                @if let Some(due) = health.next_due() { (away((now.unix_seconds_at(due) - wall).max(0.0))) }
            }
        }
    }
}

/// What is wrong, and what will be.
fn why(health: &Health, ranked: &Ranked, roster: &Roster, now: f64) -> Markup {
    let provider = &ranked.entry.provider;
    let next = roster
        .entry(&provider.name, Slot::Next)
        .map(|next| next.health().clone())
        .filter(|next| next.state() == State::Broken);
    html! {
        @if let Some(trouble) = health.trouble() {
            (parts::verdict(&trouble.failure, ROOT))
            @if !trouble.failure.message.as_str().is_empty() { p.message { (foreign(trouble.failure.message.as_str())) } }
            (parts::advice(&trouble.failure))
        }
        @if let Some(trouble) = next.as_ref().and_then(|next| next.trouble()) {
            p.ending { "The credentials that are to follow are broken: " (parts::verdict(&trouble.failure, ROOT)) }
        }
        @for end in End::soon(provider, health.certificate_expiry(), now) { (parts::end(end, now)) }
        @if provider.transport.insecure { p.insecure { "Any certificate is accepted (" code { "tls.insecure" } ")." } }
    }
}

/// From page to page.
fn pager(found: &Found, selection: &Selection) -> Markup {
    let first = (found.page - 1) * super::ranking::ROWS;
    let to = |page: usize, word: &str, there: bool| {
        html! { @if there { a href=(selection.on_page(page).address()) { (word) } } @else { span aria-disabled="true" { (word) } } }
    };
    html! {
        @if found.pages > 1 {
            nav.pager aria-label="Pages" {
                (to(1, "First", found.page > 1)) " " (to(found.page - 1, "Previous", found.page > 1))
                span.here { (grouped(first + 1)) "–" (grouped(first + found.rows.len())) " of " (grouped(found.selected)) }
                (to(found.page + 1, "Next", found.page < found.pages)) " " (to(found.pages, "Last", found.page < found.pages))
            }
        }
    }
}
