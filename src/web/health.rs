//! `/healthz` reports the credentials, `/livez` the process, and `/readyz` the first results.

use std::sync::Arc;

use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::api::{self, JSON};
use super::app::App;
use super::documents::Busy;
use crate::provider::Slot;
use crate::schedule::Mode;
use crate::state::{Entry, Ledger, Moment, State};
use crate::time::unix_seconds;

#[derive(Deserialize)]
pub struct Filter {
    provider: Option<String>,
}

/// The health of one provider as JSON.
#[derive(Serialize)]
struct ProviderHealth {
    state: &'static str,
    class: Option<&'static str>,
    reason: Option<&'static str>,
    code: Option<String>,
    message: Option<String>,
    /// When the state began.
    since: Option<String>,
    time_to_expiry_seconds: Option<f64>,
    never_expires: bool,
    /// Why the provider is not probed, and until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<Json>,
    /// The health of the next credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Box<ProviderHealth>>,
}

pub async fn healthz(Shared(app): Shared<App>, Query(filter): Query<Filter>) -> Response {
    let ledger = Arc::clone(&app.ledger);
    let written = app.health.write(move || {
        let (status, body) = health(&ledger, filter.provider.as_deref());
        // Writing a value to memory cannot fail.
        (status, serde_json::to_vec(&body).unwrap_or_default())
    });
    match written.await {
        Ok((status, bytes)) => (status, JSON, bytes).into_response(),
        // 503 would say that a provider is broken.
        Err(Busy(problem)) => api::problem(StatusCode::TOO_MANY_REQUESTS, problem),
    }
}

/// The status and body for all providers, or for one.
fn health(ledger: &Ledger, name: Option<&str>) -> (StatusCode, Json) {
    let (now, roster) = (ledger.now(), ledger.roster());
    let chosen: Vec<_> = match name {
        None => roster.entries().iter().collect(),
        Some(name) => match roster.entry(name, Slot::Current) {
            Some(entry) => vec![entry],
            None => {
                return (
                    StatusCode::NOT_FOUND,
                    json!({ "error": "there is no provider with this name" }),
                );
            }
        },
    };
    let mut broken = false;
    let mut providers = Map::new();
    for entry in chosen {
        let mut health = provider_health(entry, now);
        broken |= health.state == State::Broken.word() && health.paused.is_none();
        // A broken next credential does not affect consumers yet, so it does not change the status.
        health.next = roster
            .entry(&entry.provider.name, Slot::Next)
            .map(|next| Box::new(provider_health(next, now)));
        providers
            .insert(entry.provider.name.clone(), serde_json::to_value(health).unwrap_or_default());
    }
    let status = if ledger.is_stalled() {
        "stalled"
    } else if broken {
        "broken"
    } else {
        "ok"
    };
    let code = if status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, json!({ "status": status, "providers": providers }))
}

fn provider_health(entry: &Entry, now: Moment) -> ProviderHealth {
    let health = entry.health();
    let failure = health.failure();
    let left = |end| ((unix_seconds(end) - unix_seconds(now.wall)) * 1e3).round() / 1e3;
    ProviderHealth {
        state: health.state().word(),
        class: failure.map(|failure| failure.reason.class().word()),
        reason: failure.map(|failure| failure.reason.word()),
        code: failure.map(|failure| failure.code.as_str().to_owned()),
        message: failure.map(|failure| failure.message.as_str().to_owned()),
        since: health.since().map(|since| since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        time_to_expiry_seconds: health.token_end().map(left),
        never_expires: health.token_never_ends(),
        paused: entry.provider.pause(now.wall).map(|pause| api::paused(&pause)),
        next: None,
    }
}

pub async fn livez(Shared(app): Shared<App>) -> Response {
    if app.ledger.is_stalled() {
        (StatusCode::SERVICE_UNAVAILABLE, "the scheduler has stopped\n").into_response()
    } else {
        (StatusCode::OK, "ok\n").into_response()
    }
}

pub async fn readyz(Shared(app): Shared<App>) -> Response {
    let roster = app.ledger.roster();
    let entries = roster.entries();
    let now = app.ledger.now().wall;
    let is_unknown = |entry: &&Arc<Entry>| {
        entry.health().state() == State::Unknown && entry.provider.pause(now).is_none()
    };
    let unknown = entries.iter().filter(is_unknown).count();
    // In on-demand mode nothing is probed until Prometheus asks, and Prometheus may ask only ready
    // daemons. So `/readyz` must not wait for a first result.
    if unknown == 0 || app.mode == Mode::OnDemand {
        (StatusCode::OK, "ok\n").into_response()
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{unknown} of {} providers have no result yet\n", entries.len()),
        )
            .into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Daemon, Exposition};

    #[tokio::test(start_paused = true)]
    async fn clients_that_do_not_read_their_answers_are_no_false_alarm() {
        let ledger = Arc::new(Ledger::new(Vec::new(), &[]));
        let exposition = Arc::new(Exposition::new(Arc::clone(&ledger), Daemon::new()));
        let app = App::new(ledger, exposition, None);
        let ask = async || healthz(Shared(app.clone()), Query(Filter { provider: None })).await;
        let unread = app.health.write(|| ((), vec![b'x'; 64 << 20])).await;
        let busy = ask().await;
        assert_eq!(busy.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(busy.headers()["content-type"], "application/json");
        drop(unread);
        assert_eq!(ask().await.status(), StatusCode::OK);
    }
}
