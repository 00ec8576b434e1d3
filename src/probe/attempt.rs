//! One probe: its calls in order, and what each of them showed.

use std::sync::Arc;
use std::time::Instant;

use tokio::time::Instant as Deadline;
use uuid::Uuid;

use super::marks::Marks;
use super::{ACCEPT, Failed, Prober, USER_AGENT, clock_skew, exchange};
use crate::authoring::explain::{Explanation, Told};
use crate::authoring::suggest;
use crate::outcome::{Code, Expiry, Failure, Issued, Message, Outcome, Probe, Reason, Step};
use crate::provider::Provider;
use crate::recipe::verification::{no_keys, unverified};
use crate::recipe::{Attempt, Call, TokenResponse, Trace, Values, Verification};

/// A probe under way.
pub(super) struct Probing<'a> {
    pub prober: &'a Prober,
    pub provider: &'a Provider,
    pub client: reqwest::Client,
    pub attempt: Attempt,
    pub values: Values,
    pub probe: Probe,
    pub explanation: Option<&'a mut Explanation>,
}

impl Probing<'_> {
    /// Makes all calls: the steps, the token request, what verifies the token, and in any case what
    /// cleans up.
    ///
    /// One deadline is around everything but the cleaning up, which has one of its own: what was
    /// left behind must go even when time has run out.
    pub async fn run(mut self) -> Probe {
        let deadline = Deadline::now() + self.provider.timeout;
        let mut outcome = self.issue(deadline).await;
        if let Some(verification) = &self.provider.verification
            && let Ok(issued) = &outcome
        {
            let expiry = issued.expiry;
            if let Err(failure) = self.verify(verification, expiry, deadline).await {
                outcome = Err(failure);
            }
        }
        if !self.provider.recipe.cleanup.is_empty() {
            self.clean_up().await;
        }
        self.probe.outcome = outcome.map_or_else(Outcome::Failed, Outcome::Issued);
        self.scrub();
        self.probe
    }

    /// Holds all that is told against every secret of the attempt once more: the first calls did
    /// not know those of the last.
    fn scrub(&mut self) {
        let redactor = &self.values.redactor;
        let plain = self.probe.status.map_or_else(Code::default, Code::http);
        let clean = |failure: &mut Failure| {
            failure.message = Message::clean(&redactor.scrub(failure.message.as_str()));
            if redactor.is_secret(failure.code.as_str()) {
                failure.code = plain.clone();
            }
        };
        if let Outcome::Failed(failure) = &mut self.probe.outcome {
            clean(failure);
        }
        self.probe.steps.iter_mut().filter_map(|step| step.failure.as_mut()).for_each(clean);
        self.probe.reading.iter_mut().for_each(|line| line.result = redactor.scrub(&line.result));
        if let Some(explanation) = self.explanation.as_deref_mut() {
            explanation.scrub(redactor);
        }
    }

    /// The calls up to the token.
    async fn issue(&mut self, deadline: Deadline) -> Result<Issued, Failure> {
        let recipe = Arc::clone(&self.provider.recipe);
        for step in &recipe.steps {
            if !step.is_wanted(&self.values).map_err(|error| error.failure())? {
                continue;
            }
            self.step(step, deadline, true).await.map_err(|failure| at(step, failure))?;
        }
        let keep = self.provider.verification.is_some();
        let response = self.send(&recipe.token, deadline, true).await?;
        self.probe.clock_skew = clock_skew(&response);
        let mut trace = self.trace();
        let read = |this: &mut Self, trace: &mut Trace| {
            recipe.read(
                &mut this.values,
                &response,
                &this.provider.expectations,
                &this.prober.fingerprints,
                keep,
                trace,
            )
        };
        let outcome = read(self, &mut trace);
        let failure = match &outcome {
            Outcome::Issued(_) => None,
            Outcome::Failed(failure) => Some(failure.clone()),
        };
        if failure.is_some() && self.explanation.is_none() {
            // Only now is it known that somebody will want to see how.
            trace = Trace::recording();
            let _ = read(self, &mut trace);
        }
        self.note(&recipe.token, failure, &response, trace);
        if let Some(told) =
            self.explanation.as_deref_mut().and_then(|explanation| explanation.calls.last_mut())
        {
            told.suggestions =
                suggest::unread(&response, &told.reading, &outcome, &self.values.redactor);
        }
        match outcome {
            Outcome::Issued(issued) => Ok(issued),
            Outcome::Failed(failure) => Err(failure),
        }
    }

    /// What says whether the token is of any use.
    async fn verify(
        &mut self,
        verification: &Verification,
        expiry: Expiry,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        self.values.add_clocks(&self.attempt);
        for check in &verification.checks {
            self.step(check, deadline, false)
                .await
                .map_err(|failure| at(check, unverified(failure)))?;
        }
        let Some(jwt) = &verification.jwt else { return Ok(()) };
        let keys = match &jwt.jwks {
            Some(call) => Some(
                self.step(call, deadline, false)
                    .await
                    .map_err(|failure| at(call, no_keys(failure)))?,
            ),
            None => None,
        };
        let inspected = jwt.inspect(&self.values, keys.as_ref(), expiry, (self.prober.now)());
        self.probe.steps.push(Step {
            name: "jwt".into(),
            duration: 0.0,
            failure: inspected.as_ref().err().cloned(),
        });
        inspected
    }

    /// Makes each call for which all is known that it needs. That one fails is told, but makes no
    /// credential broken.
    async fn clean_up(&mut self) {
        let deadline = Deadline::now() + self.provider.timeout;
        let recipe = Arc::clone(&self.provider.recipe);
        for call in &recipe.cleanup {
            if call.is_possible(&self.values)
                && let Err(failure) = self.step(call, deadline, false).await
            {
                let message = self.values.redactor.scrub(failure.message.as_str());
                tracing::warn!(provider = %self.provider.name, step = %call.name, reason = failure.reason.word(), code = failure.code.as_str(), message, "a probe could not clean up behind it");
            }
        }
    }

    /// A call other than the token request.
    async fn step(
        &mut self,
        call: &Call,
        deadline: Deadline,
        counts: bool,
    ) -> Result<TokenResponse, Failure> {
        let response = self.send(call, deadline, counts).await?;
        let mut trace = self.trace();
        let mut read = call.read(&mut self.values, &response, &mut trace);
        if let Err(failure) = &mut read {
            if self.explanation.is_none() {
                trace = Trace::recording();
                let _ = call.read(&mut self.values, &response, &mut trace);
            }
            failure.message = Message::clean(&self.values.redactor.scrub(failure.message.as_str()));
        }
        self.note(call, read.as_ref().err().cloned(), &response, trace);
        read.map(|()| response)
    }

    /// Sends one request and waits for its whole answer. `counts` is for what belongs to the token
    /// request: its time and its phases are those of the probe.
    async fn send(
        &mut self,
        call: &Call,
        deadline: Deadline,
        counts: bool,
    ) -> Result<TokenResponse, Failure> {
        let several = !self.provider.steps.is_empty();
        let told = |this: &mut Self, failure: Failure, duration: f64| {
            if several {
                this.probe.steps.push(Step {
                    name: Arc::clone(&call.name),
                    duration,
                    failure: Some(failure.clone()),
                });
            }
            failure
        };
        self.show(call);
        let request = match call.render(&mut self.values) {
            Ok(request) => request,
            Err(error) => return Err(told(self, error.failure(), 0.0)),
        };
        let marks = Arc::new(Marks::default());
        let start = Instant::now();
        let request = super::build(&self.client, &request);
        let exchange = marks.scope(exchange(&self.client, request, &marks, &*self.prober.now));
        let answer = tokio::time::timeout_at(deadline, exchange).await;
        let end = Instant::now();
        let seen = marks.seen();
        let duration = end.duration_since(start).as_secs_f64();
        if counts {
            self.probe.duration += duration;
            self.probe.phases = seen.phases(start, end);
            self.probe.certificate_expiry =
                [self.probe.certificate_expiry, seen.certificate_expiry]
                    .into_iter()
                    .flatten()
                    .min();
        }
        let answer = answer.unwrap_or_else(|_| {
            let message = format!(
                "no whole answer within {:?}; `{}` was under way",
                self.provider.timeout,
                seen.under_way()
            );
            Err(Failed::without_status(Failure::new(Reason::Timeout, &message)))
        });
        match answer {
            Ok(response) => {
                if counts {
                    self.probe.status = Some(response.status);
                }
                if several {
                    self.probe.steps.push(Step {
                        name: Arc::clone(&call.name),
                        duration,
                        failure: None,
                    });
                }
                Ok(response)
            }
            Err(failed) => {
                if counts {
                    self.probe.status = failed.status;
                }
                Err(told(self, failed.failure, duration))
            }
        }
    }

    fn trace(&self) -> Trace {
        if self.explanation.is_some() { Trace::recording() } else { Trace::default() }
    }

    /// Shows a request to who wants an explanation.
    fn show(&mut self, call: &Call) {
        if let Some(explanation) = self.explanation.as_deref_mut() {
            let request = call.show(&self.values).unwrap_or_default();
            explanation.calls.push(Told::new(
                &call.name,
                request,
                &[("Accept", ACCEPT), ("User-Agent", USER_AGENT)],
            ));
        }
    }

    /// Takes down how an answer was read.
    fn note(
        &mut self,
        call: &Call,
        failure: Option<Failure>,
        response: &TokenResponse,
        trace: Trace,
    ) {
        let failed = failure.is_some();
        if let Some(step) = self.probe.steps.last_mut().filter(|step| step.name == call.name) {
            step.failure = failure;
        }
        if let Some(explanation) = self.explanation.as_deref_mut() {
            if let Some(told) = explanation.calls.last_mut() {
                told.answer(response, &self.values.redactor);
                told.reading = trace.into_lines();
            }
        } else if failed {
            self.probe.reading = trace.into_lines();
        }
    }
}

impl Prober {
    /// The attempt of a probe that begins now.
    pub(super) fn attempt(&self, provider: &Provider) -> Attempt {
        let uses = provider.recipe.uses("uuid") || provider.verification.is_some();
        Attempt { now: (self.now)(), uuid: if uses { (self.uuid)() } else { Uuid::nil() } }
    }
}

/// A failure of one of several calls, which says of which.
fn at(call: &Call, failure: Failure) -> Failure {
    Failure {
        message: Message::clean(&format!("{}: {}", call.name, failure.message.as_str())),
        ..failure
    }
}
