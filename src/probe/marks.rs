//! When each phase of a probe ended, marked from inside the connection set-up.
//!
//! The hooks (resolver, session store, certificate verifier, connector) belong to a client that
//! many probes share, so they find the marks of *their* probe through a task-local. That holds
//! because each probe makes its own connection in its own task: no pool, no background connect.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use crate::outcome::Phases;

tokio::task_local! {
    static CURRENT: Arc<Marks>;
}

/// What was seen so far.
#[derive(Default)]
pub struct Marks(Mutex<Seen>);

/// The moments of one probe.
#[derive(Clone, Copy, Default)]
pub struct Seen {
    /// Name resolution began.
    pub resolve_start: Option<Instant>,
    /// Name resolution ended.
    pub resolve_end: Option<Instant>,
    /// The connector was asked for a connection.
    pub connect_start: Option<Instant>,
    /// The TLS handshake began, so the TCP connection was there.
    pub tls_start: Option<Instant>,
    /// The connection was ready for a request.
    pub connected: Option<Instant>,
    /// The head of the answer was there.
    pub head: Option<Instant>,
    /// The earliest end of a certificate in the chain shown.
    pub certificate_expiry: Option<Timestamp>,
}

impl Marks {
    /// Runs a probe with these marks.
    pub async fn scope<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        CURRENT.scope(Arc::clone(self), future).await
    }

    /// Sets a mark of this probe.
    pub fn set(&self, set: impl FnOnce(&mut Seen)) {
        set(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Everything seen so far.
    pub fn seen(&self) -> Seen {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets a mark of the probe whose task this is; does nothing outside of one.
pub fn mark(set: impl FnOnce(&mut Seen)) {
    let _ = CURRENT.try_with(|marks| marks.set(set));
}

impl Seen {
    /// The phases, as far as they were reached by `end`. The phase in which a probe ended early
    /// runs to its end.
    pub fn phases(&self, start: Instant, end: Instant) -> Phases {
        let between = |from: Option<Instant>, to: Option<Instant>| match from {
            Some(from) => to.unwrap_or(end).saturating_duration_since(from).as_secs_f64(),
            None => 0.0,
        };
        let connect_start = self.resolve_end.or(if self.resolve_start.is_some() {
            None
        } else {
            self.connect_start.or(Some(start))
        });
        Phases {
            resolve: between(self.resolve_start, self.resolve_end),
            connect: between(connect_start, self.tls_start.or(self.connected)),
            tls: between(self.tls_start, self.connected),
            processing: between(self.connected, self.head),
            transfer: between(self.head, None),
        }
    }

    /// The word for the phase that was under way.
    pub fn under_way(&self) -> &'static str {
        if self.head.is_some() {
            "transfer"
        } else if self.connected.is_some() {
            "processing"
        } else if self.tls_start.is_some() {
            "tls"
        } else if self.resolve_start.is_some() && self.resolve_end.is_none() {
            "resolve"
        } else {
            "connect"
        }
    }
}
