//! Holds the conversation of a probe over real connections, with a deadline, and measures it.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout_at;
use uuid::Uuid;

use super::body::Places;
use super::budget::{Budget, crowded};
use super::chain::Validity;
use super::clients::Clients;
use super::http2::Again;
use super::local::with_clock;
use super::send::{Clock, HttpClient, Sent, send};
use super::tls::TlsError;
use crate::credentials::read_all;
use crate::outcome::{Failure, HeldEnds, Outcome, Probe, Reason};
use crate::provider::{Provider, Transport};
use crate::recipe::retry::clock_skew;
use crate::recipe::{
    Attempt, Conclusion, Conversation, Fingerprints, Kind, Observer, Room, Subject, TokenRequest,
    held_ends,
};

/// Probes providers. The program has one prober.
pub struct Prober {
    clients: Clients,
    places: Places,
    fingerprints: Fingerprints,
    /// Where requests that repeat are kept.
    room: Room,
    now: Arc<Clock>,
    uuid: Arc<dyn Fn() -> Uuid + Send + Sync>,
}

impl Default for Prober {
    fn default() -> Self {
        Self::new()
    }
}

impl Prober {
    /// A prober without clients. It builds each client on first use.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Timestamp::now, Uuid::new_v4)
    }

    /// A prober with its own source of time and UUIDs, so that a test can repeat an attempt.
    #[must_use]
    pub fn with(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        uuid: impl Fn() -> Uuid + Send + Sync + 'static,
    ) -> Self {
        Self {
            clients: Clients::default(),
            places: Places::default(),
            fingerprints: Fingerprints::default(),
            room: Room::default(),
            now: Arc::new(now),
            uuid: Arc::new(uuid),
        }
    }

    /// Probes a provider once.
    pub async fn probe(&self, provider: &Provider) -> Probe {
        self.run(provider, None, true).await
    }

    /// Probes a provider once. Reads its list of credentials only if that is due.
    pub async fn probe_with(&self, provider: &Provider, reads_list: bool) -> Probe {
        self.run(provider, None, reads_list).await
    }

    /// Probes a provider once, and shows each call to `observer`.
    pub async fn observe(&self, provider: &Provider, observer: &mut dyn Observer) -> Probe {
        self.run(provider, Some(observer), true).await
    }

    /// Builds the client for these settings, to find faults in its files before the first probe.
    /// Returns when our client certificate is valid.
    ///
    /// # Errors
    /// When a certificate or key file cannot be used.
    pub fn prepare(transport: &Transport) -> Result<Option<Validity>, TlsError> {
        Clients::prepare(transport)
    }

    /// Drops all clients and the system's certificates. Later probes build and load them again.
    pub fn refresh(&self) {
        self.clients.refresh();
    }

    /// The ends that stand in the credentials and in the client certificate; `None` when they
    /// cannot be read. No request is made.
    pub async fn held(&self, provider: &Provider) -> Option<HeldEnds> {
        let credentials = read_all(&provider.credentials, provider.timeout).await.ok()?;
        let credentials = held_ends(&credentials, provider.policy.critical, (self.now)());
        let mut client_certificate = None;
        if provider.transport.client_certificate.is_some() {
            let client = self.clients.client(&provider.transport, provider.timeout).await.ok()?;
            client_certificate = client.identity.certificate.map(|certificate| certificate.until);
        }
        Some(HeldEnds { credentials, client_certificate })
    }

    /// The fingerprint of the current credentials and client certificate, to notice a change.
    pub async fn credentials(&self, provider: &Provider) -> Option<u128> {
        let credentials = read_all(&provider.credentials, provider.timeout).await.ok()?;
        let client = self.clients.client(&provider.transport, provider.timeout).await.ok()?;
        Some(self.fingerprint(&credentials, &client))
    }

    fn fingerprint(&self, credentials: &[(String, SecretString)], client: &HttpClient) -> u128 {
        let secrets = credentials.iter().map(|(_, secret)| secret.expose_secret());
        let joined: Vec<&str> = secrets.chain([client.identity.digest.as_str()]).collect();
        self.fingerprints.of(&Zeroizing::new(joined.join("\0")))
    }

    /// The attempt of a probe that began at `now`. It gets a UUID only where one is used.
    fn attempt(&self, provider: &Provider, now: Timestamp) -> Attempt {
        let uses = provider.recipe.uses("uuid") || provider.verification.is_some();
        Attempt { now, uuid: if uses { (self.uuid)() } else { Uuid::nil() } }
    }

    async fn run<'a>(
        &'a self,
        provider: &'a Provider,
        observer: Option<&'a mut dyn Observer>,
        reads_list: bool,
    ) -> Probe {
        let mut probe = Probe::new(Outcome::Failed(Failure::new(Reason::Secret, "")), (self.now)());
        let mut first = None;
        // The secrets of a request that repeats are in it, and cannot change.
        if observer.is_none()
            && let Some(request) = provider.repeated.request()
        {
            let client = match self.client(provider).await {
                Ok(client) => client,
                Err(failure) => return Probe { outcome: Outcome::Failed(failure), ..probe },
            };
            probe.started = (self.now)();
            first = self.repeat(provider, &client, request, &mut probe).await;
            if first.is_none() {
                return probe;
            }
        }
        // In a box, because most probes do not get here and need no memory for it.
        Box::pin(self.hold(provider, observer, reads_list, first, probe)).await
    }

    /// The HTTP client of a provider, or why the probe fails without it.
    async fn client(&self, provider: &Provider) -> Result<HttpClient, Failure> {
        let client = self.clients.client(&provider.transport, provider.timeout).await;
        client.map_err(|error| {
            let reason = match error {
                TlsError::File { .. } => Reason::Secret,
                TlsError::Proxy(_) => Reason::Local,
                TlsError::Setup(_) => Reason::Tls,
            };
            Failure::new(reason, &error.to_string())
        })
    }

    /// Holds the conversation of a probe, of which the first call may have been made.
    async fn hold<'a>(
        &'a self,
        provider: &'a Provider,
        observer: Option<&'a mut dyn Observer>,
        reads_list: bool,
        first: Option<(Sent, Budget)>,
        mut probe: Probe,
    ) -> Probe {
        let failed =
            |probe: Probe, failure: Failure| Probe { outcome: Outcome::Failed(failure), ..probe };
        let credentials = match read_all(&provider.credentials, provider.timeout).await {
            Ok(credentials) => credentials,
            Err(error) => return failed(probe, Failure::new(Reason::Secret, &error.to_string())),
        };
        let client = match self.client(provider).await {
            Ok(client) => client,
            Err(failure) => return failed(probe, failure),
        };
        let least = provider.policy.critical;
        probe.held = Some(held_ends(&credentials, least, probe.started));
        // A fingerprint is only needed where a secret can change.
        probe.credentials = provider.can_rotate().then(|| self.fingerprint(&credentials, &client));
        let certificate = client.identity.certificate;
        probe.client_certificate_expiry = certificate.map(|certificate| certificate.until);
        if first.is_none() {
            probe.started = (self.now)();
        }
        let attempt = self.attempt(provider, probe.started);
        let subject = Subject {
            recipe: &provider.recipe,
            verification: provider.verification.as_deref(),
            expectations: &provider.expectations,
            fingerprints: &self.fingerprints,
            reads_list,
        };
        let inputs = provider.inputs(&credentials);
        let conversation = match Conversation::begin(subject, &inputs, &attempt, observer) {
            Ok(conversation) => conversation,
            Err(error) => return failed(probe, error.failure()),
        };
        drop(credentials);
        self.converse(provider, &client, conversation, first, probe).await
    }

    /// Sends the request that the provider gets each time. `None` when the answer plainly issues a
    /// token, which is then the outcome. A conversation judges any other answer.
    async fn repeat(
        &self,
        provider: &Provider,
        client: &HttpClient,
        request: &TokenRequest,
        probe: &mut Probe,
    ) -> Option<(Sent, Budget)> {
        let mut budget = Budget::new(provider.timeout);
        let sent = self.exchange(provider, client, request, &mut budget).await;
        let response = sent.answer.as_ref().ok().filter(|answer| answer.place.is_none());
        let response = response.map(|answer| &answer.response);
        let issued = response.and_then(|response| {
            provider.recipe.plainly_issued(response, &provider.expectations, &self.fingerprints)
        });
        let Some(issued) = issued else { return Some((sent, budget)) };
        measure(probe, &sent);
        probe.clock_skew =
            response.and_then(|response| clock_skew(&response.headers, response.received));
        probe.outcome = Outcome::Issued(issued);
        None
    }

    /// Makes all calls under one deadline, except the first one if that is sent already. The
    /// further pages of a list have their own deadline, because they decide no outcome. So has the
    /// cleanup, because it must run even after a timeout.
    async fn converse(
        &self,
        provider: &Provider,
        client: &HttpClient,
        mut conversation: Conversation<'_>,
        first: Option<(Sent, Budget)>,
        mut probe: Probe,
    ) -> Probe {
        let (mut first, mut budget) = match first {
            Some((sent, budget)) => (Some(sent), budget),
            None => (None, Budget::new(provider.timeout)),
        };
        let mut deadline_of = Kind::Token;
        let (mut place, mut large) = (None, false);
        let (mut skew, mut is_asked) = (None, false);
        let _turn = loop {
            // Without a turn in time, the rest of the work goes on: its answers were read in turns.
            let turn = if large { budget.wait(self.places.turn()).await } else { None };
            let Some(next) = conversation.next_request() else { break turn };
            // The conversation has no body any more.
            drop((turn, place.take()));
            let kind = next.kind;
            if matches!(kind, Kind::Page | Kind::Cleanup) && kind != deadline_of {
                deadline_of = kind;
                budget = Budget::new(provider.timeout);
            }
            let sent = if let Some(sent) = first.take() {
                sent
            } else {
                if !provider.can_rotate()
                    && provider.steps.is_empty()
                    && conversation.repeats(&next)
                {
                    provider.repeated.keep(next.request.again(), &self.room);
                }
                self.exchange(provider, client, &next.request, &mut budget).await
            };
            if kind.leads_to_the_outcome() {
                measure(&mut probe, &sent);
                is_asked = sent.moments.certificate_requested;
            }
            let took = sent.end.duration_since(sent.start);
            match sent.answer {
                Ok(mut answer) => {
                    if kind.leads_to_the_outcome() {
                        skew = clock_skew(&answer.response.headers, answer.response.received);
                    }
                    if kind.is_main() {
                        probe.clock_skew = skew;
                    }
                    place = answer.place;
                    large |= place.is_some();
                    let turn = if large { budget.wait(self.places.turn()).await } else { None };
                    if large && turn.is_none() {
                        answer.response.body = String::new().into();
                        answer.response.damage = Some(crowded());
                    }
                    conversation.answered(answer.response, took);
                }
                Err(failure) => conversation.failed(failure, took),
            }
        };
        let conclusion = conversation.finish();
        log_failed_cleanup(provider, &conclusion);
        let outcome = with_clock(conclusion.outcome, skew, provider);
        let certificate = client.identity.certificate.filter(|_| is_asked);
        probe.outcome = blamed(outcome, certificate, probe.started);
        probe.reading = conclusion.reading;
        probe.ends = conclusion.ends;
        probe.list = conclusion.list.map(Box::new);
        if !provider.steps.is_empty() {
            probe.steps = conclusion.steps;
        }
        probe
    }
}

