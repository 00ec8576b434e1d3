//! `/sd/prometheus`: all providers as targets, so that Prometheus scrapes `/probe` for each.
//!
//! The format is the HTTP service discovery of Prometheus.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::app::App;
use crate::state::Entry;

/// One target group, with one target.
#[derive(Serialize)]
struct Group {
    targets: [String; 1],
    labels: Map<String, Value>,
}

pub async fn prometheus(Shared(app): Shared<App>, headers: HeaderMap) -> Response {
    // The `Host` header is the address at which Prometheus reaches this daemon. Relabelling can
    // change it.
    let address = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("127.0.0.1:9797")
        .to_owned();
    let ledger = Arc::clone(&app.ledger);
    let written = app.documents.write(move || {
        let roster = ledger.roster();
        let groups: Vec<Group> =
            roster.entries().iter().map(|entry| group(entry, &address)).collect();
        // Writing a value to memory cannot fail.
        ((), serde_json::to_vec(&groups).unwrap_or_default())
    });
    match written.await {
        Ok(((), bytes)) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(busy) => busy.into_response(),
    }
}

fn group(entry: &Entry, address: &str) -> Group {
    let provider = &entry.provider;
    let mut labels: Map<String, Value> =
        provider.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    labels.insert("provider".into(), provider.name.as_str().into());
    labels.insert("__param_provider".into(), provider.name.as_str().into());
    labels.insert("__metrics_path__".into(), "/probe".into());
    labels.insert("__meta_credwatch_recipe".into(), provider.recipe.name.as_str().into());
    labels.insert(
        "__meta_credwatch_interval_seconds".into(),
        provider.cadence.interval.as_secs_f64().to_string().into(),
    );
    Group { targets: [address.to_owned()], labels }
}
