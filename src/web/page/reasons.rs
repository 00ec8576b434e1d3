//! `/reasons`: what each reason means and what to do about it.

use maud::html;

use super::format::prose;
use super::parts::{Place, Sheet};
use crate::outcome::{Class, Reason};
use crate::state::Ledger;

/// What each class is about, in the order of the documentation.
const CLASSES: [(Class, &str); 4] = [
    (Class::Network, "the network between credwatch and the provider"),
    (Class::Provider, "the provider"),
    (Class::Credential, "the credential; its owner must act"),
    (Class::Config, "credwatch: its configuration, or its host"),
];

/// The page.
pub fn page(ledger: &Ledger) -> Sheet {
    let body = html! {
        nav.back aria-label="Back" { a href="./" { "← All providers" } }
        h1 { "What the reasons mean" }
        @for (class, subject) in CLASSES {
            section.reasons {
                h2 { (class.word()) ": " (subject) }
                dl.steps {
                    @for facts in Reason::ALL.map(Reason::facts) {
                        @if facts.class == class {
                            dt id=(facts.word) { (facts.word) }
                            dd {
                                p { (prose(facts.meaning)) }
                                p { b { "What to do: " } (prose(facts.action)) }
                            }
                        }
                    }
                }
            }
        }
    };
    Sheet {
        root: "./",
        place: Place::Reasons,
        title: "What the reasons mean · credwatch".into(),
        summary: String::new(),
        alarm: false,
        stalled: ledger.is_stalled(),
        now: ledger.now(),
        body,
    }
}
