//! `/reasons`: what each reason means and what to do about it, from the one table.

use maud::html;

use super::format::prose;
use super::parts::Sheet;
use crate::outcome::{Class, Reason};
use crate::state::Ledger;

/// Who has to act, in the order of the documentation.
const CLASSES: [(Class, &str); 4] = [
    (Class::Network, "The way to the provider"),
    (Class::Provider, "The provider itself"),
    (Class::Credential, "The credential, and so its owner"),
    (Class::Config, "The configuration of this daemon"),
];

/// The page.
pub fn page(ledger: &Ledger) -> Sheet {
    let body = html! {
        nav.back aria-label="Back" { a href="./" { "← All providers" } }
        h1 { "What the reasons mean" }
        @for (class, who) in CLASSES {
            section.reasons {
                h2 { (class.word()) ": " (who) }
                dl.steps {
                    @for facts in Reason::ALL.into_iter().map(Reason::facts).filter(|facts| facts.class == class) {
                        dt id=(facts.word) { (facts.word) }
                        dd { p { (prose(facts.meaning)) } p { b { "Do: " } (prose(facts.action)) } }
                    }
                }
            }
        }
    };
    Sheet {
        root: "./",
        title: "What the reasons mean · credwatch".into(),
        summary: String::new(),
        alarm: false,
        stalled: ledger.is_stalled(),
        now: ledger.now(),
        body,
    }
}
