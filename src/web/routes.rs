//! The paths of the server and their handlers.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};

use super::app::App;
use super::{api, discovery, export, health, page, probe, reload, scrape};

/// All routes.
pub fn all(app: App) -> Router {
    Router::new()
        .route("/", get(page::overview_page))
        .route("/providers", get(page::provider_page_by_query))
        .route("/providers/{name}", get(page::provider_page))
        .route("/ends", get(page::ends_page))
        .route("/reasons", get(page::reasons_page))
        .route("/assets/{name}", get(page::asset))
        .route(&app.telemetry_path, get(scrape::metrics))
        .route("/healthz", get(health::healthz))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/probe", get(probe::probe))
        .route("/sd/prometheus", get(discovery::prometheus))
        .route("/api/v1/providers", get(api::providers))
        .route("/api/v1/providers/{name}", get(api::provider))
        .route("/api/v1/providers/{name}/probe", post(probe::probe_for_operator))
        .route("/api/v1/history", get(export::export))
        .route("/-/reload", post(reload::reload))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found; / links to the other paths\n") })
        .layer(map_response(harden))
        .with_state(app)
}

/// Whether metrics can have this path: it is plain, and no other answer has it.
#[must_use]
pub fn is_free_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./~".contains(&byte);
    let taken = [
        "/", "/providers", "/ends", "/reasons", "/healthz", "/livez", "/readyz", "/probe",
        "/-/reload",
    ];
    let below = ["/providers/", "/assets/", "/sd/", "/api/"];
    path.starts_with('/')
        && path.bytes().all(is_plain)
        && !path.contains("//")
        && !taken.contains(&path)
        && !below.iter().any(|folder| path.starts_with(folder))
}

/// The routes for a supervisor such as Kubernetes. They show nothing about providers.
pub fn probes(app: App) -> Router {
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .fallback(|| async {
            (StatusCode::NOT_FOUND, "not found; this address has only /livez and /readyz\n")
        })
        .layer(map_response(harden))
        .with_state(app)
}

/// Adds the security headers that every answer has.
async fn harden(response: Response) -> Response {
    const ALWAYS: [(HeaderName, HeaderValue); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    (AppendHeaders(ALWAYS), response).into_response()
}
