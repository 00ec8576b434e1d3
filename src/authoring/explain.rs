//! What `credwatch probe` shows beside the outcome: each request, its response and how the recipe
//! read it, without secrets and without the token.

use serde_json::Value as Json;

use crate::authoring::suggest::{Suggestion, structure, unread};
use crate::outcome::{Message, Outcome, TraceLine};
use crate::probe::DEFAULT_HEADERS;
use crate::recipe::request::ShownRequest;
use crate::recipe::{Call, Found, Kind, ObservedAnswer, Observer, TokenResponse, Trace, Values};
use crate::secret::{
    HIDDEN, Redactor, is_named_secret, is_plain_name, may_show_in_answer, names_a_secret, sentence,
    shown_place,
};

/// The calls of one probe, for a person to read.
#[derive(Default, serde::Serialize)]
pub struct Explanation {
    /// In order. A call that failed has no response.
    pub calls: Vec<ExplainedCall>,
    /// The cleanup calls that were not made.
    pub skipped: Vec<SkippedCall>,
}

/// A cleanup call that was not made.
#[derive(serde::Serialize)]
pub struct SkippedCall {
    /// The name of the call in the recipe.
    pub step: String,
    /// The values that no answer gave. Empty when its URL needs an input that is not set.
    pub missing: Vec<String>,
}

/// One call of a probe.
#[derive(serde::Serialize)]
pub struct ExplainedCall {
    /// The name of the call in the recipe.
    pub step: String,
    /// Its purpose.
    #[serde(skip)]
    pub kind: Kind,
    /// The request, without secrets.
    pub request: ShownRequest,
    /// The HTTP status of the response.
    pub status: Option<u16>,
    /// The headers of the response that are in `SHOWN_HEADERS`.
    pub headers: Vec<(String, String)>,
    /// The structure of the response body, one line each.
    pub body: Vec<String>,
    /// How each rule read the response.
    pub reading: Vec<TraceLine>,
    /// Lines for the recipe that would read what the outcome lacks. Only for the token request.
    pub suggestions: Vec<Suggestion>,
}

/// Response headers that help to find a fault and hold no secret.
const SHOWN_HEADERS: [&str; 12] = [
    "content-type", "content-encoding", "date", "location", "retry-after", "server", "via",
    "www-authenticate", "x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset",
    "x-request-id",
];

/// The most lines of a body's structure.
const MOST_LINES: usize = 60;

impl Explanation {
    /// The main call; `None` when the probe ended before it.
    #[must_use]
    pub fn main(&self) -> Option<&ExplainedCall> {
        self.calls.iter().find(|call| call.kind.is_main())
    }

    /// Hides secrets that a later call revealed. Requests show none: they hold only the recipe and
    /// its parameters.
    fn scrub(&mut self, redactor: &Redactor) {
        for call in &mut self.calls {
            call.headers.iter_mut().for_each(|(_, value)| *value = redactor.scrub(value));
            call.body.iter_mut().for_each(|line| *line = redactor.scrub(line));
            call.reading.iter_mut().for_each(|line| line.result = redactor.scrub(&line.result));
            // With a part replaced, the line would not work in a recipe.
            call.suggestions.retain(|suggestion| {
                !redactor.is_secret(&suggestion.line) && !redactor.is_secret(&suggestion.why)
            });
        }
    }
}

impl Observer for Explanation {
    fn request(&mut self, call: &Call, values: &Values) {
        self.calls.push(ExplainedCall::new(call, call.show(values).unwrap_or_default()));
    }

    fn answer(&mut self, answer: &ObservedAnswer<'_>) {
        let Some(call) = self.calls.last_mut() else { return };
        let hides_values = call.kind == Kind::Read
            && (answer.outcome.is_some_and(Outcome::is_success)
                || (200..300).contains(&answer.response.status));
        call.answer(answer.response, answer.trace, answer.redactor, hides_values);
        call.reading = answer.trace.lines(answer.redactor);
        if let Some(outcome) = answer.outcome {
            call.suggestions = unread(answer, outcome);
        }
    }

