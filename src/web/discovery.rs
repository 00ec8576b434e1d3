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
use super::authority::Authority;
use crate::state::Entry;

/// One target group, with one target.
#[derive(Serialize)]
struct Group {
    targets: [String; 1],
    labels: Map<String, Value>,
}

/// Where Prometheus reaches this daemon, as its request says.
struct Place {
    address: String,
    /// Empty when Prometheus does not use `--web.external-url`.
    scheme: String,
    prefix: String,
}

pub async fn prometheus(Shared(app): Shared<App>, headers: HeaderMap) -> Response {
    // The `Host` header is the address at which Prometheus reaches this daemon. Relabelling can
    // change it.
    let address = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("127.0.0.1:9797")
        .to_owned();
    let host = Authority::parse(&address);
    let external = app.external.as_ref().zip(host);
    let outside = external.and_then(|(external, host)| external.named_by(&host));
    let (scheme, prefix) = outside.unwrap_or_default();
    let place = Place { address, scheme: scheme.to_owned(), prefix: prefix.to_owned() };
    let ledger = Arc::clone(&app.ledger);
    let written = app.documents.write(move || {
        let roster = ledger.roster();
        let groups: Vec<Group> =
            roster.entries().iter().map(|entry| group(entry, &place)).collect();
        // Writing a value to memory cannot fail.
        ((), serde_json::to_vec(&groups).unwrap_or_default())
    });
    match written.await {
        Ok(((), bytes)) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(busy) => busy.into_response(),
    }
}

fn group(entry: &Entry, place: &Place) -> Group {
    let provider = &entry.provider;
    let mut labels: Map<String, Value> =
        provider.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    labels.insert("provider".into(), provider.name.as_str().into());
    labels.insert("__param_provider".into(), provider.name.as_str().into());
    labels.insert("__metrics_path__".into(), format!("{}/probe", place.prefix).into());
    if !place.scheme.is_empty() {
        labels.insert("__scheme__".into(), place.scheme.as_str().into());
    }
    labels.insert("__meta_credwatch_recipe".into(), provider.recipe.name.as_str().into());
    labels.insert(
        "__meta_credwatch_interval_seconds".into(),
        provider.cadence.interval.as_secs_f64().to_string().into(),
    );
    Group { targets: [place.address.clone()], labels }
}
