//! The groups, the search field and the chosen filters of the list.

use maud::{Markup, html};

use super::facet::Facet;
use super::finding::Found;
use super::format::{grouped, untrusted};
use super::selection::Selection;
use super::shape::sign;
use crate::state::State;

/// The groups by state, the search field and the chosen filters.
pub fn filters(found: &Found, selection: &Selection) -> Markup {
    html! {
        div.filters {
            nav aria-label="Filter by state" {
                ul.chips {
                    (chip(None, "All", found.matching.all, selection))
                    @for facet in Facet::ALL {
                        @let number = found.matching.of(facet);
                        @let is_chosen = selection.facet == Some(facet);
                        @if number > 0 || is_chosen || facet.is_always_offered() {
                            (chip(Some(facet), facet.title(), number, selection))
                        }
                    }
                }
            }
            (search("./", selection.fields(), &selection.text, &SEARCH))
            @if selection.is_filtered() { (narrowed(found, selection)) }
        }
    }
}

/// How many providers the filter leaves, and how many are broken outside it.
fn narrowed(found: &Found, selection: &Selection) -> Markup {
    let broken = Facet::In(State::Broken);
    let elsewhere = found.total.of(broken) - found.selected.of(broken);
    html! {
        p.narrowed {
            @for (text, without) in selection.filters() {
                a.label href=(without.address()) {
                    (untrusted(&text))
                    span aria-hidden="true" { " ×" }
                    span.sr-only { ", remove this filter" }
                } " "
            }
            (grouped(found.selected.all)) " of " (grouped(found.total.all)) ". "
            @if elsewhere > 0 { "Elsewhere " (grouped(elsewhere)) " broken. " }
            a href="./" { "Show all" }
        }
    }
}

/// The link that chooses a group, with the number of its providers.
fn chip(facet: Option<Facet>, title: &str, number: usize, selection: &Selection) -> Markup {
    let current = (selection.facet == facet).then_some("true");
    let shape = facet.and_then(Facet::shape);
    // A group without providers has no colour.
    let tone = shape.filter(|_| number > 0).map_or("", |shape| shape.word());
    let address = selection.with_facet(facet).address();
    html! {
        li data-key=(title) {
            a class={ "chip " (tone) } href=(address) aria-current=[current] {
                @if let Some(shape) = shape { (sign(shape)) }
                (title) " " b { (grouped(number)) }
            }
        }
    }
}

/// The name of the search field and what it shows while it is empty.
const SEARCH: [&str; 2] = [
    "Search names, recipes, vendors, hosts, owners, labels, reasons, codes and messages",
    "Name, team, vendor, code…",
];

/// The search in a list at this address; `fields` keep the other filters.
pub fn search<'a, T: AsRef<str>>(
    address: &str,
    fields: impl IntoIterator<Item = (&'a str, T)>,
    text: &str,
    [title, hint]: &[&str; 2],
) -> Markup {
    html! {
        form role="search" action=(address) method="get" data-key="search" {
            @for (name, value) in fields {
                input type="hidden" name=(name) value=(value.as_ref());
            }
            label.sr-only for="q" { (title) }
            input #q type="search" name="q" value=(text) placeholder=(hint) autocomplete="off"
                spellcheck="false" maxlength="200";
            button type="submit" { "Search" }
        }
    }
}