    fn skipped(&mut self, call: &Call, missing: &[&str]) {
        let missing = missing.iter().map(|name| (*name).to_owned()).collect();
        self.skipped.push(SkippedCall { step: call.name.to_string(), missing });
    }

    fn end(&mut self, redactor: &Redactor) {
        self.scrub(redactor);
    }
}

impl ExplainedCall {
    /// A call without its response. Adds the headers that every request has and the recipe does
    /// not set.
    fn new(call: &Call, mut request: ShownRequest) -> Self {
        for (name, value) in DEFAULT_HEADERS {
            if !request.line.is_empty() && !request.headers.iter().any(|(known, _)| known == name) {
                request.headers.push((name.to_owned(), value.to_owned()));
            }
        }
        Self {
            step: call.name.to_string(),
            kind: call.kind,
            request,
            status: None,
            headers: Vec::new(),
            body: Vec::new(),
            reading: Vec::new(),
            suggestions: Vec::new(),
        }
    }

    /// Adds what may be shown of a response. `hides_values` leaves the names and kinds of its
    /// members: the answer to a read of a static credential can hold other secrets, which only the
    /// rules of the recipe tell from harmless values.
    pub fn answer(
        &mut self,
        response: &TokenResponse,
        trace: &Trace<'_>,
        redactor: &Redactor,
        hides_values: bool,
    ) {
        let seen = Seen::new(&self.request, trace);
        self.status = Some(response.status);
        for name in SHOWN_HEADERS {
            if let Some(value) = response.headers.get(name) {
                let text = String::from_utf8_lossy(value.as_bytes());
                // A query or fragment can hold a token.
                let text = if name == "location" { shown_place(&text) } else { text.into_owned() };
                let text = Message::clean(&redactor.scrub(&text));
                self.headers.push((name.to_owned(), text.as_str().to_owned()));
            }
        }
        match structure(&response.body) {
            Some(tree) if hides_values => kinds(&tree, "", 0, redactor, &mut self.body),
            Some(tree) => outline(&tree, "", 0, (&seen, redactor), &mut self.body),
            None if response.body.is_empty() => self.body.push("(empty)".into()),
            None => self.body.push(format!(
                "({} bytes that are neither JSON nor XML nor a form)",
                response.body.len()
            )),
        }
        if self.body.len() > MOST_LINES {
            self.body.truncate(MOST_LINES);
            self.body.push("…".into());
        }
    }
}

/// What a person sees of a call beside the response: the request, and what the rules show.
struct Seen {
    request: Vec<String>,
    rules: Vec<String>,
}

impl Seen {
    fn new(request: &ShownRequest, trace: &Trace<'_>) -> Self {
        let headers = request.headers.iter().map(|(_, value)| value);
        let request = std::iter::once(&request.line).chain(headers).chain(&request.body).cloned();
        let mut rules = Vec::new();
        for note in trace.notes() {
            match &note.found {
                Found::Code(code) => rules.push(code.to_string()),
                Found::Message(text) => rules.push(text.clone()),
                Found::Scopes(scopes) => {
                    rules.push(scopes.join(" "));
                    rules.extend(scopes.iter().cloned());
                }
                _ => {}
            }
        }
        Self { request: request.collect(), rules }
    }

    /// Whether a rule shows the whole text, or the request has it as a whole word.
    fn has(&self, text: &str) -> bool {
        let text = text.trim();
        let is_part = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        let is_word = |line: &String| {
            line.match_indices(text).any(|(at, _)| {
                !line[..at].ends_with(is_part) && !line[at + text.len()..].starts_with(is_part)
            })
        };
        self.rules.iter().any(|shown| shown.trim() == text)
            || !text.is_empty() && self.request.iter().any(is_word)
    }
}

