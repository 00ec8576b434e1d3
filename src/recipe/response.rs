//! What any answer tells: whether the request was accepted, what the answer gives, and else why
//! not.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use jiff::Timestamp;
use minijinja::Value;
use minijinja::value::ValueKind;

use super::call::{Call, Holds};
use super::definition::Format;
use super::retry::retry_after;
use super::telling;
use super::trace::Trace;
use super::values::{Values, hide, is_address};
use crate::language::answer;
use crate::language::context::Context;
use crate::language::expression::{Compiled, explain};
use crate::language::scan::members;
use crate::outcome::{Code, Failure, Message, Reason, malformed};
use crate::secret::{HIDDEN, Redactor, looks_random};

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

/// Words and numbers that say "fine" where a code stands: never the code of a failure.
fn says_fine(code: &str) -> bool {
    matches!(code.to_ascii_lowercase().as_str(), "0" | "200" | "201" | "ok" | "success" | "true")
}

/// Reads one answer.
pub(super) struct Reader<'a> {
    pub call: &'a Call,
    pub response: &'a TokenResponse,
    pub names: Context,
    pub context: Value,
    pub redactor: &'a mut Redactor,
    pub trace: &'a mut Trace,
    pub trees: Trees,
    /// Where the token would be, in the answer to the token request.
    pub tokens: &'a [Compiled],
}

impl Call {
    /// Reads the answer to this call and takes what it gives into `values`.
    ///
    /// # Errors
    /// The failure that the answer tells.
    pub fn read(
        &self,
        values: &mut Values,
        response: &TokenResponse,
        trace: &mut Trace,
    ) -> Result<(), Failure> {
        let mut reader = Reader::new(self, values, response, trace);
        reader.hide_given();
        reader.accepted()?;
        // What gives nothing and says nothing of its own shows a failure by its code, whatever the
        // status.
        if self.gives.is_empty() && self.rules.holds.is_none() && reader.code().is_some() {
            return Err(reader.refused(None));
        }
        let given = reader.given()?;
        for (name, value) in given {
            values.give(&name, value);
        }
        Ok(())
    }

    /// The forms that rules ask for or that a success must have; JSON always, as failures often
    /// have it.
    fn trees(&self, body: &[u8]) -> Trees {
        let format = self.rules.format;
        let mut trees = Vec::new();
        trees.extend(answer::json(body).map(|tree| ("json", tree)));
        if format == Format::Form || self.uses.contains("form") {
            trees.extend(answer::form(body).map(|tree| ("form", tree)));
        }
        if format == Format::Xml || self.uses.contains("xml") {
            trees.extend(answer::xml(body).map(|tree| ("xml", tree)));
        }
        trees
    }
}

