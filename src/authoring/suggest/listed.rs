//! Rules for an answer that lists keys, from the end of the first one.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::candidate::{Suggestion, quoted};
use super::ends::{self, KeyEnd};
use super::members::Member;
use crate::secret::is_listed_secret;

/// Names of the name of a key, the clearest first.
const NAMES: [&str; 12] = [
    "name", "displayname", "tokenname", "keyname", "label", "title", "nickname", "description",
    "note", "comment", "hint", "email",
];

/// Names of what tells keys of one name apart.
const IDS: [&str; 8] =
    ["id", "uuid", "keyid", "tokenid", "accessorid", "accessor", "credentialid", "identifier"];

/// The rules of `list`, if the end stands in an item of an array.
pub fn rules(end: &KeyEnd, members: &[Member], now: Timestamp) -> Option<Vec<Suggestion>> {
    let places: Vec<&str> = end.path.split("[0]").collect();
    let (rows, each) = match places.as_slice() {
        [rows, _] => (*rows, None),
        [rows, each, _] => (*rows, Some(*each)),
        _ => return None,
    };
    let outer = format!("{rows}[0]");
    let inner = each.map(|each| format!("{outer}{each}[0]"));
    // The expression for a member of the inner or the outer row.
    let in_row = |path: &str| {
        let inner = inner.as_deref().and_then(|inner| path.strip_prefix(inner));
        let place = match inner {
            Some(rest) => Some(format!("each{rest}")),
            None => path.strip_prefix(&outer).map(|rest| format!("row{rest}")),
        };
        place.filter(|place| !place.contains("[0]"))
    };
    let shows = |member: &Member| {
        let text = match &member.value {
            Json::String(text) => text.clone(),
            Json::Number(number) => number.to_string(),
            _ => return false,
        };
        !is_listed_secret(&member.words.join("_"), &text)
    };
    // Those of the inner row come first.
    let named = |wanted: &[&str]| -> Vec<String> {
        let innermost = inner.as_deref().unwrap_or(&outer);
        let place = |is_inner: bool| {
            wanted.iter().find_map(|name| {
                members.iter().find_map(|member| {
                    let is_there = member.path.starts_with(innermost) == is_inner;
                    (is_there && member.name == *name && shows(member))
                        .then(|| in_row(&member.path))
                        .flatten()
                })
            })
        };
        [Some(place(true)), each.map(|_| place(false))].into_iter().flatten().flatten().collect()
    };
    let (titles, ids) = (named(&NAMES), named(&IDS));
    let mut lines = vec![Suggestion::plain("list.rows", &quoted(rows))];
    if let Some(each) = each {
        lines.push(Suggestion::plain("list.each", &quoted(&format!("row{each}"))));
    }
    if titles.is_empty() && ids.is_empty() {
        let mut guess = Suggestion::plain("list.name", &quoted("row.name"));
        guess.todo.push("a guess: what is a key called in the answer?".into());
        lines.push(guess);
    } else if !titles.is_empty() {
        let value = match titles.as_slice() {
            [only] => quoted(only),
            several => {
                let several: Vec<String> = several.iter().map(|name| quoted(name)).collect();
                format!("[{}]", several.join(", "))
            }
        };
        lines.push(Suggestion::plain("list.name", &value));
    }
    lines.extend(ids.first().map(|id| Suggestion::plain("list.id", &quoted(id))));
    lines.extend(keep(members, &in_row));
    let time = |expression: &str, unit: &str| {
        format!("{{ value = {}, unit = \"{unit}\" }}", quoted(expression))
    };
    let path = in_row(&end.path)?;
    let expression = end.expression.replace(&end.path, &path);
    let mut expiry = Suggestion::plain("list.expiry", &time(&expression, end.unit.word()));
    expiry.why.clone_from(&end.why);
    expiry.todo.clone_from(&end.todo);
    lines.push(expiry);
    let is_beside = |member: &&Member| member.parent == end.parent && ends::is_creation(member);
    if let Some(member) = members.iter().find(is_beside)
        && let (Some(unit), Some(path)) =
            (ends::unit_of_creation(member, now), in_row(&member.path))
    {
        lines.push(Suggestion::plain("list.created", &time(&path, unit.word())));
    }
    lines.extend(next(members));
    lines[0].why = "the answer lists several keys".into();
    Some(lines)
}

/// The condition for a key that still counts.
fn keep(members: &[Member], in_row: &impl Fn(&str) -> Option<String>) -> Option<Suggestion> {
    members.iter().find_map(|member| {
        let is_dead = matches!(
            member.name.as_str(),
            "revoked" | "isrevoked" | "disabled" | "isdisabled" | "deleted"
        );
        let is_alive =
            matches!(member.name.as_str(), "active" | "isactive" | "enabled" | "isenabled");
        if !member.value.is_boolean() || !(is_dead || is_alive) {
            return None;
        }
        let path = in_row(&member.path)?;
        Some(Suggestion::plain("list.keep", &quoted(&format!("{path} != {is_dead}"))))
    })
}

/// Where the address of the next page is.
fn next(members: &[Member]) -> Option<Suggestion> {
    let link = members.iter().find(|member| {
        member.path == "http.headers['link']"
            && member.value.as_str().is_some_and(|text| text.contains("rel=\"next\""))
    });
    if link.is_some() {
        return Some(Suggestion::plain("list.next", &quoted(LINK)));
    }
    // Elsewhere `next` can be a number or a text that is no address.
    let names_address = |member: &Member| {
        member.depth == 1
            || member.name != "next" && member.name != "nextpage"
            || member.parent.ends_with("links")
    };
    let is_address = |member: &Member| match member.value.as_str() {
        Some(text) if !text.is_empty() => text.starts_with(['/', '?']) || text.starts_with("http"),
        Some(_) => names_address(member),
        None => member.value.is_null() && names_address(member),
    };
    let is_next = |member: &&Member| {
        let is_named = matches!(
            member.name.as_str(),
            "next" | "nexturl" | "nextlink" | "nextpage" | "nextpageurl" | "odatanextlink"
        );
        is_named && !member.path.contains("[0]") && is_address(member)
    };
    members.iter().find(is_next).map(|member| Suggestion::plain("list.next", &quoted(&member.path)))
}

/// The address of the next page in a `Link` header (RFC 8288).
const LINK: &str = "(http.headers.link | split('>; rel=\"next\"') | first | split('<') | last) \
     if 'rel=\"next\"' in http.headers.link";
