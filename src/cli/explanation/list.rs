//! The list of credentials that a probe read.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::print::Style::{Bad, Dim, Head};
use super::super::print::counted;
use super::ends::{expires, told};
use crate::outcome::{ListRead, ListedCredential, Probe};
use crate::printable::printable;
use crate::provider::Provider;

/// The most credentials that are written as text.
const MOST_LINES: usize = 50;

pub fn write(out: &mut String, provider: &Provider, probe: &Probe) {
    let Some(list) = probe.list.as_deref() else { return };
    let list = match list {
        Ok(list) => list,
        Err(failure) => {
            let _ = writeln!(
                out,
                "  {} the list of credentials was not read: {} ({})",
                Bad.paint("but"),
                failure.message.as_str(),
                failure.code
            );
            return;
        }
    };
    let (count, reading) = (list.rows.len(), &list.reading);
    let _ = write!(out, "\n{} {}", Head.paint("Listed"), counted(count, "credential"));
    let _ = write!(
        out,
        ", from {} on {}",
        counted(reading.rows, "row"),
        counted(reading.pages, "page")
    );
    if list.dropped > 0 {
        let _ = write!(out, "; at least {} more are left out", list.dropped);
    }
    out.push('\n');
    for (key, source) in provider.recipe.list_sources() {
        let result = match key {
            "keep" => format!("  → does not hold for {}", counted(reading.not_kept, "row")),
            _ => String::new(),
        };
        let line = format!("  {key:<8} {}{result}", printable(source));
        let _ = writeln!(out, "{}", Dim.paint(&line));
    }
    for hidden in &reading.hidden {
        let why = if hidden.by_name {
            "the name of that member says that it is secret"
        } else {
            "the text repeats a secret"
        };
        let _ = writeln!(
            out,
            "  {} {} of `{}` {} hidden, because {why}: choose another member for the name",
            Bad.paint("but"),
            counted(hidden.names, "text"),
            printable(&hidden.rule),
            if hidden.names == 1 { "is" } else { "are" }
        );
    }
    for row in list.rows.iter().take(MOST_LINES) {
        let end = told(row.with_max_age(provider.policy.max_age), probe.started);
        let _ = writeln!(out, "  {}  {end}", printable(&row.name));
    }
    if count > MOST_LINES {
        out.push_str("  …\n");
    }
}

pub fn as_json(list: &ListRead, provider: &Provider) -> Value {
    let row = |row: &ListedCredential| {
        json!({
            "name": &*row.name,
            "expires": expires(row.with_max_age(provider.policy.max_age)),
            "created": row.created.map(|created| created.to_string()),
        })
    };
    match list {
        Ok(list) => json!({
            "credentials": list.rows.iter().map(row).collect::<Vec<_>>(),
            "dropped": list.dropped,
            "pages": list.reading.pages,
            "rows": list.reading.rows,
            "not_kept": list.reading.not_kept,
            "hidden_names": list.reading.hidden.iter().map(|hidden| json!({
                "rule": hidden.rule,
                "names": hidden.names,
                "secret_by_name": hidden.by_name,
            })).collect::<Vec<_>>(),
        }),
        Err(failure) => json!({
            "failure": {
                "reason": failure.reason.word(),
                "code": failure.code.as_str(),
                "message": failure.message.as_str(),
            },
        }),
    }
}