/// The outcome, where a refusal is blamed on the client certificate that the endpoint asked for, if
/// that is not valid. Many servers say so with a status and not with an alert of TLS.
fn blamed(outcome: Outcome, certificate: Option<Validity>, now: Timestamp) -> Outcome {
    let problem = certificate.and_then(|certificate| certificate.problem(now));
    match (outcome, problem) {
        (Outcome::Failed(failure), Some(problem)) if failure.reason == Reason::Rejected => {
            let message = format!("{problem}; {}", failure.message.as_str());
            Outcome::Failed(Failure {
                code: failure.code,
                retry_after: failure.retry_after,
                ..Failure::new(Reason::Certificate, &message)
            })
        }
        (outcome, _) => outcome,
    }
}

impl Prober {
    /// Sends a request. Sends it once more when the provider did not process it and says so in
    /// HTTP/2, within the same deadline.
    async fn exchange(
        &self,
        provider: &Provider,
        client: &HttpClient,
        request: &TokenRequest,
        budget: &mut Budget,
    ) -> Sent {
        let context = (&*self.now, &self.places);
        let first = send(client, request, budget, context).await;
        let again = match first.again {
            None => return first,
            Some(again) => self.again(again, provider, client, request, budget),
        };
        match Box::pin(again).await {
            Some(second) => Sent { start: first.start, ..second },
            None => first,
        }
    }

