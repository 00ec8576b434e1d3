//! One probe as a conversation: which request is next, and what the answers come to.
//!
//! Pure: a driver sends the requests, and says how each was answered and how long it took.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::call::{Call, INSPECTION, Kind, Recipe};
use super::claims::JwtCheck;
use super::fingerprint::Fingerprints;
use super::observer::{Heard, Observer};
use super::request::TokenRequest;
use super::response::TokenResponse;
use super::token::Expectations;
use super::trace::Trace;
use super::turns::{Turn, Turns};
use super::values::{Attempt, Inputs, RenderError, Values};
use super::verification::{Verification, judged};
use crate::outcome::{Code, Expiry, Failure, Issued, Message, Outcome, Step, TraceLine, malformed};
use crate::secret::Redactor;

/// What a conversation is about.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// How the token is requested.
    pub recipe: &'a Recipe,
    /// How the token is verified.
    pub verification: Option<&'a Verification>,
    /// What the token must have.
    pub expectations: &'a Expectations,
    /// Makes the fingerprint of the token.
    pub fingerprints: &'a Fingerprints,
}

/// A conversation with a provider, from the first request of a probe to the last.
pub struct Conversation<'a> {
    subject: Subject<'a>,
    turns: Turns<'a>,
    values: Values,
    /// The call that waits for its answer.
    open: Option<&'a Call>,
    /// The answer to the call for keys.
    keys: Option<TokenResponse>,
    /// When the last answer arrived; at first the time of the attempt.
    now: Timestamp,
    issued: Option<Issued>,
    failed: Option<Failed<'a>>,
    steps: Vec<Taken>,
    observer: Option<&'a mut dyn Observer>,
}

/// The failure that decides the outcome.
struct Failed<'a> {
    failure: Failure,
    status: Option<u16>,
    trace: Trace<'a>,
}

/// A step that was taken.
struct Taken {
    step: Step,
    /// The HTTP status of its answer.
    status: Option<u16>,
    is_cleanup: bool,
}

/// The next request.
pub struct Asked<'a> {
    /// The call that it belongs to.
    pub call: &'a Call,
    /// The request to send.
    pub request: TokenRequest,
}

/// What a conversation came to. It holds no secrets.
pub struct Conclusion {
    /// What the probe found.
    pub outcome: Outcome,
    /// How the answer was read that decided a failure; empty otherwise.
    pub reading: Vec<TraceLine>,
    /// The calls made and the inspection of the token, in order.
    pub steps: Vec<Step>,
    /// The calls of the cleanup that failed. They decide no outcome.
    pub left_behind: Vec<Step>,
}

impl<'a> Conversation<'a> {
    /// A conversation that begins now.
    ///
    /// # Errors
    /// When a `let` of the recipe cannot be evaluated with these inputs.
    pub fn begin(
        subject: Subject<'a>,
        inputs: &Inputs<'_>,
        attempt: &Attempt,
        observer: Option<&'a mut dyn Observer>,
    ) -> Result<Self, RenderError> {
        let mut values = subject.recipe.begin(inputs, attempt)?;
        if subject.verification.is_some() {
            values.add_clocks(attempt);
        }
        Ok(Self {
            subject,
            turns: Turns::new(subject.recipe, subject.verification),
            values,
            open: None,
            keys: None,
            now: attempt.now,
            issued: None,
            failed: None,
            steps: Vec::new(),
            observer,
        })
    }