/// Adds the names and kinds of all members, with the values that cannot be a token: numbers,
/// booleans, plain words and sentences.
fn outline(
    json: &Json,
    name: &str,
    depth: usize,
    (seen, redactor): (&Seen, &Redactor),
    lines: &mut Vec<String>,
) {
    if lines.len() > MOST_LINES {
        return;
    }
    let indent = "  ".repeat(depth);
    let label = if name.is_empty() {
        String::new()
    } else {
        format!("{}: ", Message::clean(&redactor.scrub(name)).as_str())
    };
    match json {
        Json::Object(members) => {
            lines.push(format!("{indent}{label}{{{}", if members.is_empty() { "}" } else { "" }));
            for (name, value) in members {
                outline(value, name, depth + 1, (seen, redactor), lines);
            }
            if !members.is_empty() {
                lines.push(format!("{indent}}}"));
            }
        }
        Json::Array(items) => {
            lines.push(format!("{indent}{label}[{} items]", items.len()));
            for item in items.iter().take(3) {
                outline(item, "", depth + 1, (seen, redactor), lines);
            }
        }
        Json::String(text) => {
            lines.push(format!("{indent}{label}{}", shown(name, text, seen, redactor)));
        }
        Json::Number(number)
            if redactor.is_secret(&number.to_string())
                || names_a_secret(name) && is_named_secret(name, &number.to_string()) =>
        {
            lines.push(format!("{indent}{label}{HIDDEN} (a number)"));
        }
        other => lines.push(format!("{indent}{label}{other}")),
    }
}

/// Adds the names and kinds of all members, without any value. A name that looks like a value is
/// hidden too.
fn kinds(json: &Json, name: &str, depth: usize, redactor: &Redactor, lines: &mut Vec<String>) {
    if lines.len() > MOST_LINES {
        return;
    }
    let indent = "  ".repeat(depth);
    let label = match name {
        "" => String::new(),
        name if is_plain_name(name) && !redactor.is_secret(name) => format!("{name}: "),
        _ => format!("{HIDDEN}: "),
    };
    match json {
        Json::Object(members) if !members.is_empty() => {
            lines.push(format!("{indent}{label}{{"));
            for (name, value) in members {
                kinds(value, name, depth + 1, redactor, lines);
            }
            lines.push(format!("{indent}}}"));
        }
        Json::Object(_) => lines.push(format!("{indent}{label}{{}}")),
        Json::Array(items) => {
            lines.push(format!("{indent}{label}[{} items]", items.len()));
            items.first().into_iter().for_each(|it| kinds(it, "", depth + 1, redactor, lines));
        }
        Json::Null => lines.push(format!("{indent}{label}null")),
        Json::Bool(_) => lines.push(format!("{indent}{label}{HIDDEN} (true or false)")),
        Json::Number(_) => lines.push(format!("{indent}{label}{HIDDEN} (a number)")),
        Json::String(_) => lines.push(format!("{indent}{label}{HIDDEN} (a string)")),
    }
}

fn shown(name: &str, text: &str, seen: &Seen, redactor: &Redactor) -> String {
    let clean = |text: &str| format!("{:?}", Message::clean(&redactor.scrub(text)).as_str());
    let beginning = beginning(text);
    if text.is_empty() {
        "\"\"".into()
    } else if may_show_in_answer(name, beginning) || seen.has(beginning) {
        clean(beginning)
    } else if let Some(sentence) = sentence(name, beginning) {
        clean(&sentence)
    } else {
        format!("{HIDDEN} (a string of {} characters)", text.chars().count())
    }
}

/// As much of a text as decides how it is shown: only a message is shown, which is far shorter. The
/// last word is whole, as a part of it could look harmless.
fn beginning(text: &str) -> &str {
    const ENOUGH: usize = 16 * 1024;
    let Some(end) = (ENOUGH..text.len()).find(|place| text.is_char_boundary(*place)) else {
        return text;
    };
    text[..end].rfind(char::is_whitespace).map_or(text, |end| &text[..end])
}
