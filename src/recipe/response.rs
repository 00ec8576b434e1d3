//! From an answer to an outcome. The token dies here.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use jiff::Timestamp;
use minijinja::Value;
use minijinja::value::ValueKind;

use super::answer;
use super::context::Context;
use super::definition::Format;
use super::expiry::ends_at;
use super::expression::{Compiled, explain};
use super::fingerprint::Fingerprints;
use super::retry::retry_after;
use super::trace::Trace;
use super::{Recipe, Rendered};
use crate::outcome::{Code, Expiry, Failure, Issued, Message, Outcome, Reason};
use crate::secret::{HIDDEN, Redactor, looks_random, names_a_secret};
use crate::time::{human_duration, unix_seconds};

/// A whole answer. Can hold a token: it can be read, not printed.
pub struct TokenResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, already bounded in size.
    pub body: Bytes,
    /// When its head arrived.
    pub received: Timestamp,
}

/// What one provider expects of a token beyond its being issued.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectations {
    /// Scopes that must be granted.
    pub required_scopes: Vec<String>,
    /// The shortest lifetime that is of use.
    pub min_lifetime: Option<Duration>,
}

/// Words and numbers that say "fine" where a code stands: never the code of a failure.
fn says_fine(code: &str) -> bool {
    matches!(code.to_ascii_lowercase().as_str(), "0" | "200" | "201" | "ok" | "success" | "true")
}

struct Reader<'a> {
    recipe: &'a Recipe,
    response: &'a TokenResponse,
    names: Context,
    context: Value,
    redactor: &'a mut Redactor,
    trace: &'a mut Trace,
}

impl Recipe {
    /// Reads the answer to a rendered request. Its values are used up; its redactor knows the token afterwards.
    #[must_use]
    pub fn read(
        &self,
        rendered: &mut Rendered,
        response: &TokenResponse,
        expectations: &Expectations,
        fingerprints: &Fingerprints,
        trace: &mut Trace,
    ) -> Outcome {
        let Rendered { context, redactor, .. } = rendered;
        let mut names = std::mem::take(context);
        let trees = self.trees(&response.body);
        for (name, tree) in &trees {
            names.add(name, Value::from(minijinja::value::Serde(tree)));
        }
        if self.uses("http") {
            names.add("http", http_value(response));
        }
        if self.uses("body") {
            names.add("body", Value::from(String::from_utf8_lossy(&response.body)));
        }
        let context = names.value();
        let mut reader = Reader { recipe: self, response, names, context, redactor, trace };
        reader.hide_tokens(&trees);
        let outcome = match reader.issued(&trees) {
            Ok(token) => reader.token(&token, expectations, fingerprints),
            Err(failure) => Err(failure),
        };
        match outcome {
            Ok(issued) => Outcome::Issued(issued),
            Err(failure) => Outcome::Failed(failure),
        }
    }
}

