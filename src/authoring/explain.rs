//! What `credwatch probe` tells beyond the outcome: the request, the answer and how it was read,
//! without secrets and without the token.

use serde_json::Value as Json;

use crate::authoring::suggest::{Suggestion, structure, unread};
use crate::outcome::{Message, TraceLine};
use crate::probe::DEFAULT_HEADERS;
use crate::recipe::request::ShownRequest;
use crate::recipe::{Call, Kind, ObservedAnswer, Observer, TokenResponse, Values};
use crate::secret::{
    HIDDEN, Redactor, is_told_secret, may_show_in_answer, names_a_secret, sentence, shown_place,
};

/// One probe, explained: its calls, in order.
#[derive(Default, serde::Serialize)]
pub struct Explanation {
    /// Each call that was to be made, the last perhaps without an answer.
    pub calls: Vec<Told>,
}

/// One call, explained.
#[derive(serde::Serialize)]
pub struct Told {
    /// Its name.
    pub step: String,
    /// What it is for.
    #[serde(skip)]
    pub kind: Kind,
    /// What was sent.
    pub request: ShownRequest,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// The headers of the answer that say something about it.
    pub headers: Vec<(String, String)>,
    /// The structure of the answer's body.
    pub body: Vec<String>,
    /// How each rule read the answer.
    pub reading: Vec<TraceLine>,
    /// What no rule read although the outcome lacks it, as lines for the recipe. Of the token
    /// request only.
    pub suggestions: Vec<Suggestion>,
}

/// Headers that help to understand an answer and hold nothing secret.
const TELLING: [&str; 12] = [
    "content-type",
    "content-encoding",
    "date",
    "location",
    "retry-after",
    "server",
    "via",
    "www-authenticate",
    "x-rate-limit-limit",
    "x-rate-limit-remaining",
    "x-rate-limit-reset",
    "x-request-id",
];

/// The most lines of a body's structure.
const MOST_LINES: usize = 60;

impl Explanation {
    /// The token request, if it came to that.
    #[must_use]
    pub fn token(&self) -> Option<&Told> {
        self.calls.iter().find(|call| call.kind == Kind::Token)
    }

    /// Takes out secrets that only a later call made known. What is made of the recipe and its
    /// parameters alone stays: a request shows no secret.
    fn scrub(&mut self, redactor: &Redactor) {
        for call in &mut self.calls {
            call.headers.iter_mut().for_each(|(_, value)| *value = redactor.scrub(value));
            call.body.iter_mut().for_each(|line| *line = redactor.scrub(line));
            call.reading.iter_mut().for_each(|line| line.result = redactor.scrub(&line.result));
            // A line with a part replaced would be no line for a recipe.
            call.suggestions.retain(|suggestion| {
                !redactor.is_secret(&suggestion.line) && !redactor.is_secret(&suggestion.why)
            });
        }
    }
}

impl Observer for Explanation {
    fn request(&mut self, call: &Call, values: &Values) {
        self.calls.push(Told::new(call, call.show(values).unwrap_or_default()));
    }

    fn answer(&mut self, answer: &ObservedAnswer<'_>) {
        let Some(told) = self.calls.last_mut() else { return };
        told.answer(answer.response, answer.redactor);
        told.reading = answer.trace.lines(answer.redactor);
        if let Some(outcome) = answer.outcome {
            told.suggestions = unread(answer.response, answer.trace, outcome, answer.redactor);
        }
    }

    fn end(&mut self, redactor: &Redactor) {
        self.scrub(redactor);
    }
}

impl Told {
    /// A request, with the headers that every request has where the recipe does not set them.
    fn new(call: &Call, request: ShownRequest) -> Self {
        let mut told = Self {
            step: call.name.to_string(),
            kind: call.kind,
            request,
            status: None,
            headers: Vec::new(),
            body: Vec::new(),
            reading: Vec::new(),
            suggestions: Vec::new(),
        };
        for (name, value) in DEFAULT_HEADERS {
            if !told.request.line.is_empty()
                && !told.request.headers.iter().any(|(known, _)| known == name)
            {
                told.request.headers.push((name.to_owned(), value.to_owned()));
            }
        }
        told
    }

    /// Notes an answer: what is shown of its headers and its body.
    pub fn answer(&mut self, response: &TokenResponse, redactor: &Redactor) {
        self.status = Some(response.status);
        for name in TELLING {
            if let Some(value) = response.headers.get(name) {
                let text = String::from_utf8_lossy(value.as_bytes());
                // What follows the path of a URL can be a token of somebody else's making.
                let text = if name == "location" { shown_place(&text) } else { text.into_owned() };
                let text = Message::clean(&redactor.scrub(&text));
                self.headers.push((name.to_owned(), text.as_str().to_owned()));
            }
        }
        match structure(&response.body) {
            Some(tree) => outline(&tree, "", 0, redactor, &mut self.body),
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

/// Names and kinds, with the values that cannot be a token: numbers, truth values, plain words and
/// prose.
fn outline(json: &Json, name: &str, depth: usize, redactor: &Redactor, lines: &mut Vec<String>) {
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
                outline(value, name, depth + 1, redactor, lines);
            }
            if !members.is_empty() {
                lines.push(format!("{indent}}}"));
            }
        }
        Json::Array(items) => {
            lines.push(format!("{indent}{label}[{} items]", items.len()));
            for item in items.iter().take(3) {
                outline(item, "", depth + 1, redactor, lines);
            }
        }
        Json::String(text) => lines.push(format!("{indent}{label}{}", shown(name, text, redactor))),
        Json::Number(number)
            if redactor.is_secret(&number.to_string())
                || names_a_secret(name) && is_told_secret(name, &number.to_string()) =>
        {
            lines.push(format!("{indent}{label}{HIDDEN} (a number)"));
        }
        other => lines.push(format!("{indent}{label}{other}")),
    }
}

fn shown(name: &str, text: &str, redactor: &Redactor) -> String {
    let clean = |text: &str| format!("{:?}", Message::clean(&redactor.scrub(text)).as_str());
    if text.is_empty() {
        "\"\"".into()
    } else if may_show_in_answer(name, text) {
        clean(text)
    } else if let Some(sentence) = sentence(name, text) {
        clean(&sentence)
    } else {
        format!("{HIDDEN} (a string of {} characters)", text.chars().count())
    }
}
