//! The list of credentials that a probe read.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::print::Style::{Bad, Head};
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
    let count = list.rows.len();
    let _ = write!(out, "\n{} {}", Head.paint("Listed"), counted(count, "credential"));
    if list.dropped > 0 {
        let _ = write!(out, ", at least {} more are left out", list.dropped);
    }
    out.push('\n');
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
