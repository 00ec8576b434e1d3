//! The moments at which the phases of a probe end, marked inside the connection set-up.
//!
//! Many probes share the client and so its hooks (resolver, session store, certificate verifier,
//! connector). A hook finds the marks of its own probe in a task-local. That works because each
//! probe opens its own connection in its own task: no pool, no connection in the background.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use super::chain::Validity;
use crate::outcome::{Phase, Phases};

/// The most addresses in a message.
const MOST_ADDRESSES_SHOWN: usize = 3;

tokio::task_local! {
    static CURRENT: Arc<Marks>;
}

/// What is known about a request so far.
#[derive(Default)]
pub struct Marks {
    moments: Mutex<Moments>,
    /// The addresses of the name, when it has several.
    addresses: Mutex<Vec<IpAddr>>,
}

/// The moments of one request.
#[derive(Clone, Copy, Default)]
pub struct Moments {
    /// Name resolution began.
    pub resolve_start: Option<Instant>,
    /// Name resolution ended.
    pub resolve_end: Option<Instant>,
    /// The connector began.
    pub connect_start: Option<Instant>,
    /// The TLS handshake began, so the TCP connection was ready.
    pub tls_start: Option<Instant>,
    /// How many TLS handshakes began. With a proxy that speaks TLS, the first one is with it.
    pub handshakes: u8,
    /// The connection was ready for a request.
    pub connected: Option<Instant>,
    /// The head of the answer arrived.
    pub head: Option<Instant>,
    /// The earliest expiry of a certificate on the verified path; that of the endpoint's own
    /// certificate when the chain is not verified.
    pub certificate_expiry: Option<Timestamp>,
    /// Our client certificate, if one is configured.
    pub client_certificate: Option<Validity>,
    /// The endpoint has asked for a client certificate.
    pub certificate_requested: bool,
    /// The time of the wall clock when the request began.
    pub began: Option<Timestamp>,
}

impl Marks {
    /// Runs a request with these marks.
    pub async fn scope<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        CURRENT.scope(Arc::clone(self), future).await
    }

    /// Sets a mark.
    pub fn set(&self, set: impl FnOnce(&mut Moments)) {
        set(&mut self.moments.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The moments so far.
    pub fn moments(&self) -> Moments {
        *self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The addresses of the name for a message, such as `192.0.2.1, 192.0.2.2 and 3 more`; `None`
    /// when there are not several.
    pub fn addresses(&self) -> Option<String> {
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = addresses.iter().take(MOST_ADDRESSES_SHOWN).map(IpAddr::to_string);
        let shown = shown.collect::<Vec<_>>().join(", ");
        match addresses.len() {
            0 | 1 => None,
            2..=MOST_ADDRESSES_SHOWN => Some(shown),
            all => Some(format!("{shown} and {} more", all - MOST_ADDRESSES_SHOWN)),
        }
    }
}

/// Notes the addresses of the name for the probe that runs in this task.
pub fn mark_addresses(addresses: impl Iterator<Item = IpAddr>) {
    let _ = CURRENT.try_with(|marks| {
        *marks.addresses.lock().unwrap_or_else(PoisonError::into_inner) = addresses.collect();
    });
}

/// Sets a mark of the probe that runs in this task; does nothing outside a probe.
pub fn mark(set: impl FnOnce(&mut Moments)) {
    let _ = CURRENT.try_with(|marks| marks.set(set));
}

impl Moments {
    /// The phases that the request reached before `end`. The last of them ends at `end`.
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

    /// Notes that a TLS handshake begins. A certificate that the proxy asked for is no matter of
    /// the endpoint.
    pub fn handshake(&mut self) {
        self.tls_start.get_or_insert_with(Instant::now);
        self.handshakes = self.handshakes.saturating_add(1);
        self.certificate_requested = false;
    }

    /// Why our client certificate was not valid when the request began.
    pub fn certificate_problem(&self) -> Option<String> {
        self.client_certificate?.problem(self.began?)
    }

    /// The current phase.
    pub fn current_phase(&self) -> Phase {
        if self.head.is_some() {
            Phase::Transfer
        } else if self.connected.is_some() {
            Phase::Processing
        } else if self.tls_start.is_some() {
            Phase::Tls
        } else if self.resolve_start.is_some() && self.resolve_end.is_none() {
            Phase::Resolve
        } else {
            Phase::Connect
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_names_three_addresses_and_counts_the_others() {
        for (count, shown) in [
            (1, None),
            (2, Some("192.0.2.0, 192.0.2.1")),
            (3, Some("192.0.2.0, 192.0.2.1, 192.0.2.2")),
            (5, Some("192.0.2.0, 192.0.2.1, 192.0.2.2 and 2 more")),
        ] {
            let marks = Arc::new(Marks::default());
            let addresses = (0..count).map(|last| IpAddr::from([192, 0, 2, last]));
            marks.scope(async { mark_addresses(addresses) }).await;
            assert_eq!(marks.addresses().as_deref(), shown);
        }
    }
}
