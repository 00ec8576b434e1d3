//! A recorded exchange played with another answer in the place of one, and all that is told of it.

use std::path::PathBuf;
use std::sync::LazyLock;

use bytes::Bytes;
use credwatch::authoring::explain::Told;
use credwatch::authoring::suggest;
use credwatch::exchange::{Prepared, RecordedResponse, prepare};
use credwatch::outcome::{Code, Expiry, Failure, Message, Outcome, Reason};
use credwatch::recipe::verification::{no_keys, unverified};
use credwatch::recipe::{
    Attempt, Call, Expectations, Fingerprints, Inputs, Recipe, TokenRequest, TokenResponse, Trace,
    Values, Verification,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What reading an answer may cost: this many times what it is long, and what it costs to read an
/// empty one. A recipe has some dozens of rules, and each may look at the whole answer.
const COST_PER_BYTE: u64 = 64;
const COST_OF_NOTHING: u64 = 256 * 1024;

/// All recorded exchanges.
pub static RECORDED: LazyLock<Vec<Prepared>> = LazyLock::new(|| {
    let mut paths = Vec::new();
    let mut folders = vec![repository().join("tests/exchanges")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    // The folder has recipes of its own beside the exchanges.
    let recorded: Vec<Prepared> = paths.iter().filter_map(|path| prepare(path).ok()).collect();
    assert!(recorded.len() > 200, "only {} recorded exchanges", recorded.len());
    recorded
});

/// Where the repository begins, seen from the tests and from the fuzz targets.
pub fn repository() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    while !folder.join("tests/exchanges").is_dir() {
        assert!(folder.pop(), "there is no folder tests/exchanges");
    }
    folder
}

/// What became of a played exchange.
pub struct Played {
    pub outcome: Outcome,
    /// All that is told of it beside recipe and parameters: codes, messages, readings, what answers
    /// are like.
    pub told: Vec<String>,
}

/// What a probe is made of.
pub struct Script<'a> {
    pub recipe: &'a Recipe,
    pub verification: Option<&'a Verification>,
    pub inputs: Inputs<'a>,
    pub attempt: Attempt,
    pub expectations: Expectations,
}

/// What is answered to the call of this name, with these values of the attempt; `None` ends the
/// play.
pub type Answer<'a> = &'a mut dyn FnMut(&str, &TokenRequest, &Values) -> Option<TokenResponse>;

struct Player<'a> {
    script: &'a Script<'a>,
    values: Values,
    answer: Answer<'a>,
    explained: Vec<Told>,
    failures: Vec<Failure>,
}

/// Plays an exchange. `answer` gets the name of each call, what is recorded for it and the values
/// of the attempt, and says what comes instead. `None` when a call is made that is not recorded.
pub fn play(
    prepared: &Prepared,
    answer: &mut dyn FnMut(&str, TokenResponse, &Values) -> TokenResponse,
) -> Option<Played> {
    let (parameters, credentials) = (prepared.parameters(), prepared.credentials());
    let script = Script {
        recipe: &prepared.recipe,
        verification: prepared.verification.as_deref(),
        inputs: Inputs { parameters: &parameters, credentials: &credentials },
        attempt: prepared.attempt,
        expectations: prepared.expectations(),
    };
    let mut steps = prepared.exchange.steps.iter();
    script.play(&mut |name, _, values| {
        let recorded = match name {
            "token" => prepared.exchange.response.as_ref()?,
            _ => &steps.next().filter(|recorded| recorded.name == *name)?.response,
        };
        Some(answer(name, respond(prepared, recorded)?, values))
    })
}

impl Script<'_> {
    /// Makes all calls as a probe makes them, with these answers.
    pub fn play(&self, answer: Answer<'_>) -> Option<Played> {
        let values = self.recipe.begin(&self.inputs, &self.attempt).expect("the inputs hold");
        let mut player =
            Player { script: self, values, answer, explained: Vec::new(), failures: Vec::new() };
        let outcome = match player.probe()? {
            Ok(outcome) => outcome,
            Err(failure) => Outcome::Failed(failure),
        };
        for call in &self.recipe.cleanup {
            if call.is_possible(&player.values) {
                let _ = player.step(call)?;
            }
        }
        Some(player.told(outcome))
    }
}