    /// Sends a request once more. `None` when there is no client for it in time.
    async fn again(
        &self,
        again: Again,
        provider: &Provider,
        client: &HttpClient,
        request: &TokenRequest,
        budget: &mut Budget,
    ) -> Option<Sent> {
        let other = match again {
            Again::OnNewConnection => client.clone(),
            Again::InHttp1 => {
                let transport = Transport { http1: true, ..Transport::clone(&provider.transport) };
                let transport = Arc::new(transport);
                let client = self.clients.client(&transport, provider.timeout);
                timeout_at(budget.deadline(), client).await.ok()?.ok()?
            }
        };
        Some(send(&other, request, budget, (&*self.now, &self.places)).await)
    }
}

/// Adds the measurements of a call to those of the probe.
fn measure(probe: &mut Probe, sent: &Sent) {
    probe.duration += sent.end.duration_since(sent.start).as_secs_f64();
    probe.phases = sent.moments.phases(sent.start, sent.end);
    let ends = [probe.certificate_expiry, sent.moments.certificate_expiry];
    probe.certificate_expiry = ends.into_iter().flatten().min();
    probe.status = sent.answer.as_ref().ok().map(|answer| answer.response.status);
}

/// A failed cleanup says nothing about the credential, so it goes only to the log.
fn log_failed_cleanup(provider: &Provider, conclusion: &Conclusion) {
    for (step, failure) in conclusion.failed_cleanup() {
        tracing::warn!(
            provider = %provider.name,
            step = %step.name,
            reason = failure.reason.word(),
            code = failure.code.as_str(),
            message = failure.message.as_str(),
            "a probe could not clean up after itself"
        );
    }
}
