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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;
    use crate::metrics::{Daemon, Exposition};
    use crate::reload::trigger_queue;
    use crate::state::Ledger;

    #[tokio::test]
    async fn four_reloads_wait_and_a_fifth_one_is_refused() {
        let (trigger, mut triggers) = trigger_queue();
        let ledger = Arc::new(Ledger::new(Vec::new(), &[]));
        let exposition = Arc::new(Exposition::new(Arc::clone(&ledger), Daemon::new()));
        let app = App::new(ledger, exposition, Some(trigger));
        let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(reload(Shared(app.clone())))).collect();
        for request in &mut waiting {
            assert!(request.now_or_never().is_none(), "it waits");
        }
        let refused = reload(Shared(app.clone())).now_or_never();
        let refused = refused.expect("it is refused at once");
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let running = triggers.recv().await.expect("a trigger");
        assert!(reload(Shared(app)).now_or_never().is_none(), "a place is free again");
        let reply = running.reply.expect("the client waits");
        reply.send(Ok("no change".into())).expect("the client waits");
        assert_eq!(waiting.remove(0).await.status(), StatusCode::OK);
    }
}
