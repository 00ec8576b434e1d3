//! Asks a server for a document, outside of any probe: `credwatch status` asks a daemon.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use url::Url;

use super::body::Places;
use super::budget::Budget;
use super::clients::Clients;
use super::send::send;
use crate::outcome::{Failure, Reason};
use crate::provider::Transport;
use crate::recipe::TokenRequest;
use crate::recipe::request::Headers;

/// An HTTP client with the certificates of the system. It follows no redirect and uses no proxy.
pub struct Asker {
    clients: Clients,
    transport: Arc<Transport>,
    places: Places,
    timeout: Duration,
}

impl Asker {
    /// A client whose requests end within this time.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        let transport = Arc::new(Transport::default());
        Self { clients: Clients::default(), transport, places: Places::default(), timeout }
    }

    /// Status and body of the answer to a GET request. The body is bounded as that of a probe.
    ///
    /// # Errors
    /// Why there is no whole answer.
    pub async fn get(&self, url: Url, headers: Headers) -> Result<(u16, Bytes), Failure> {
        let client = self.clients.client(&self.transport, self.timeout).await;
        let client = client.map_err(|error| Failure::new(Reason::Tls, &error.to_string()))?;
        let request = TokenRequest { method: Method::GET, url, headers, body: None };
        let mut budget = Budget::new(self.timeout);
        let sent = send(&client, &request, &mut budget, (&Timestamp::now, &self.places)).await;
        let response = sent.answer?.response;
        match response.damage {
            Some(failure) => Err(failure),
            None => Ok((response.status, response.body)),
        }
    }
}