    /// The values so far.
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The next request; `None` at the end. A request that cannot be rendered is a failure of its
    /// call.
    pub fn next_request(&mut self) -> Option<Asked<'a>> {
        loop {
            match self.turns.next(&self.values)? {
                Turn::Inspection(check) => self.inspect(check),
                Turn::Call(call) => {
                    if let Some(observer) = &mut self.observer {
                        observer.request(call, &self.values);
                    }
                    match call.render(&mut self.values) {
                        Ok(request) => {
                            self.open = Some(call);
                            return Some(Asked { call, request });
                        }
                        Err(error) => self.close(call, Some(error.failure()), Duration::ZERO),
                    }
                }
            }
        }
    }

    /// The request of this turn was answered, so long after it was sent.
    pub fn answered(&mut self, response: TokenResponse, took: Duration) {
        let Some(call) = self.open.take() else { return };
        self.now = response.received;
        let mut trace = Trace::default();
        let (failure, outcome) = if call.kind == Kind::Token {
            let outcome = self.read_token(&response, &mut trace);
            let failure = match &outcome {
                Outcome::Issued(issued) => {
                    self.issued = Some(issued.clone());
                    None
                }
                Outcome::Failed(failure) => Some(failure.clone()),
            };
            (failure, Some(outcome))
        } else {
            (call.read(&mut self.values, &response, &mut trace).err(), None)
        };
        if let Some(observer) = &mut self.observer {
            observer.answer(&Heard {
                call,
                response: &response,
                trace: &trace,
                outcome: outcome.as_ref(),
                redactor: &self.values.redactor,
            });
        }
        self.conclude(call, failure, took, Some(response.status), trace);
        if call.kind == Kind::Keys {
            self.keys = Some(response);
        }
    }

    /// The request of this turn got no answer, for this reason.
    pub fn failed(&mut self, failure: Failure, took: Duration) {
        if let Some(call) = self.open.take() {
            self.close(call, Some(failure), took);
        }
    }

    /// What it came to. No text in it holds a secret of any of its calls.
    #[must_use]
    pub fn finish(self) -> Conclusion {
        let Self { values, observer, failed, issued, steps, .. } = self;
        let redactor = &values.redactor;
        if let Some(observer) = observer {
            observer.end(redactor);
        }
        let mut conclusion = Conclusion {
            outcome: Outcome::Failed(malformed("internal_error", "no token was requested")),
            reading: Vec::new(),
            steps: Vec::with_capacity(steps.len()),
            left_behind: Vec::new(),
        };
        if let Some(Failed { mut failure, status, trace }) = failed {
            scrub(&mut failure, status, redactor);
            conclusion.outcome = Outcome::Failed(failure);
            conclusion.reading = trace.lines(redactor);
        } else if let Some(issued) = issued {
            conclusion.outcome = Outcome::Issued(issued);
        }
        for Taken { mut step, status, is_cleanup } in steps {
            if let Some(failure) = &mut step.failure {
                scrub(failure, status, redactor);
                if is_cleanup {
                    conclusion.left_behind.push(step.clone());
                }
            }
            conclusion.steps.push(step);
        }
        conclusion
    }

    /// The token is kept only where a later call can need it.
    fn read_token(&mut self, response: &TokenResponse, trace: &mut Trace<'a>) -> Outcome {
        let Subject { recipe, verification, expectations, fingerprints } = self.subject;
        let keep = verification.is_some();
        recipe.read(&mut self.values, response, expectations, fingerprints, keep, trace)
    }

    fn inspect(&mut self, check: &JwtCheck) {
        let expiry = self.issued.as_ref().map_or(Expiry::Unknown, |issued| issued.expiry);
        let failure = check.inspect(&self.values, self.keys.as_ref(), expiry, self.now).err();
        if let Some(failure) = &failure {
            self.fail(failure.clone(), None, Trace::default());
        }
        let step = Step { name: INSPECTION.into(), duration: 0.0, failure };
        self.steps.push(Taken { step, status: None, is_cleanup: false });
    }

    fn close(&mut self, call: &'a Call, failure: Option<Failure>, took: Duration) {
        self.conclude(call, failure, took, None, Trace::default());
    }

    fn conclude(
        &mut self,
        call: &'a Call,
        failure: Option<Failure>,
        took: Duration,
        status: Option<u16>,
        trace: Trace<'a>,
    ) {
        let is_cleanup = call.kind == Kind::Cleanup;
        if let Some(failure) = failure.as_ref().filter(|_| !is_cleanup) {
            self.fail(of_the_probe(call, failure.clone()), status, trace);
        }
        let step = Step { name: Arc::clone(&call.name), duration: took.as_secs_f64(), failure };
        self.steps.push(Taken { step, status, is_cleanup });
    }

    fn fail(&mut self, failure: Failure, status: Option<u16>, trace: Trace<'a>) {
        self.failed = Some(Failed { failure, status, trace });
        self.turns.fail();
    }
}

/// The failure of a call as the failure of the probe. It names the call, unless that is the token
/// request.
fn of_the_probe(call: &Call, failure: Failure) -> Failure {
    let failure = judged(call.kind, failure);
    if call.kind == Kind::Token {
        return failure;
    }
    let message = Message::clean(&format!("{}: {}", call.name, failure.message.as_str()));
    Failure { message, ..failure }
}

/// Takes out the secrets that only a later call made known. A code that is one becomes the status.
fn scrub(failure: &mut Failure, status: Option<u16>, redactor: &Redactor) {
    failure.message = Message::clean(&redactor.scrub(failure.message.as_str()));
    if redactor.is_secret(failure.code.as_str()) {
        failure.code = status.map_or_else(Code::default, Code::http);
    }
}
