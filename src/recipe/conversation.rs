//! One probe as a conversation: which request comes next, and which outcome the answers give.
//!
//! Pure: a driver sends the requests, and reports each answer and how long it took.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::call::{Call, INSPECTION, Kind, Recipe};
use super::claims::JwtCheck;
use super::fingerprint::Fingerprints;
use super::list::ListReading;
use super::reader::{Reader, TokenResponse};
use super::request::TokenRequest;
use super::retry::clock_skew;
use super::token::Expectations;
use super::trace::Trace;
use super::turns::{Turn, Turns};
use super::values::{Attempt, Inputs, RenderError, Values};
use super::verification::{Verification, judged};
use crate::outcome::{
    Code, CredentialEnd, Expiry, Failure, ListRead, Message, Outcome, Step, TraceLine, malformed,
};
use crate::secret::Redactor;

/// The rules of a conversation.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// How the token is requested.
    pub recipe: &'a Recipe,
    /// How the token is verified.
    pub verification: Option<&'a Verification>,
    /// The requirements for the token.
    pub expectations: &'a Expectations,
    /// Makes the fingerprint of the token.
    pub fingerprints: &'a Fingerprints,
    /// Whether to read the list of credentials, if the recipe has one.
    pub reads_list: bool,
}

/// A conversation with a provider, from the first request of a probe to the last.
pub struct Conversation<'a> {
    subject: Subject<'a>,
    turns: Turns<'a>,
    values: Values,
    /// The call whose answer is still missing, and what it is for.
    open: Option<(&'a Call, Kind)>,
    /// The list of credentials, from the main request on.
    list: Option<ListReading<'a>>,
    /// The answer to the call for keys.
    keys: Option<TokenResponse>,
    /// When the last answer arrived; at first the time of the attempt.
    now: Timestamp,
    /// The provider's clock minus ours at the answer to the main call, in seconds. Known only if
    /// the token is inspected.
    skew: Option<f64>,
    /// The outcome of the main call, if it is a success.
    good: Option<Outcome>,
    failed: Option<Failed<'a>>,
    /// Each call and the HTTP status of its answer.
    steps: Vec<(Step, Option<u16>)>,
    /// How many steps come before the cleanup.
    before_cleanup: usize,
    observer: Option<&'a mut dyn Observer>,
}

/// The failure that decides the outcome.
struct Failed<'a> {
    failure: Failure,
    status: Option<u16>,
    trace: Trace<'a>,
}

/// The next request.
pub struct NextRequest<'a> {
    /// The call that it belongs to.
    pub call: &'a Call,
    /// What it is for. A further page of a list belongs to the main call.
    pub kind: Kind,
    /// The request to send.
    pub request: TokenRequest,
}

/// The result of a conversation. It holds no secrets.
pub struct Conclusion {
    /// The result of the probe.
    pub outcome: Outcome,
    /// How the answer that decided a failure was read; empty otherwise.
    pub reading: Vec<TraceLine>,
    /// The calls made and the inspection of the token, in order.
    pub steps: Vec<Step>,
    before_cleanup: usize,
    /// What the answers say about the ends of configured credentials.
    pub ends: Vec<CredentialEnd>,
    /// The list of credentials; `None` when it was not read.
    pub list: Option<ListRead>,
}

impl Conclusion {
    /// The cleanup calls that failed. They decide no outcome.
    pub fn failed_cleanup(&self) -> impl Iterator<Item = (&Step, &Failure)> {
        let cleanup = self.steps.iter().skip(self.before_cleanup);
        cleanup.filter_map(|step| Some((step, step.failure.as_ref()?)))
    }
}

