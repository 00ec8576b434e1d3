//! The list of credentials that a probe read.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::print::Style::{Bad, Head};
use crate::outcome::{Expiry, ListRead, ListedCredential, Probe};
use crate::printable::printable;
use crate::provider::Provider;
use crate::time::{human_duration, unix_seconds};

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
    let noun = if count == 1 { "credential" } else { "credentials" };
    let _ = write!(out, "\n{} {count} {noun}", Head.paint("Listed"));
    if list.dropped > 0 {
        let _ = write!(out, ", at least {} more are left out", list.dropped);
    }
    out.push('\n');
    for row in list.rows.iter().take(MOST_LINES) {
        let end = match row.with_max_age(provider.policy.max_age) {
            Expiry::At(time) => {
                let left = unix_seconds(time) - unix_seconds(probe.started);
                let at = time.strftime("%Y-%m-%d %H:%M:%S UTC");
                if left > 0.0 {
                    format!("ends in {}, at {at}", human_duration(left))
                } else {
                    format!("ended {} ago, at {at}", human_duration(-left))
                }
            }
            Expiry::Never => "never ends".into(),
            Expiry::Unknown => "has no known end".into(),
        };
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
            "expires": match row.with_max_age(provider.policy.max_age) {
                Expiry::At(end) => json!(end.to_string()),
                Expiry::Never => json!("never"),
                Expiry::Unknown => json!(null),
            },
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
