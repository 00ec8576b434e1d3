//! Replays a recorded exchange with a changed answer, and collects all output about it.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use credwatch::authoring::explain::Explanation;
use credwatch::exchange::{Prepared, prepare};
use credwatch::outcome::{Code, Failure, Message, Outcome, Reason};
use credwatch::recipe::retry::LONGEST_WAIT;
use credwatch::recipe::{
    Attempt, Call, Conclusion, Conversation, Expectations, Fingerprints, Inputs, Kind, NextRequest,
    ObservedAnswer, Observer, Recipe, Subject, TokenRequest, TokenResponse, Values, Verification,
};
use credwatch::secret::Redactor;
use http::HeaderMap;

/// The cost limit for reading an answer: a factor for its length, and the cost of an empty answer.
/// A recipe has some dozens of rules, and each may read the whole answer.
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
    // The folder also has files with recipes.
    let recorded: Vec<Prepared> = paths.iter().filter_map(|path| prepare(path).ok()).collect();
    assert!(recorded.len() > 200, "only {} recorded exchanges", recorded.len());
    recorded
});

/// The folder of the repository, both for the tests and for the fuzz targets.
pub fn repository() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    while !folder.join("tests/exchanges").is_dir() {
        assert!(folder.pop(), "there is no folder tests/exchanges");
    }
    folder
}

/// The result of a replayed exchange.
pub struct Replayed {
    pub outcome: Outcome,
    /// All output about the exchange but recipe and parameters: codes, messages, explanations.
    pub output: Vec<String>,
}

/// The inputs of a probe.
pub struct Script<'a> {
    pub recipe: &'a Recipe,
    pub verification: Option<&'a Verification>,
    pub inputs: Inputs<'a>,
    pub attempt: Attempt,
    pub expectations: Expectations,
}

/// Returns the answer to a call, by name, request and values of the attempt. `None` ends the
/// replay.
pub type Answer<'a> = &'a mut dyn FnMut(&str, &TokenRequest, &Values) -> Option<TokenResponse>;

/// Replays an exchange. `answer` gets the name of each call, its recorded answer and the values of
/// the attempt, and returns the answer to use. `None` if a call is not recorded.
pub fn replay(
    prepared: &Prepared,
    answer: &mut dyn FnMut(&str, TokenResponse, &Values) -> TokenResponse,
) -> Option<Replayed> {
    let (parameters, credentials) = (prepared.parameters(), prepared.credentials());
    let script = Script {
        recipe: &prepared.recipe,
        verification: prepared.verification.as_deref(),
        inputs: Inputs { parameters: &parameters, credentials: &credentials },
        attempt: prepared.attempt,
        expectations: prepared.expectations(),
    };
    let mut steps = prepared.exchange.steps.iter();
    script.replay(&mut |name, _, values| {
        let recorded = match name {
            "token" | "read" => prepared.exchange.response.as_ref()?,
            _ => &steps.next().filter(|recorded| recorded.name == *name)?.response,
        };
        Some(answer(name, prepared.response(recorded).ok()?, values))
    })
}

impl Script<'_> {
    /// Runs the conversation of a probe with these answers.
    pub fn replay(&self, answer: Answer<'_>) -> Option<Replayed> {
        let fingerprints = Fingerprints::default();
        let subject = Subject {
            recipe: self.recipe,
            verification: self.verification,
            expectations: &self.expectations,
            fingerprints: &fingerprints,
            reads_list: true,
        };
        let mut watcher = Watcher::default();
        let mut conversation =
            Conversation::begin(subject, &self.inputs, &self.attempt, Some(&mut watcher))
                .expect("the inputs hold");
        while let Some(NextRequest { call, kind, request }) = conversation.next_request() {
            let name = if kind == Kind::Page { "page" } else { &*call.name };
            let response = answer(name, &request, conversation.values())?;
            let (before, length) = (conversation.values().cost(), response.body.len());
            conversation.answered(response, Duration::ZERO);
            assert_cost(name, length, conversation.values().cost() - before);
        }
        let conclusion = conversation.finish();
        Some(Replayed { output: output_of(&conclusion, watcher.0), outcome: conclusion.outcome })
    }
}