/// Sees the calls of one conversation, to explain them to people.
pub trait Observer: Send {
    /// A request is about to be rendered.
    fn request(&mut self, call: &Call, values: &Values);
    /// An answer was read.
    fn answer(&mut self, answer: &ObservedAnswer<'_>);
    /// A cleanup call was not made, because no answer gave these values. Without such values its
    /// URL needs an input that is not set.
    fn skipped(&mut self, call: &Call, missing: &[&str]);
    /// The conversation has ended. The redactor knows all its secrets.
    fn end(&mut self, redactor: &Redactor);
}

/// An answer and how it was read. Can hold a token.
pub struct ObservedAnswer<'a> {
    /// The call that the provider answers.
    pub call: &'a Call,
    /// The answer.
    pub response: &'a TokenResponse,
    /// What each rule found in the answer.
    pub trace: &'a Trace<'a>,
    /// The expressions of the rules of which only the first that finds something counts.
    pub alternatives: Vec<&'a str>,
    /// The outcome of the main call; `None` for other calls.
    pub outcome: Option<&'a Outcome>,
    /// Knows the secrets up to this answer.
    pub redactor: &'a Redactor,
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
            list: None,
            keys: None,
            skew: None,
            now: attempt.now,
            good: None,
            failed: None,
            steps: Vec::new(),
            before_cleanup: 0,
            observer,
        })
    }

    /// The values so far.
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Whether each attempt with the same inputs begins with this request and ends with its answer:
    /// it is the token request, nothing follows a token, and no value depends on the moment.
    #[must_use]
    pub fn repeats(&self, first: &NextRequest<'_>) -> bool {
        first.call.kind == Kind::Token
            && self.steps.is_empty()
            && self.observer.is_none()
            && self.subject.verification.is_none()
            && self.subject.recipe.cleanup.is_empty()
            && !self.values.context.depends_on_the_moment()
    }

    /// The next request; `None` at the end. A call whose request cannot be rendered fails.
    pub fn next_request(&mut self) -> Option<NextRequest<'a>> {
        if self.failed.is_none()
            && let Some(request) = self.list.as_mut().and_then(ListReading::next_request)
        {
            let (call, kind) = (&self.subject.recipe.main, Kind::Page);
            self.open = Some((call, kind));
            return Some(NextRequest { call, kind, request });
        }
        loop {
            match self.turns.next(&self.values)? {
                Turn::Inspection(check) => self.inspect(check),
                Turn::Call(call) => {
                    if let Some(observer) = &mut self.observer {
                        observer.request(call, &self.values);
                    }
                    match call.render(&mut self.values) {
                        Ok(request) => {
                            self.begin_list(call, &request);
                            self.open = Some((call, call.kind));
                            return Some(NextRequest { call, kind: call.kind, request });
                        }
                        Err(error) => self.unanswered(call, error.failure(), Duration::ZERO),
                    }
                }
            }
        }
    }

    /// The provider answered the last request, `took` after it was sent.
    pub fn answered(&mut self, response: TokenResponse, took: Duration) {
        let Some((call, kind)) = self.open.take() else { return };
        self.now = response.received;
        if kind == Kind::Page {
            return self.read_page(call, &response);
        }
        let mut trace = Trace::default();
        let (outcome, read) = if call.kind.is_main() {
            if self.subject.verification.is_some_and(|it| it.jwt.is_some()) {
                self.skew = clock_skew(&response.headers, response.received);
            }
            (Some(self.read_main(&response, &mut trace)), Ok(()))
        } else {
            (None, call.read(&mut self.values, &response, &mut trace))
        };
        if let Some(observer) = &mut self.observer {
            observer.answer(&ObservedAnswer {
                call,
                response: &response,
                trace: &trace,
                alternatives: self.subject.recipe.alternatives(call),
                outcome: outcome.as_ref(),
                redactor: &self.values.redactor,
            });
        }
        let failure = match outcome {
            Some(Outcome::Failed(failure)) => Some(failure),
            Some(good) => {
                self.good = Some(good);
                None
            }
            None => read.err(),
        };
        self.conclude(call, failure, took, Some(response.status), trace);
        if call.kind == Kind::Keys {
            self.keys = Some(response);
        }
    }

    /// The last request got no answer, for this reason.
    pub fn failed(&mut self, failure: Failure, took: Duration) {
        match (self.open.take(), &mut self.list) {
            (Some((_, Kind::Page)), Some(list)) => list.fail(failure),
            (Some((call, _)), _) => self.unanswered(call, failure, took),
            (None, _) => {}
        }
    }

    /// The result. No text in it holds a secret of any call.
    #[must_use]
    pub fn finish(self) -> Conclusion {
        let Self { values, observer, failed, good, mut steps, before_cleanup, list, .. } = self;
        let redactor = &values.redactor;
        if let Some(observer) = observer {
            for call in &self.subject.recipe.cleanup {
                if !steps.iter().any(|(step, _)| step.name == call.name) {
                    observer.skipped(call, &call.missing(&values));
                }
            }
            observer.end(redactor);
        }
        for (step, status) in &mut steps {
            if let Some(failure) = &mut step.failure {
                scrub(failure, *status, redactor);
            }
        }
        let steps = steps.into_iter().map(|(step, _)| step).collect();
        let (outcome, reading) = match (failed, good) {
            (Some(Failed { mut failure, status, trace }), _) => {
                scrub(&mut failure, status, redactor);
                (Outcome::Failed(failure), trace.lines(redactor))
            }
            (None, Some(good)) => (good, Vec::new()),
            (None, None) => {
                let failure = malformed("internal_error", "the main request was not made");
                (Outcome::Failed(failure), Vec::new())
            }
        };
        let list = list.and_then(ListReading::finish);
        Conclusion { outcome, reading, steps, before_cleanup, ends: values.ends, list }
    }

    /// The answer to the main request is the first page of the list.
    fn begin_list(&mut self, call: &Call, request: &TokenRequest) {
        let Subject { recipe, reads_list, .. } = self.subject;
        if let Some(rules) = recipe.list.as_ref().filter(|_| reads_list && call.kind.is_main()) {
            let secrets = self.values.redactor.again();
            self.list = Some(ListReading::new(rules, request.again(), secrets));
        }
    }

    /// A refusal of a further page is no verdict on the credential, because the main answer has
    /// accepted it. The next probe judges it again.
    fn read_page(&mut self, call: &'a Call, response: &TokenResponse) {
        let Some(list) = &mut self.list else { return };
        let mut trace = Trace::default();
        let mut reader = Reader::new(call, &[], &mut self.values, response, &mut trace);
        match reader.accept() {
            Ok(()) => list.read(&reader),
            Err(failure) => list.fail(failure),
        }
    }

    /// The values keep the token only when a later call can need it.
    fn read_main(&mut self, response: &TokenResponse, trace: &mut Trace<'a>) -> Outcome {
        let Subject { recipe, verification, expectations, fingerprints, .. } = self.subject;
        if !recipe.issues_tokens() {
            let list = self.list.as_mut();
            return recipe.read_static(&mut self.values, response, expectations, list, trace);
        }
        let keep = verification.is_some();
        if !keep
            && recipe.cleanup.is_empty()
            && self.observer.is_none()
            && let Some(issued) = recipe.plainly_issued(response, expectations, fingerprints)
        {
            return Outcome::Issued(issued);
        }
        recipe.read(&mut self.values, response, expectations, fingerprints, keep, trace)
    }

    fn inspect(&mut self, check: &JwtCheck) {
        let expiry = match &self.good {
            Some(Outcome::Issued(issued)) => issued.expiry,
            _ => Expiry::Unknown,
        };
        let keys = self.keys.take();
        let failure =
            check.inspect(&self.values, keys.as_ref(), expiry, (self.now, self.skew)).err();
        if let Some(failure) = &failure {
            self.fail(failure.clone(), None, Trace::default());
        }
        self.steps.push((Step { name: INSPECTION.into(), duration: 0.0, failure }, None));
        self.before_cleanup = self.steps.len();
    }

    fn unanswered(&mut self, call: &'a Call, failure: Failure, took: Duration) {
        self.conclude(call, Some(failure), took, None, Trace::default());
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
        self.steps.push((step, status));
        if !is_cleanup {
            self.before_cleanup = self.steps.len();
        }
    }

    fn fail(&mut self, failure: Failure, status: Option<u16>, trace: Trace<'a>) {
        self.failed = Some(Failed { failure, status, trace });
        self.turns.fail();
    }
}

/// The failure of a call as the failure of the probe. Its message names the call, except for the
/// token request.
fn of_the_probe(call: &Call, failure: Failure) -> Failure {
    let failure = judged(call.kind, failure);
    if call.kind.is_main() {
        return failure;
    }
    let message = Message::clean(&format!("{}: {}", call.name, failure.message.as_str()));
    Failure { message, ..failure }
}

/// Removes secrets that only a later call revealed. The status replaces a code that is a secret.
fn scrub(failure: &mut Failure, status: Option<u16>, redactor: &Redactor) {
    failure.message = Message::clean(&redactor.scrub(failure.message.as_str()));
    if redactor.is_secret(failure.code.as_str()) {
        failure.code = status.map_or_else(Code::default, Code::http);
    }
}
