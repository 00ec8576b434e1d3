//! `/api/v1/providers`: the state of providers as JSON. `docs/openapi.json` describes the format.
//!
//! Version 1 may get more members, but no member is renamed or removed or changes its meaning.

use std::io::{self, Write as _};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::app::App;
use super::history::{add_periods, incident};
use super::listed;
use crate::metrics::{Sink, piece};
use crate::outcome::{CredentialEnd, Expiry, Failure, Phases, Reason};
use crate::pause::Pause;
use crate::provider::{Provider, Slot};
use crate::state::history::History;
use crate::state::long::LongHistory;
use crate::state::{Entry, Health, Ledger, Moment, Roster, State};
use crate::time::{date, from_unix_seconds, unix_seconds};

/// The headers of an answer in JSON that must not be stored.
pub const JSON: [(HeaderName, &str); 2] =
    [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];

/// The maximum number of providers in one answer.
const MAX_LIMIT: usize = 1_000;

/// The size at which a part of a list is sent, in bytes.
const PIECE: usize = 32 * 1024;

#[derive(Deserialize)]
pub struct Filter {
    state: Option<String>,
    offset: Option<usize>,
    limit: Option<usize>,
}

/// One provider with the state of its credentials.
#[derive(Serialize)]
struct ProviderState {
    name: String,
    recipe: String,
    /// `issued` or `static`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    renew_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_url: Option<String>,
    labels: Map<String, Value>,
    #[serde(flatten)]
    current: CredentialState,
    probes: u64,
    secret_expires: Option<String>,
    tls_insecure: bool,
    /// Why the provider is not probed, and until when.
    paused: Option<Value>,
    /// The state of the next credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<CredentialState>,
}

/// The state of one credential.
#[derive(Serialize)]
struct CredentialState {
    state: &'static str,
    since: Option<String>,
    failure: Option<Value>,
    consecutive_failures: u32,
    last_attempt: Option<String>,
    last_success: Option<String>,
    next_probe: Option<String>,
    http_status: Option<u16>,
    phases_seconds: Map<String, Value>,
    /// The calls of a probe, when it makes more than the token request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<Value>,
    token: Option<Value>,
    missing_scopes: usize,
    clock_skew_seconds: Option<f64>,
    certificate_expires: Option<String>,
    /// What is known about the ends of the configured credentials.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    credential_ends: Vec<Value>,
    /// Only of a provider with a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate_expires: Option<String>,
}

pub async fn providers(Shared(app): Shared<App>, Query(filter): Query<Filter>) -> Response {
    let Some(group) = Group::of(filter.state.as_deref()) else {
        return problem(StatusCode::BAD_REQUEST, "there is no such state");
    };
    let ledger = Arc::clone(&app.ledger);
    let write = move |sink: &mut dyn Sink| write_list(sink, &ledger, group, &filter);
    match app.lists.send(write).await {
        Ok(body) => (JSON, body).into_response(),
        Err(busy) => busy.into_response(),
    }
}

/// The providers that a list has.
#[derive(Clone, Copy)]
enum Group {
    All,
    /// Those in a state that are not paused, as on the page.
    In(State),
    Paused,
}

impl Group {
    fn of(word: Option<&str>) -> Option<Self> {
        match word {
            None => Some(Self::All),
            Some("paused") => Some(Self::Paused),
            Some(word) => State::ALL.into_iter().find(|state| state.word() == word).map(Self::In),
        }
    }

    fn has(self, entry: &Entry, now: Moment) -> bool {
        let is_paused = || entry.provider.pause(now.wall).is_some();
        match self {
            Self::All => true,
            Self::In(state) => entry.health().state() == state && !is_paused(),
            Self::Paused => is_paused(),
        }
    }
}