/// The body in each of the forms that it can be read as, by the name that expressions have for it.
type Trees = Vec<(&'static str, serde_json::Value)>;

impl Recipe {
    /// The forms that rules ask for or that a success must have; JSON always, as failures often have it.
    fn trees(&self, body: &[u8]) -> Trees {
        let format = self.response.format;
        let mut trees = Vec::new();
        trees.extend(answer::json(body).map(|tree| ("json", tree)));
        if format == Format::Form || self.uses("form") {
            trees.extend(answer::form(body).map(|tree| ("form", tree)));
        }
        if format == Format::Xml || self.uses("xml") {
            trees.extend(answer::xml(body).map(|tree| ("xml", tree)));
        }
        trees
    }
}

fn http_value(response: &TokenResponse) -> Value {
    let headers = response.headers.iter().filter_map(|(name, value)| Some((name.as_str(), Value::from(value.to_str().ok()?))));
    Value::from_pairs([("status", Value::from(response.status)), ("headers", Value::from_pairs(headers))])
}

impl Reader<'_> {
    /// The token, or why there is none.
    fn issued(&mut self, trees: &Trees) -> Result<String, Failure> {
        let status = self.response.status;
        self.trace.note("status", "", || status.to_string());
        if (300..400).contains(&status) {
            let place = self.response.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
            let message = format!("redirected to {}, which is not followed", place.split(['?', '#']).next().unwrap_or_default());
            return Err(Failure::new(Reason::Redirect, &self.redactor.scrub(&message)).code(Code::http(status)));
        }
        if !(200..300).contains(&status) {
            return Err(self.refused(None));
        }
        let malformed = |code: &'static str, message: &str| Failure::new(Reason::Malformed, message).code(Code::word(code));
        let format = self.recipe.response.format;
        let readable = match format {
            Format::Any => true,
            Format::Text => answer::is_word(&self.response.body),
            Format::Json | Format::Form | Format::Xml => trees.iter().any(|(name, _)| *name == format.word()),
        };
        if !readable {
            if self.response.body.iter().all(u8::is_ascii_whitespace) {
                return Err(malformed("body_empty", "the answer has no body"));
            }
            // One that tells a failure in a form of its own does so, whatever a success would look like.
            if self.code().is_some() {
                return Err(self.refused(None));
            }
            let (code, wanted) = match format {
                Format::Form => ("not_form", "a form"),
                Format::Xml => ("not_xml", "XML"),
                Format::Text => ("not_text", "a token by itself"),
                Format::Json | Format::Any => ("not_json", "JSON"),
            };
            return Err(malformed(code, &format!("the answer is not {wanted} but {}", self.kind_of_body())));
        }
        let recipe = self.recipe;
        if let Some(rule) = &recipe.response.issued {
            let holds = rule.evaluate(&self.context);
            self.trace.note("issued", &rule.source, || match &holds {
                Ok(value) => value.is_true().to_string(),
                Err(error) => format!("cannot be evaluated: {}", explain(error)),
            });
            if !holds.is_ok_and(|value| value.is_true()) {
                return Err(self.refused(None));
            }
        }
        self.find_token().map_err(|problem| self.refused(Some(problem)))
    }

    /// Hides everything that is or could be a token before any text of the answer is taken up: what the token
    /// rules find, whatever the status, and what stands under a telling name where a rule may be wrong.
    fn hide_tokens(&mut self, trees: &Trees) {
        for rule in &self.recipe.response.token {
            if let Ok(value) = rule.evaluate(&self.context)
                && let Some(text) = value.as_str()
            {
                self.redactor.hide(text);
            }
        }
        for (_, tree) in trees {
            hide_members(tree, false, self.redactor);
        }
    }

    /// The first token that is a string with something in it; else what is wrong with what is there.
    fn find_token(&mut self) -> Result<String, &'static str> {
        let mut problem = "token_missing";
        for rule in &self.recipe.response.token {
            let value = rule.evaluate(&self.context).unwrap_or(Value::UNDEFINED);
            let text = value.as_str().filter(|_| value.kind() == ValueKind::String).map(str::trim);
            self.trace.note("token", &rule.source, || match (&text, value.kind()) {
                (Some(""), _) => "an empty string".into(),
                (Some(text), _) => format!("a string of {} characters {HIDDEN}", text.chars().count()),
                (None, ValueKind::Undefined) => "absent".into(),
                (None, kind) => format!("a {kind}, not a string"),
            });
            match text {
                Some("") => {}
                Some(text) => return Ok(text.to_owned()),
                None if matches!(value.kind(), ValueKind::Undefined | ValueKind::None) => {}
                None => problem = "token_not_a_string",
            }
        }
        Err(problem)
    }

    /// Expiry, lifetime and scopes of a token that is there.
    fn token(&mut self, token: &str, expectations: &Expectations, fingerprints: &Fingerprints) -> Result<Issued, Failure> {
        self.redactor.hide(token);
        if self.recipe.uses("token") {
            self.names.add("token", Value::from(token));
            self.context = self.names.value();
        }
        let expiry = self.expiry()?;
        let received = self.response.received;
        let lifetime = match expiry {
            Expiry::At(end) => Some(unix_seconds(end) - unix_seconds(received)),
            Expiry::Never | Expiry::Unknown => None,
        };
        if let Some(lifetime) = lifetime {
            let minimum = expectations.min_lifetime.unwrap_or_default().as_secs_f64();
            if lifetime <= 0.0 {
                return Err(Failure::new(Reason::Expired, &format!("the token expired {} before it arrived", human_duration(-lifetime))));
            }
            if lifetime < minimum {
                let message = format!("the token lives {}, less than min_lifetime {}", human_duration(lifetime), human_duration(minimum));
                return Err(Failure::new(Reason::Expired, &message));
            }
        }
        let missing = self.missing_scopes(&expectations.required_scopes);
        if !missing.is_empty() {
            let mut failure = Failure::new(Reason::Scope, &format!("not granted: {}", missing.join(" ")));
            failure.missing_scopes = missing.len();
            return Err(failure);
        }
        Ok(Issued { expiry, lifetime, fingerprint: fingerprints.of(token) })
    }

    fn expiry(&mut self) -> Result<Expiry, Failure> {
        let recipe = self.recipe;
        if let Some(rule) = &recipe.response.never {
            let never = rule.evaluate(&self.context).is_ok_and(|value| value.is_true());
            self.trace.note("never", &rule.source, || never.to_string());
            if never {
                return Ok(Expiry::Never);
            }
        }
        let received = self.response.received;
        for (rule, unit) in &recipe.response.expiry {
            let value = match rule.evaluate(&self.context) {
                Ok(value) if value.is_undefined() || value.is_none() => {
                    self.trace.note("expiry", &rule.source, || "absent".into());
                    continue;
                }
                Ok(value) => ends_at(&value, *unit, received),
                Err(error) => Err(explain(&error)),
            };
            self.trace.note("expiry", &rule.source, || match &value {
                Ok(end) => format!(
                    "{} ({}, {} from now)",
                    end.strftime("%Y-%m-%d %H:%M:%S UTC"),
                    unit.word(),
                    human_duration(unix_seconds(*end) - unix_seconds(received))
                ),
                Err(problem) => format!("{problem} ({})", unit.word()),
            });
            return value.map(Expiry::At).map_err(|problem| {
                let message = format!("the expiry at `{}` is {problem}", rule.source);
                Failure::new(Reason::Malformed, &message).code(Code::word("expiry_unreadable"))
            });
        }
        Ok(Expiry::Unknown)
    }

    /// The required scopes that the answer does not list. An answer that lists none grants what was asked for
    /// (RFC 6749, section 5.1).
    fn missing_scopes(&mut self, required: &[String]) -> Vec<String> {
        let Some(rule) = &self.recipe.response.scopes else { return Vec::new() };
        let value = rule.evaluate(&self.context).unwrap_or(Value::UNDEFINED);
        let granted: Option<Vec<String>> = match value.kind() {
            ValueKind::String => Some(words(value.as_str().unwrap_or_default())),
            ValueKind::Seq => value.try_iter().ok().map(|items| items.filter_map(|item| item.as_str().map(str::to_owned)).collect()),
            _ => None,
        };
        self.trace.note("scopes", &rule.source, || match &granted {
            Some(granted) => format!("{} granted: {}", granted.len(), Message::clean(&self.redactor.scrub(&granted.join(" "))).as_str()),
            None => "not listed, so as requested".into(),
        });
        let Some(granted) = granted else { return Vec::new() };
        required.iter().filter(|scope| !granted.contains(scope)).cloned().collect()
    }

    /// The failure that an answer without a token tells. `problem` is what is wrong with the token in an
    /// otherwise successful answer: it counts only when the answer gives no code of its own.
    fn refused(&mut self, problem: Option<&'static str>) -> Failure {
        let status = self.response.status;
        let code = self.code();
        let message = self.message();
        let named = |list: &[String], code: &Option<Code>| code.as_ref().is_some_and(|code| list.iter().any(|named| named == code.as_str()));
        let rules = &self.recipe.response;
        let reason = if status == 429 || named(&rules.throttled, &code) {
            Reason::Throttled
        } else if status >= 500 || named(&rules.unavailable, &code) {
            Reason::Unavailable
        } else if problem.is_some() && code.is_none() {
            Reason::Malformed
        } else {
            Reason::Rejected
        };
        // An answer that says success has a message that says so too, which would mislead here.
        let told = message.filter(|_| reason != Reason::Malformed).unwrap_or_else(|| match problem {
            Some("token_not_a_string") => "the token in the answer is not a string".into(),
            Some(_) => "the answer says success but holds no token".into(),
            None if (200..300).contains(&status) => "the answer tells a failure".into(),
            None => format!("HTTP status {status}"),
        });
        let code = code.or_else(|| problem.map(Code::word)).unwrap_or_else(|| Code::http(status));
        let mut failure = Failure::new(reason, &told).code(code);
        if matches!(reason, Reason::Throttled | Reason::Unavailable) {
            failure.retry_after = retry_after(&self.response.headers, self.response.received);
        }
        failure
    }

    /// The first usable code: a scalar that is not empty, does not say "fine" and is no secret.
    fn code(&mut self) -> Option<Code> {
        for rule in &self.recipe.response.code {
            let value = rule.evaluate(&self.context).unwrap_or(Value::UNDEFINED);
            let text = match value.kind() {
                ValueKind::String => value.as_str().map(str::to_owned),
                ValueKind::Number => Some(value.to_string()),
                _ => None,
            };
            let secret = text.as_deref().is_some_and(|text| self.redactor.is_secret(text) || looks_random(text.trim()));
            let code = text.as_deref().filter(|text| !secret && !says_fine(text.trim())).and_then(Code::clean);
            self.trace.note("code", &rule.source, || match (&code, value.kind()) {
                (Some(code), _) => code.to_string(),
                (None, ValueKind::Undefined) => "absent".into(),
                (None, _) if secret => "holds a secret or looks like one, so not used".into(),
                (None, ValueKind::String | ValueKind::Number) => "no code of a failure".into(),
                (None, kind) => format!("a {kind}, so not used"),
            });
            if code.is_some() {
                return code;
            }
        }
        None
    }

    fn message(&mut self) -> Option<String> {
        let recipe = self.recipe;
        recipe.response.message.iter().find_map(|rule| {
            let text = self.text(rule)?;
            self.trace.note("message", &rule.source, || Message::clean(&text).as_str().to_owned());
            Some(text)
        })
    }

    fn text(&self, rule: &Compiled) -> Option<String> {
        let value = rule.evaluate(&self.context).ok()?;
        let text = value.as_str().filter(|_| value.kind() == ValueKind::String)?;
        (!text.trim().is_empty()).then(|| self.redactor.scrub(text))
    }

    fn kind_of_body(&self) -> String {
        let start: Vec<u8> = self.response.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(15).collect();
        let start = String::from_utf8_lossy(&start).to_lowercase();
        if start.starts_with("<!doctypehtml") || start.starts_with("<html") {
            return "an HTML page".into();
        }
        if start.starts_with('<') {
            return "XML or HTML".into();
        }
        if std::str::from_utf8(&self.response.body).is_err() {
            return "bytes that are no UTF-8 text".into();
        }
        if answer::json(&self.response.body).is_some() {
            return "JSON".into();
        }
        if start.starts_with(['{', '[']) {
            return "broken or too deeply nested JSON".into();
        }
        format!("{} bytes of text", self.response.body.len())
    }
}

/// Hides the texts under telling names. Short ones are left: they are words such as `expired`, not tokens.
fn hide_members(json: &serde_json::Value, telling: bool, redactor: &mut Redactor) {
    match json {
        serde_json::Value::Object(members) => members.iter().for_each(|(name, value)| hide_members(value, telling || names_a_secret(name), redactor)),
        serde_json::Value::Array(items) => items.iter().for_each(|item| hide_members(item, telling, redactor)),
        serde_json::Value::String(text) if telling && text.len() >= 16 && !text.contains(' ') => redactor.hide(text),
        _ => {}
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|character: char| character.is_whitespace() || character == ',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
