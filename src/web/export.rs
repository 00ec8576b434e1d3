//! `/api/v1/history`: the history of all providers as JSON lines.

use std::io;
use std::sync::Arc;

use axum::extract::{Query, State as Shared};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::{problem, unknown};
use super::app::App;
use super::history::{incident, period};
use crate::metrics::{Sink, piece};
use crate::provider::Slot;
use crate::state::Entry;
use crate::state::long::{HOURS_OF_A_DAY, LongHistory};
use crate::storage::Storage;

/// The size at which a part of the export is sent, in bytes.
const PIECE: usize = 32 * 1024;

/// What one line of the export is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hour,
    Day,
    Incident,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Incident];

    fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Incident => "incident",
        }
    }
}

/// What of the history is exported.
#[derive(Deserialize)]
pub struct Wanted {
    provider: Option<String>,
    kind: Option<String>,
}

/// The history of all providers or of one, as JSON lines.
pub async fn export(Shared(app): Shared<App>, Query(wanted): Query<Wanted>) -> Response {
    let (roster, now) = (app.ledger.roster(), app.ledger.now().wall);
    let is_kind = |kind: &Kind| wanted.kind.as_deref().is_none_or(|word| word == kind.word());
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(is_kind).collect();
    if kinds.is_empty() {
        return problem(StatusCode::BAD_REQUEST, "there is no such kind");
    }
    let entries = match &wanted.provider {
        None => roster.entries().to_vec(),
        Some(name) => match roster.entry(name, Slot::Current) {
            Some(entry) => vec![Arc::clone(entry)],
            None => return unknown(),
        },
    };
    let storage = app.storage.clone();
    let write =
        move |sink: &mut dyn Sink| write_lines(sink, &entries, storage.as_deref(), now, &kinds);
    match app.exports.send(write).await {
        Ok(body) => (LINES, body).into_response(),
        Err(busy) => busy.into_response(),
    }
}

/// The headers of JSON lines.
const LINES: [(HeaderName, &str); 2] =
    [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];

fn write_lines(
    sink: &mut dyn Sink,
    entries: &[Arc<Entry>],
    storage: Option<&Storage>,
    now: Timestamp,
    kinds: &[Kind],
) -> io::Result<()> {
    let mut text = piece();
    let mut write = |entry: &Entry, long: &LongHistory| {
        let day = |day: u32| day.saturating_mul(HOURS_OF_A_DAY);
        let hours = long.hours.iter().map(|(hour, tally)| (Kind::Hour, period(*hour, tally)));
        let days = long.days.iter().flatten();
        let days = days.map(|(number, tally)| (Kind::Day, period(day(*number), tally)));
        let incidents = long.incidents.iter().map(|past| (Kind::Incident, incident(past)));
        let all = hours.chain(days).chain(incidents);
        for (kind, value) in all.filter(|(kind, _)| kinds.contains(kind)) {
            let line = Line { provider: &entry.provider.name, kind: kind.word(), value };
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
            if text.len() >= PIECE {
                sink.take(&mut text)?;
            }
        }
        Ok(())
    };
    match storage {
        Some(storage) => storage.export(entries, now, &mut write)?,
        None => {
            for entry in entries {
                write(entry, &LongHistory::of(&entry.timeline_until(now), None, now))?;
            }
        }
    }
    sink.take(&mut text)
}

#[derive(Serialize)]
struct Line<'a> {
    provider: &'a str,
    kind: &'a str,
    #[serde(flatten)]
    value: Value,
}