/// Writes a part of the list, one provider after the other.
fn write_list(
    sink: &mut dyn Sink,
    ledger: &Ledger,
    group: Group,
    filter: &Filter,
) -> io::Result<()> {
    let (roster, now) = (ledger.roster(), ledger.now());
    let chosen: Vec<_> = roster.entries().iter().filter(|entry| group.has(entry, now)).collect();
    let mut text = piece();
    let (total, stalled) = (chosen.len(), ledger.is_stalled());
    write!(text, "{{\"total\":{total},\"stalled\":{stalled},\"providers\":[")?;
    let limit = filter.limit.unwrap_or(MAX_LIMIT).min(MAX_LIMIT);
    let shown = chosen.iter().skip(filter.offset.unwrap_or(0)).take(limit);
    for (index, entry) in shown.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, &provider_state(entry, &roster, now))?;
        if text.len() >= PIECE {
            sink.take(&mut text)?;
        }
    }
    text.extend_from_slice(b"]}");
    sink.take(&mut text)
}

pub async fn provider(Shared(app): Shared<App>, Path(name): Path<String>) -> Response {
    one(&app, &name, StatusCode::OK).await
}

/// One provider with its history, or [`unknown`].
pub async fn one(app: &App, name: &str, status: StatusCode) -> Response {
    let (roster, now) = (app.ledger.roster(), app.ledger.now());
    let Some(entry) = roster.entry(name, Slot::Current).cloned() else { return unknown() };
    let long = app.long_history(&entry, now.wall).await;
    let response = answer(app, move || {
        let mut value =
            serde_json::to_value(provider_state(&entry, &roster, now)).unwrap_or_default();
        // The scheduler waits for this lock when it records a probe.
        let past = entry.history().clone();
        if let Some(members) = value.as_object_mut() {
            members.insert("history".into(), history(&past, &long));
            members.insert("incidents".into(), long.incidents.iter().map(incident).collect());
            let health = entry.health().clone();
            if let Some(list) = health.listed(&entry.provider) {
                let list = listed::listed(list, &entry.provider, now.wall);
                members.insert("listed".into(), list);
            }
        }
        value
    });
    match response.await {
        answer if answer.status().is_success() => (status, answer).into_response(),
        busy => busy,
    }
}

/// The answer for a name that no provider has.
pub fn unknown() -> Response {
    problem(StatusCode::NOT_FOUND, "there is no provider with this name")
}

/// Writes JSON on a thread that is not used for probes.
async fn answer(app: &App, value: impl FnOnce() -> Value + Send + 'static) -> Response {
    // Writing a value to memory cannot fail.
    let written =
        app.documents.write(move || ((), serde_json::to_vec(&value()).unwrap_or_default()));
    match written.await {
        Ok(((), bytes)) => (JSON, bytes).into_response(),
        Err(busy) => busy.into_response(),
    }
}

/// An answer with the member `error`.
pub fn problem(status: StatusCode, error: &str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(json!({ "error": error }))).into_response()
}

fn provider_state(entry: &Entry, roster: &Roster, now: Moment) -> ProviderState {
    let provider = &entry.provider;
    let health = entry.health().clone();
    ProviderState {
        name: provider.name.clone(),
        recipe: provider.recipe.name.clone(),
        kind: provider.recipe.kind().word(),
        api_host: provider.api_host.as_deref().map(str::to_owned),
        owner: provider.facts.owner.as_deref().map(str::to_owned),
        renew_url: provider.facts.renew_url.as_deref().map(str::to_owned),
        vendor_url: provider.facts.vendor_url.as_deref().map(str::to_owned),
        labels: provider
            .labels
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect(),
        current: credential_state(provider, &health, now),
        probes: health.probes(),
        secret_expires: provider.secret_expires.map(date),
        tls_insecure: provider.transport.insecure,
        paused: provider.pause(now.wall).map(|pause| paused(&pause)),
        next: roster
            .entry(&provider.name, Slot::Next)
            .map(|next| credential_state(&next.provider, &next.health(), now)),
    }
}

