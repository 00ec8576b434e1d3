//! The whole page of ends.

use maud::{Markup, html};

use super::found::{Found, MOST_PAGES, find};
use super::query::Query;
use super::what::{Band, End, Source, What};
use crate::provider::Provider;
use crate::state::{Ledger, Moment};
use crate::time::unix_seconds;
use crate::web::page::filters::search;
use crate::web::page::finding::TEAM;
use crate::web::page::format::{
    clock_to_minutes, count, grouped, provider_path, relative, unit, untrusted, visible,
};
use crate::web::page::pager::{Part, pager};
use crate::web::page::parts::{Place, Sheet};
use crate::web::page::rows::vendor_or_host;
use crate::web::page::shape::{Shape, sign};

/// The page for a selection of ends.
pub fn page(ledger: &Ledger, query: &Query) -> Sheet {
    let now = ledger.now();
    let roster = ledger.roster();
    let found = find(&roster, query, now.wall);
    let shown =
        Part { page: found.page, pages: found.pages, rows: found.ends.len(), all: found.selected };
    let address = |page| query.of(query.providers.on_page(page)).address();
    let body = html! {
        div.lead {
            h1 { (headline(&found, query)) }
            @if let Some(next) = found.next {
                p { "The next one ends " (relative(unix_seconds(next) - unix_seconds(now.wall)))
                    ", on " (clock_to_minutes(next)) "." }
            }
        }
        (filters(&found, query))
        @if found.ends.is_empty() { (empty(query)) } @else {
            div.tops data-key="tops" { (pager(shown, "top", address)) }
            (table(&found, query, now))
            (pager(shown, "bottom", address))
        }
        @if found.page == MOST_PAGES {
            p.hint { "Later ends are not shown. A filter shows those of some providers." }
        }
        @if query.source.is_none() && query.band.is_none() { (endless(&found)) }
    };
    Sheet {
        root: "./",
        place: Place::Ends,
        title: title(&found, query),
        summary: sentence(&found),
        alarm: found.of(Band::Ended) + found.of(Band::Critical) > 0,
        stalled: ledger.is_stalled(),
        now,
        body,
    }
}

/// The bands that need somebody, each with its number.
fn near(found: &Found) -> impl Iterator<Item = (Band, usize)> {
    let bands = [Band::Ended, Band::Critical, Band::Warning].map(|band| (band, found.of(band)));
    bands.into_iter().filter(|(_, number)| *number > 0)
}

fn headline(found: &Found, query: &Query) -> Markup {
    html! {
        @if near(found).next().is_some() {
            @for (band, number) in near(found) {
                a class={ "big " (band.word()) } href=(query.with_band(Some(band)).address()) {
                    @if let Some(shape) = band.shape() { (sign(shape)) }
                    b { (grouped(number)) } " " (words(band, number))
                } " "
            }
        } @else if found.all() > 0 {
            span.healthy { (sign(Shape::Healthy)) } "No credential ends soon."
        } @else { "No end is known." }
    }
}

/// The end of a sentence that begins with a number.
fn words(band: Band, number: usize) -> &'static str {
    match (band, number) {
        (Band::Ended, _) => "ended",
        (Band::Critical, 1) => "ends very soon",
        (Band::Critical, _) => "end very soon",
        (_, 1) => "ends soon",
        _ => "end soon",
    }
}

fn in_words((band, number): (Band, usize)) -> String {
    format!("{} {}", grouped(number), words(band, number))
}

fn sentence(found: &Found) -> String {
    let parts: Vec<String> = near(found).map(in_words).collect();
    if parts.is_empty() { "No credential ends soon.".into() } else { parts.join(", ") + "." }
}

fn title(found: &Found, query: &Query) -> String {
    let first = near(found).next().map(in_words);
    let band = query.band.map(|band| band.word().to_owned());
    let filters = query.filters().into_iter().map(|(text, _)| text);
    let parts = first.into_iter().chain(["Ends".to_owned()]).chain(band).chain(filters);
    parts.chain(["credwatch".to_owned()]).collect::<Vec<String>>().join(" · ")
}

fn filters(found: &Found, query: &Query) -> Markup {
    let all = (None, "All", found.all());
    let bands = Band::ALL.map(|band| (Some(band), band.title(), found.of(band)));
    html! {
        div.filters {
            nav aria-label="Filter by time left" {
                ul.chips {
                    @for (band, title, number) in std::iter::once(all).chain(bands) {
                        @let current = (query.band == band).then_some("true");
                        @let shape = band.and_then(Band::shape);
                        @let tone = band.filter(|_| number > 0).map_or("", Band::word);
                        li data-key=(title) {
                            a class={ "chip " (tone) } aria-current=[current]
                                href=(query.with_band(band).address()) {
                                @if let Some(shape) = shape { (sign(shape)) }
                                (title) " " b { (grouped(number)) }
                            }
                        }
                    }
                }
            }
            (search("ends", query.fields(), &query.providers.text, &SEARCH))
            @if query.is_filtered() {
                p.narrowed {
                    @for (text, without) in query.filters() {
                        a.label href=(without.address()) {
                            (untrusted(&text))
                            span aria-hidden="true" { " ×" }
                            span.sr-only { ", remove this filter" }
                        } " "
                    }
                    (count(found.selected, "end", "ends")) ". "
                    a href="ends" { "Show all" }
                }
            }
        }
    }
}

/// The name of the search field and what it shows while it is empty.
const SEARCH: [&str; 2] = [
    "Search names of credentials and providers, recipes, vendors, hosts, owners and labels",
    "Credential, provider, owner…",
];