/// The body in each of the forms that it can be read as, by the name that expressions have for it.
pub(super) type Trees = Vec<(&'static str, serde_json::Value)>;

/// Status and headers. Several headers of one name are one list (RFC 9110, section 5.3).
fn http_value(response: &TokenResponse) -> Value {
    let joined = |name: &HeaderName| {
        let values: Vec<&str> =
            response.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        Value::from(values.join(", "))
    };
    let headers = response.headers.keys().map(|name| (name.as_str(), joined(name)));
    Value::from_pairs([
        ("status", Value::from(response.status)),
        ("headers", Value::from_pairs(headers)),
    ])
}

impl<'a> Reader<'a> {
    pub fn new(
        call: &'a Call,
        values: &'a mut Values,
        response: &'a TokenResponse,
        trace: &'a mut Trace,
    ) -> Self {
        let Values { context, redactor, .. } = values;
        let mut names = context.clone();
        let trees = call.trees(&response.body);
        for (name, tree) in &trees {
            names.add_sized(name, Value::from(minijinja::value::Serde(tree)), response.body.len());
        }
        if call.uses.contains("http") {
            names.add("http", http_value(response));
        }
        if call.uses.contains("body") {
            names.add("body", Value::from(String::from_utf8_lossy(&response.body)));
        }
        let context = names.value();
        for (_, tree) in &trees {
            telling::hide_members(tree, "", false, redactor);
        }
        telling::hide_headers(&response.headers, redactor);
        Self { call, response, names, context, redactor, trace, trees, tokens: &[] }
    }

    /// That the answer is a success, in a form that can be read.
    pub fn accepted(&mut self) -> Result<(), Failure> {
        let status = self.response.status;
        let rules = &self.call.rules;
        self.trace.note("status", "", || status.to_string());
        let expected = if rules.statuses.is_empty() {
            (200..300).contains(&status)
        } else {
            rules.statuses.contains(&status)
        };
        if !expected && (300..400).contains(&status) {
            let place = self
                .response
                .headers
                .get(header::LOCATION)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("nowhere");
            let message =
                format!("redirected to {}, which is not followed", telling::shown_place(place));
            return Err(Failure::new(Reason::Redirect, &self.redactor.scrub(&message))
                .code(Code::http(status)));
        }
        if !expected {
            return Err(self.refused(None));
        }
        let format = rules.format;
        let readable = match format {
            Format::Any => true,
            Format::Text => answer::is_word(&self.response.body),
            Format::Json | Format::Form | Format::Xml => {
                self.trees.iter().any(|(name, _)| *name == format.word())
            }
        };
        if !readable {
            if self.response.body.iter().all(u8::is_ascii_whitespace) {
                return Err(malformed("body_empty", "the answer has no body"));
            }
            // One that tells a failure in a form of its own does so, whatever a success would look
            // like.
            if self.code().is_some() {
                return Err(self.refused(None));
            }
            let (code, wanted) = match format {
                Format::Form => ("not_form", "a form"),
                Format::Xml => ("not_xml", "XML"),
                Format::Text => ("not_text", "a token by itself"),
                Format::Json | Format::Any => ("not_json", "JSON"),
            };
            return Err(malformed(
                code,
                &format!("the answer is not {wanted} but {}", self.kind_of_body()),
            ));
        }
        if let Some(Holds { word, rule, members }) = &rules.holds {
            let holds = rule.evaluate(&self.context);
            self.trace.note(word, &rule.source, || match &holds {
                Ok(value) => value.is_true().to_string(),
                Err(error) => format!("cannot be evaluated: {}", explain(error)),
            });
            if !holds.is_ok_and(|value| value.is_true()) {
                if self.says_nothing(members) {
                    let problem = format!(
                        "the answer, {}, neither says success nor tells a failure",
                        self.kind_of_body()
                    );
                    return Err(malformed("answer_unclear", &problem));
                }
                return Err(self.refused(None));
            }
        }
        Ok(())
    }

    /// Whether an answer for which not all holds that must hold is damaged rather than a refusal:
    /// it tells no code, and either has a token all the same or nothing of what would have to hold.
    fn says_nothing(&self, members: &[Compiled]) -> bool {
        // One that cannot be shown counts too.
        let is_code = |text: &str| !text.trim().is_empty() && !says_fine(text.trim());
        let code = |rule: &Compiled| match rule.evaluate(&self.context) {
            Ok(value) if matches!(value.kind(), ValueKind::String | ValueKind::Number) => {
                is_code(&value.to_string())
            }
            _ => false,
        };
        if !(200..300).contains(&self.response.status) || self.call.rules.code.iter().any(code) {
            return false;
        }
        let there = |rule: &Compiled| {
            rule.evaluate(&self.context)
                .is_ok_and(|value| !value.is_undefined() && !value.is_none())
        };
        let token = |rule: &Compiled| {
            rule.evaluate(&self.context)
                .is_ok_and(|value| value.as_str().is_some_and(|text| !text.trim().is_empty()))
        };
        self.tokens.iter().any(token) || !members.is_empty() && !members.iter().any(there)
    }

    /// Hides what the answer gives before any text of it is taken up, whatever its status and even
    /// where it cannot be read.
    pub fn hide_given(&mut self) {
        // What is no tree, or is shown as it is, has names and values all the same.
        if self.call.uses.contains("body") || self.trees.is_empty() {
            let rules = self.call.gives.iter().map(|(_, rule)| rule).chain(self.tokens);
            let names: Vec<&str> = rules
                .flat_map(|rule| members(&rule.source))
                .filter_map(telling::last_name)
                .collect();
            let body = String::from_utf8_lossy(&self.response.body);
            telling::hide_in_text(&body, &names, self.redactor);
            // Text in two bytes a letter is read as if every other were a zero.
            if body.contains('\0') {
                telling::hide_in_text(&body.replace('\0', ""), &names, self.redactor);
            }
        }
        let names = self.names.clone();
        for (name, rule) in &self.call.gives {
            let value = rule.evaluate(&self.context).unwrap_or(Value::UNDEFINED);
            if !value.as_str().is_some_and(is_address) {
                hide(&value, self.redactor);
            }
            self.names.add(name, value);
            self.context = self.names.value();
        }
        self.names = names;
        self.context = self.names.value();
    }

    /// What the answer gives to the calls after this one; all of it must be there.
    fn given(&mut self) -> Result<Vec<(String, Value)>, Failure> {
        let (given, missing) = self.give();
        match missing {
            None => Ok(given),
            Some(name) => {
                let body = self.kind_of_body();
                Err(malformed(
                    "value_missing",
                    &format!("the answer, {body}, does not give `{name}`"),
                ))
            }
        }
    }

    /// What the answer gives, as far as it is there.
    pub fn given_if_there(&mut self) -> Vec<(String, Value)> {
        self.give().0
    }

    /// What the answer gives, and the first value that it lacks.
    fn give(&mut self) -> (Vec<(String, Value)>, Option<&'a str>) {
        let (mut given, mut missing) = (Vec::new(), None);
        let call = self.call;
        for (name, rule) in &call.gives {
            let value = rule.evaluate(&self.context).unwrap_or(Value::UNDEFINED);
            let there = match value.kind() {
                ValueKind::String => value.as_str().is_some_and(|text| !text.trim().is_empty()),
                ValueKind::Number | ValueKind::Bool | ValueKind::Bytes => true,
                _ => false,
            };
            self.trace.note("gives", &rule.source, || match value.kind() {
                ValueKind::String if there => format!(
                    "{name}: a string of {} characters {HIDDEN}",
                    value.as_str().unwrap_or_default().chars().count()
                ),
                ValueKind::Undefined => format!("{name}: absent"),
                kind if there => format!("{name}: a {kind} {HIDDEN}"),
                kind => format!("{name}: an empty string or a {kind}, of no use"),
            });
            if there {
                self.names.add(name, value.clone());
                self.context = self.names.value();
                given.push((name.clone(), value));
            } else {
                missing = missing.or(Some(name.as_str()));
            }
        }
        (given, missing)
    }

    /// The failure that an answer without a token tells. `problem` is what is wrong with the token
    /// in an otherwise successful answer: it counts only when the answer gives no code of its own.
    pub fn refused(&mut self, problem: Option<&'static str>) -> Failure {
        let status = self.response.status;
        let code = self.code();
        let message = self.message();
        let named = |list: &[String], code: &Option<Code>| {
            code.as_ref().is_some_and(|code| list.iter().any(|named| named == code.as_str()))
        };
        let rules = &self.call.rules;
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
        let told =
            message.filter(|_| reason != Reason::Malformed).unwrap_or_else(|| match problem {
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
        let call = self.call;
        for rule in &call.rules.code {
            let value = rule.evaluate(&self.context).unwrap_or(Value::UNDEFINED);
            let text = match value.kind() {
                ValueKind::String => value.as_str().map(str::to_owned),
                ValueKind::Number => Some(value.to_string()),
                _ => None,
            };
            let code = text.as_deref().filter(|text| !says_fine(text.trim())).and_then(Code::clean);
            // As it is written, and as it would be shown.
            let secret = text
                .as_deref()
                .is_some_and(|text| self.redactor.is_secret(text) || looks_random(text.trim()))
                || code.as_ref().is_some_and(|code| self.redactor.is_secret(code.as_str()));
            let code = code.filter(|_| !secret);
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
        let call = self.call;
        call.rules.message.iter().find_map(|rule| {
            let text = self.text(rule);
            self.trace.note("message", &rule.source, || {
                text.as_deref().map_or_else(
                    || "absent".into(),
                    |text| Message::clean(text).as_str().to_owned(),
                )
            });
            text
        })
    }

    fn text(&self, rule: &Compiled) -> Option<String> {
        let value = rule.evaluate(&self.context).ok()?;
        let text = value.as_str().filter(|_| value.kind() == ValueKind::String)?;
        (!text.trim().is_empty()).then(|| self.redactor.scrub(text))
    }

    fn kind_of_body(&self) -> String {
        let start: Vec<u8> = self
            .response
            .body
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .take(15)
            .collect();
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
