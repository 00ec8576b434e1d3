//! Where an answer has scopes.

use super::candidate::{Suggestion, quoted};
use super::members::Member;

/// Where the scopes of the key or the token are: an array, a text, or a header.
pub fn scopes(members: &[Member]) -> Option<Suggestion> {
    let path = members.iter().find_map(|member| {
        let is_named = matches!(
            member.name.as_str(),
            "scopes" | "scope" | "permissions" | "grantedscopes" | "xoauthscopes" | "oauthscopes"
        );
        // The first item of an array has the name of the array.
        let (whole, is_item) = match member.path.strip_suffix("[0]") {
            Some(array) => (array, true),
            None => (member.path.as_str(), false),
        };
        let fits = is_named
            && (is_item || member.name != "permissions")
            && member.value.is_string()
            && member.depth <= 4
            && !whole.contains("[0]");
        fits.then(|| whole.to_owned())
    })?;
    Some(Suggestion::plain("scopes", &quoted(&path)))
}