fn credential_state(provider: &Provider, health: &Health, now: Moment) -> CredentialState {
    let step = |name: &Arc<str>| {
        let calls = health.step(name);
        json!({
            "step": &**name,
            "made": calls.made,
            "failed": calls.failed,
            "duration_seconds": (calls.made > 0).then_some(calls.duration),
        })
    };
    let phases = Phases::WORDS
        .iter()
        .zip(health.phases().values())
        .map(|(word, seconds)| ((*word).to_owned(), seconds.into()));
    CredentialState {
        state: health.state().word(),
        since: health.since().map(date),
        failure: health
            .current_failure()
            .map(|current| failure(&current.failure, Some(current.since))),
        consecutive_failures: health.consecutive_failures(),
        last_attempt: health.last_attempt().map(date),
        last_success: health.last_success().map(date),
        next_probe: health.next_probe(provider, now).and_then(from_unix_seconds).map(date),
        http_status: health.status(),
        phases_seconds: phases.collect(),
        steps: provider.steps.iter().map(step).collect(),
        token: health.token().map(|token| {
            let (expires, left) = match token.expiry {
                Expiry::At(end) => {
                    (Some(date(end)), Some(millis(unix_seconds(end) - unix_seconds(now.wall))))
                }
                Expiry::Never | Expiry::Unknown => (None, None),
            };
            json!({
                "expires": expires,
                "never_expires": token.expiry == Expiry::Never,
                "time_to_expiry_seconds": left,
                "lifetime_seconds": token.lifetime.map(millis),
                "expiry_disagreement_seconds": token.disagreement.map(millis),
            })
        }),
        missing_scopes: health.missing_scopes(),
        clock_skew_seconds: health.clock_skew().map(millis),
        certificate_expires: health.certificate_expiry().map(date),
        credential_ends: health
            .credential_ends(provider)
            .map(|(end, expiry)| credential_end(end, expiry))
            .collect(),
        client_certificate_expires: health.client_certificate_expiry(provider).map(date),
    }
}

fn credential_end(end: &CredentialEnd, expiry: Expiry) -> Value {
    json!({
        "credential": &*end.credential,
        "source": end.source.word(),
        "expires": if let Expiry::At(time) = expiry { Some(date(time)) } else { None },
        "never_expires": expiry == Expiry::Never,
        "created": end.created.map(date),
    })
}

/// The member `paused`.
pub fn paused(pause: &Pause) -> Value {
    json!({ "cause": pause.cause.word(), "until": pause.until.map(date) })
}

fn failure(failure: &Failure, since: Option<Timestamp>) -> Value {
    let facts = failure.reason.facts();
    let mut value = json!({
        "class": facts.class.word(),
        "reason": facts.word,
        "code": failure.code.as_str(),
        "message": failure.message.as_str(),
        "meaning": facts.meaning,
        "action": facts.action,
    });
    if let (Some(since), Some(members)) = (since, value.as_object_mut()) {
        members.insert("since".into(), date(since).into());
    }
    value
}

fn history(history: &History, long: &LongHistory) -> Value {
    let probes: Vec<Value> = history
        .probes()
        .iter()
        .map(|past| {
            json!({
                "started": date(past.started()),
                "duration_seconds": millis(past.duration.into()),
                "reason": past.reason.map(Reason::word),
            })
        })
        .collect();
    let failures: Vec<Value> = history
        .failures()
        .iter()
        .map(|past| {
            let mut value = failure(&past.failure, None);
            if let Some(members) = value.as_object_mut() {
                members.insert("started".into(), date(past.started).into());
                members.insert("duration_seconds".into(), millis(past.duration).into());
                members.insert("http_status".into(), past.status.into());
            }
            value
        })
        .collect();
    let mut members = Map::new();
    members.insert("probes".into(), probes.into());
    members.insert("failures".into(), failures.into());
    members.insert("reading".into(), json!(history.reading()));
    add_periods(long, &mut members);
    members.into()
}

fn millis(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