fn table(found: &Found, query: &Query, now: Moment) -> Markup {
    let wall = unix_seconds(now.wall);
    let titles = [
        ("st", "State"),
        ("left", "Time left"),
        ("who", "What ends"),
        ("why", "Provider"),
        ("by", "Owner"),
        ("when", "When"),
        ("renew", "Renew"),
    ];
    html! {
        table.list.ends role="table" {
            caption.sr-only { "Ends of credentials, the earliest first" }
            colgroup { @for (class, _) in titles { col class=(class); } }
            thead role="rowgroup" {
                tr role="row" {
                    @for (class, title) in titles {
                        th class=(class) role="columnheader" scope="col" { (title) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for end in &found.ends { (row(end, query, now, wall)) }
            }
        }
    }
}

fn row(end: &End, query: &Query, now: Moment, wall: f64) -> Markup {
    let provider = &end.entry.provider;
    let band = end.band(now.wall);
    let source = end.what.source();
    let name = visible(end.what.name(provider));
    let key = format!("{}/{}/{name}", provider.name, source.word());
    let pause = provider.pause(now.wall);
    html! {
        tr role="row" class={ "row one " (band.word()) } data-key=(key) {
            td.st role="cell" {
                @if let Some(shape) = band.shape() { (sign(shape)) }
                span.word { (band.word()) }
            }
            td class={ "left " (tone(band)) } role="cell" {
                span { (left(unix_seconds(end.at) - wall)) }
            }
            th.who role="rowheader" scope="row" {
                @if name.is_empty() { b { "credential" } } @else {
                    b dir="auto" title=(name) { (name) }
                }
                @if let What::Credential { is_next: true, .. } = end.what {
                    " " span.label { "next" }
                }
                " " (origin(source, query))
            }
            td.why role="cell" {
                (provider_cell(end, query))
                @if pause.is_some() { " " span.badge.paused { (sign(Shape::Paused)) "paused" } }
            }
            td.by role="cell" { (owner(provider, query)) }
            td.when role="cell" { (clock_to_minutes(end.at)) }
            td.renew role="cell" {
                @if let (Some(url), true) = (&provider.facts.renew_url, is_renewable(source)) {
                    a href=(&**url) rel="noreferrer noopener" {
                        "Renew" span.sr-only { " " (name) }
                    }
                }
            }
        }
    }
}

/// Only the vendor renews the certificate of an endpoint.
fn is_renewable(source: Source) -> bool {
    source != Source::Endpoint
}

fn tone(band: Band) -> &'static str {
    match band {
        Band::Ended | Band::Critical => "red",
        Band::Warning => "orange",
        Band::Later => "dim",
    }
}

fn left(seconds: f64) -> String {
    let length = unit(seconds.abs());
    if seconds > 0.0 { format!("in {length}") } else { format!("{length} ago") }
}

fn origin(source: Source, query: &Query) -> Markup {
    let phrase = source.phrase();
    html! {
        small {
            @if query.source == Some(source) { (phrase) } @else {
                a.quiet href=(query.with_source(Some(source)).address()) {
                    @if source == Source::Declared { code { (phrase) } } @else { (phrase) }
                }
            }
        }
    }
}

fn provider_cell(end: &End, query: &Query) -> Markup {
    let provider = &end.entry.provider;
    let name = visible(&provider.name);
    html! {
        a.name dir="auto" href=(provider_path(&provider.name)) title=(name) { (name) }
        @match end.what {
            What::Endpoint(others) if others > 0 => {
                @let host = provider.endpoint.as_deref().unwrap_or_default();
                a.quiet href=(query.providers.at_host(host).address()) {
                    small { "and " (grouped(others)) " more" }
                }
            }
            _ => {
                small { (visible(vendor_or_host(provider))) }
            }
        }
    }
}

/// The owner, else the team.
fn owner(provider: &Provider, query: &Query) -> Markup {
    let team = provider.labels.iter().find(|(name, _)| name == TEAM);
    html! {
        @if let Some(owner) = &provider.facts.owner {
            @let address = query.of(query.providers.of_owner(owner)).address();
            a.quiet dir="auto" href=(address) title=(visible(owner)) { (visible(owner)) }
        } @else if let Some((name, value)) = team {
            @let address = query.of(query.providers.with_label(name, value)).address();
            a.label dir="auto" href=(address) title=(visible(value)) { (visible(value)) }
        }
    }
}

fn empty(query: &Query) -> Markup {
    html! {
        p.empty {
            @if query.is_filtered() { "No end matches." } @else {
                "credwatch knows an end from " code { "secret_expires" } ", from answers of the \
                 provider, from a token or certificate itself, and from a provider's list."
            }
        }
    }
}

/// The credentials that have no row.
fn endless(found: &Found) -> Markup {
    let verb = if found.never == 1 { "never ends" } else { "never end" };
    html! {
        p.endless {
            "Not shown: " (count(found.never, "credential", "credentials")) " that " (verb) ", and "
            (grouped(found.unknown)) " whose end is not known."
            @if found.replaced > 0 {
                " " (count(found.replaced, "listed credential is", "listed credentials are"))
                " replaced: another one with the same name goes on."
            }
            @if found.unknown > 0 { " " code { "secret_expires" } " tells an end." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_has_one_unit() {
        assert_eq!([left(90.0), left(0.0), left(-3_700.0)], ["in 1m", "0s ago", "1h ago"]);
    }
}