/// Asserts that the cost grows at most linearly with the answer.
fn assert_cost(call: &str, length: usize, cost: u64) {
    let most = COST_PER_BYTE * length as u64 + COST_OF_NOTHING;
    assert!(
        cost <= most,
        "reading {length} bytes as the answer to `{call}` cost {cost}, more than {most}"
    );
}

/// Explains a conversation, and checks the outcome of each call.
#[derive(Default)]
struct Watcher(Explanation);

impl Observer for Watcher {
    fn request(&mut self, call: &Call, values: &Values) {
        self.0.request(call, values);
    }

    fn answer(&mut self, answer: &ObservedAnswer<'_>) {
        if let Some(outcome) = answer.outcome {
            assert_class(&answer.call.name, answer.response, outcome);
        }
        self.0.answer(answer);
    }

    fn skipped(&mut self, call: &Call, missing: &[&str]) {
        self.0.skipped(call, missing);
    }

    fn end(&mut self, redactor: &Redactor) {
        self.0.end(redactor);
    }
}

/// All output about a conversation.
fn output_of(conclusion: &Conclusion, explanation: Explanation) -> Vec<String> {
    let of_the_probe = match &conclusion.outcome {
        Outcome::Failed(failure) => Some(failure),
        Outcome::Issued(_) | Outcome::Accepted => None,
    };
    let of_steps = conclusion.steps.iter().filter_map(|step| step.failure.as_ref());
    let mut output = Vec::new();
    for failure in of_steps.chain(of_the_probe) {
        assert_bounded(failure);
        output.extend([failure.code.as_str().to_owned(), failure.message.as_str().to_owned()]);
    }
    output.extend(conclusion.reading.iter().map(|line| line.result.clone()));
    for call in explanation.calls {
        output.extend(call.headers.into_iter().map(|(_, value)| value));
        output.extend(call.body);
        let suggestions = call.suggestions.into_iter();
        output.extend(suggestions.flat_map(|suggestion| [suggestion.line, suggestion.why]));
        output.extend(call.reading.into_iter().map(|line| line.result));
        output.push(call.request.line);
        output.extend(call.request.headers.into_iter().map(|(_, value)| value));
        output.extend(call.request.body);
    }
    output
}

/// Asserts that code and message of a failure are short and have no special characters.
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
    assert!(failure.retry_after.is_none_or(|wait| wait <= LONGEST_WAIT));
}

/// Asserts the rules for statuses in docs/recipes/reference.md, "How an answer is read".
pub fn assert_class(call: &str, response: &TokenResponse, outcome: &Outcome) {
    let status = response.status;
    let reason = match outcome {
        Outcome::Issued(_) => {
            // An own recipe of the exchanges has `statuses = [302]`.
            assert!(
                (200..300).contains(&status) || status == 302,
                "a token was issued from an answer to `{call}` with status {status}"
            );
            return;
        }
        // `alive` and `dead` of a recipe say more than the status.
        Outcome::Accepted => return,
        Outcome::Failed(failure) => failure.reason,
    };
    let documented: &[Reason] = match status {
        // A recipe can list it in `statuses`, and then the token is in a header.
        302 => &[Reason::Redirect, Reason::Malformed],
        300..400 => &[Reason::Redirect],
        429 => &[Reason::Throttled],
        408 | 421 | 425 | 500..600 => &[Reason::Unavailable],
        ..200 | 412 | 426 | 600.. => &[Reason::Malformed],
        402 => &[Reason::Suspended],
        413 | 414 | 431 => &[Reason::Local],
        451 => &[Reason::Blocked],
        200..300 => &[Reason::Rejected, Reason::Malformed, Reason::Expired, Reason::Scope],
        _ => &[Reason::Rejected],
    };
    // What a code or a condition can say.
    let told =
        [Reason::Throttled, Reason::Unavailable, Reason::Suspended, Reason::Blocked, Reason::Local];
    assert!(
        documented.contains(&reason) || (!(300..400).contains(&status) && told.contains(&reason)),
        "`{call}`: status {status} is {reason:?}, documented are {documented:?}"
    );
}

/// Replays an exchange with this answer to `call`, and the recorded answers to the other calls.
pub fn answering(
    prepared: &Prepared,
    call: &str,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Replayed> {
    replay(prepared, &mut |name, recorded, _| {
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
