//! `POST /-/reload`: reloads the configuration like SIGHUP, and answers with the result.

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::oneshot;

use super::app::App;
use crate::reload::{Cause, Trigger};

pub async fn reload(Shared(app): Shared<App>) -> Response {
    let Some(reload) = app.reload else {
        return (
            StatusCode::FORBIDDEN,
            "reloads over HTTP are not enabled; start with --web.enable-lifecycle, \
             or send SIGHUP\n",
        )
            .into_response();
    };
    let (reply, outcome) = oneshot::channel();
    if reload.try_send(Trigger { cause: Cause::Request, reply: Some(reply) }).is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "a reload is already running\n").into_response();
    }
    match outcome.await {
        Ok(Ok(changes)) => {
            (StatusCode::OK, format!("configuration reloaded: {changes}\n")).into_response()
        }
        Ok(Err(problem)) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("configuration refused: {problem}\n"))
                .into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping\n").into_response(),
    }
}