impl Player<'_> {
    fn probe(&mut self) -> Option<Result<Outcome, Failure>> {
        let Script { recipe, verification, expectations, .. } = self.script;
        for step in &recipe.steps {
            match step.is_wanted(&self.values) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => return Some(Err(error.failure())),
            }
            if let (_, Err(failure)) = self.step(step)? {
                return Some(Err(failure));
            }
        }
        let request = match recipe.token.render(&mut self.values) {
            Ok(request) => request,
            Err(error) => return Some(Err(error.failure())),
        };
        let response = (self.answer)("token", &request, &self.values)?;
        let mut trace = Trace::recording();
        let before = self.values.cost();
        let outcome = recipe.read(
            &mut self.values,
            &response,
            expectations,
            &Fingerprints::default(),
            verification.is_some(),
            &mut trace,
        );
        self.check("token", &response, before);
        assert_class("token", &response, &outcome);
        self.explain(&recipe.token, &response, trace);
        if let Some(told) = self.explained.last_mut() {
            told.suggestions =
                suggest::unread(&response, &told.reading, &outcome, &self.values.redactor);
        }
        let Outcome::Issued(issued) = outcome else { return Some(Ok(outcome)) };
        match self.verify(issued.expiry)? {
            Ok(()) => Some(Ok(Outcome::Issued(issued))),
            Err(failure) => Some(Err(failure)),
        }
    }

    fn verify(&mut self, expiry: Expiry) -> Option<Result<(), Failure>> {
        let Script { verification, attempt, .. } = self.script;
        let Some(verification) = verification else { return Some(Ok(())) };
        self.values.add_clocks(attempt);
        for check in &verification.checks {
            if let (_, Err(failure)) = self.step(check)? {
                return Some(Err(unverified(failure)));
            }
        }
        let Some(jwt) = &verification.jwt else { return Some(Ok(())) };
        let keys = match &jwt.jwks {
            None => None,
            Some(call) => match self.step(call)? {
                (_, Err(failure)) => return Some(Err(no_keys(failure))),
                (response, Ok(())) => response,
            },
        };
        Some(jwt.inspect(&self.values, keys.as_ref(), expiry, attempt.now))
    }

    fn step(&mut self, call: &Call) -> Option<(Option<TokenResponse>, Result<(), Failure>)> {
        let request = match call.render(&mut self.values) {
            Ok(request) => request,
            Err(error) => return Some((None, Err(error.failure()))),
        };
        let response = (self.answer)(&call.name, &request, &self.values)?;
        let mut trace = Trace::recording();
        let before = self.values.cost();
        let read = call.read(&mut self.values, &response, &mut trace);
        self.check(&call.name, &response, before);
        self.failures.extend(read.as_ref().err().cloned());
        self.explain(call, &response, trace);
        Some((Some(response), read))
    }

    /// The work grows with the answer and no faster.
    fn check(&self, call: &str, response: &TokenResponse, before: u64) {
        let cost = self.values.cost() - before;
        let most = COST_PER_BYTE * response.body.len() as u64 + COST_OF_NOTHING;
        assert!(
            cost <= most,
            "reading {} bytes as the answer to `{call}` cost {cost}, more than {most}",
            response.body.len()
        );
    }

    /// As a probe that somebody watches tells it.
    fn explain(&mut self, call: &Call, response: &TokenResponse, trace: Trace) {
        let mut told = Told::new(&call.name, call.show(&self.values).unwrap_or_default(), &[]);
        told.answer(response, &self.values.redactor);
        told.reading = trace.into_lines();
        self.explained.push(told);
    }

    /// What is told in the end, when all secrets are known.
    fn told(mut self, mut outcome: Outcome) -> Played {
        let redactor = &self.values.redactor;
        if let Outcome::Failed(failure) = &mut outcome {
            failure.message = Message::clean(&redactor.scrub(failure.message.as_str()));
            self.failures.push(failure.clone());
        }
        let mut told = Vec::new();
        for failure in &self.failures {
            assert_bounded(failure);
            told.extend([
                failure.code.as_str().to_owned(),
                redactor.scrub(failure.message.as_str()),
            ]);
        }
        let mut explanation = credwatch::authoring::explain::Explanation { calls: self.explained };
        explanation.scrub(redactor);
        for call in explanation.calls {
            told.extend(call.headers.into_iter().map(|(_, value)| value));
            told.extend(call.body);
            told.extend(
                call.suggestions
                    .into_iter()
                    .flat_map(|suggestion| [suggestion.line, suggestion.why]),
            );
            told.extend(call.reading.into_iter().map(|line| line.result));
            told.push(call.request.line);
            told.extend(call.request.headers.into_iter().map(|(_, value)| value));
            told.extend(call.request.body);
        }
        Played { outcome, told }
    }
}

fn respond(prepared: &Prepared, recorded: &RecordedResponse) -> Option<TokenResponse> {
    let mut headers = HeaderMap::new();
    for (name, value) in &recorded.headers.0 {
        headers.append(
            HeaderName::try_from(name.get_ref().as_str()).ok()?,
            HeaderValue::try_from(value.as_str()).ok()?,
        );
    }
    Some(TokenResponse {
        status: recorded.status,
        headers,
        body: recorded.bytes(),
        received: prepared.attempt.now,
    })
}

/// A failure that fits into a label and onto a line.
pub fn assert_bounded(failure: &Failure) {
    let code = failure.code.as_str();
    assert!(
        code.len() <= Code::LONGEST
            && code.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c)),
        "{code:?}"
    );
    let message = failure.message.as_str();
    assert!(
        message.chars().count() <= Message::LONGEST && !message.contains(char::is_control),
        "{message:?}"
    );
    assert!(failure.retry_after.is_none_or(|wait| wait.as_secs() <= 24 * 3600));
}

/// What the README says of statuses, under "How an answer is read".
pub fn assert_class(call: &str, response: &TokenResponse, outcome: &Outcome) {
    let status = response.status;
    let reason = match outcome {
        Outcome::Issued(_) => {
            assert!(
                (200..300).contains(&status),
                "a token was issued from an answer to `{call}` with status {status}"
            );
            return;
        }
        Outcome::Failed(failure) => failure.reason,
    };
    let documented: &[Reason] = match status {
        300..400 => &[Reason::Redirect],
        429 => &[Reason::Throttled],
        500.. => &[Reason::Unavailable, Reason::Throttled],
        200..300 => &[
            Reason::Rejected,
            Reason::Throttled,
            Reason::Unavailable,
            Reason::Malformed,
            Reason::Expired,
            Reason::Scope,
        ],
        _ => &[Reason::Rejected, Reason::Throttled, Reason::Unavailable],
    };
    assert!(
        documented.contains(&reason),
        "`{call}`: status {status} is {reason:?}, documented are {documented:?}"
    );
}

/// An answer to `call` with this body and these headers; what is recorded for the others.
pub fn answering(
    prepared: &Prepared,
    call: &str,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Played> {
    play(prepared, &mut |name, recorded, _| {
        if name != call {
            return recorded;
        }
        TokenResponse {
            status,
            headers: headers.clone(),
            body: Bytes::copy_from_slice(body),
            ..recorded
        }
    })
}
