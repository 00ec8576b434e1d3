//! The links of the pages to other tools: `[web.links]`.

use super::facts::NO_LINK;
use super::parsed::Parsed;
use crate::diagnostic::Fault;
use crate::links::{Link, Links, PROVIDER, REASON, has_only};
use crate::recipe::definition::Text;

/// The links. Faults are added to `faults`.
pub fn links(main: &Parsed, faults: &mut Vec<Fault>) -> Links {
    let file = &main.file.web.links;
    let mut read = |text: Option<&Text>, place: &str| -> Option<Box<str>> {
        let text = text?;
        let address = text.0.get_ref().trim();
        let Some(problem) = problem(address, place) else { return Some(address.into()) };
        faults.push(Fault::error(&main.source, text.0.span(), problem));
        None
    };
    let board = read(file.board.as_ref(), PROVIDER);
    let alertmanager = read(file.alertmanager.as_ref(), "");
    let runbooks = read(file.runbooks.as_ref(), REASON);
    Links {
        board,
        alertmanager: alertmanager.map(|address| address.trim_end_matches('/').into()),
        runbooks: runbooks.map(|address| {
            let has_place = address.contains(REASON) || address.contains('#');
            if has_place { address } else { format!("{address}#{REASON}").into() }
        }),
    }
}

/// What is wrong with an address. `place` is what may stand in it for a name; empty for nothing.
fn problem(address: &str, place: &str) -> Option<&'static str> {
    if !has_only(address, place) {
        return Some(match place {
            PROVIDER => "the only braces of this link can be {provider}, after its host",
            REASON => "the only braces of this link can be {reason}, after its host",
            _ => "this link has no braces: credwatch adds the name of the provider",
        });
    }
    let filled = if place.is_empty() { address.to_owned() } else { address.replace(place, "x") };
    if Link::checked(&filled).is_none() {
        return Some(NO_LINK);
    }
    (place.is_empty() && address.contains(['?', '#'])).then_some(
        "this is more than the address of Alertmanager: it must have no query and no fragment",
    )
}
