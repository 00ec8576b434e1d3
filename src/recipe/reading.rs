//! Reads any answer: whether it is a success, and which values it gives to later calls.

use std::sync::Arc;

use http::header;
use minijinja::value::ValueKind;

use super::call::{Call, Condition, Kind};
use super::definition::Format;
use super::reader::{Reader, TokenResponse};
use super::refusal::means_success;
use super::trace::{Found, Trace};
use super::values::Values;
use crate::language::answer::{describe, is_page, is_word, mismatch};
use crate::language::expression::{Compiled, explain};
use crate::language::scan::Member;
use crate::language::tree::Tree;
use crate::outcome::{Code, Failure, Reason, malformed};
use crate::secret::shown_place;

impl Call {
    /// Reads the answer to this call and adds the values that it gives to `values`.
    ///
    /// # Errors
    /// The failure that the answer reports.
    pub fn read<'r>(
        &'r self,
        values: &mut Values,
        response: &TokenResponse,
        trace: &mut Trace<'r>,
    ) -> Result<(), Failure> {
        let mut reader = Reader::new(self, &[], values, response, trace);
        reader.accept()?;
        // Without `gives` and `ok`, only these rules can say that a 2xx answer is a failure.
        if self.gives.is_empty() && self.rules.condition.is_none() && reader.tells_a_failure() {
            return Err(reader.refused(None));
        }
        let (given, missing) = reader.given();
        if let Some(name) = missing {
            let body = describe(&reader.body);
            let problem = format!("the answer, {body}, does not give `{name}`");
            return Err(malformed("value_missing", &problem));
        }
        let ends = reader.credential_ends()?;
        for (name, rule, value) in given {
            values.give_found(name, rule, value);
        }
        values.add_ends(ends);
        Ok(())
    }
}

impl Reader<'_, '_> {
    /// Checks that the answer is a success, in a form that the rules can read.
    pub fn accept(&mut self) -> Result<(), Failure> {
        let status = self.response.status;
        self.trace.note("status", "", Found::Status(status));
        if let Some(damage) = &self.response.damage {
            self.trace.note("body", "", Found::Damage(damage.message.clone()));
        }
        if self.is_dead() {
            return Err(self.refused(None));
        }
        if !self.has_fine_status() {
            if self.is_alive() {
                return Ok(());
            }
            return Err(match status {
                300..400 => self.redirected(),
                200..300 if !self.tells_a_failure() => {
                    let message = format!("HTTP status {status} is not one of `statuses`");
                    Failure::new(Reason::Malformed, &message).code(Code::http(status))
                }
                _ => self.refused(None),
            });
        }
        if let Some(damage) = &self.response.damage
            && !self.is_readable()
        {
            return Err(damage.clone());
        }
        self.check_format()?;
        self.check_replaced()?;
        self.check_condition()
    }

    /// Whether the status says success.
    pub fn has_fine_status(&self) -> bool {
        let (status, fine) = (self.response.status, &self.call.rules.statuses);
        fine.contains(&status) || fine.is_empty() && (200..300).contains(&status)
    }

    /// Whether the rules can rely on a damaged body: JSON and XML show their end, and a value from
    /// a header needs no body.
    fn is_readable(&self) -> bool {
        let format = self.call.rules.format;
        let mut trees =
            self.trees.iter().filter(|(name, _)| format == Format::Any || *name == format.word());
        let is_whole = |(name, tree): &(&str, Arc<Tree>)| match *name {
            "json" => !tree.json().is_number(),
            name => name == "xml",
        };
        let in_body = |rule: &Compiled| {
            ["body", "json", "form", "xml"].iter().any(|name| rule.uses.contains(*name))
        };
        let gives = self.call.gives.iter().map(|(_, rule)| rule);
        let mut used = self.tokens.iter().chain(gives).chain(&self.call.rules.dead);
        // The status of a read of a static credential is enough for a success.
        let is_enough = self.call.kind == Kind::Read || used.clone().next().is_some();
        trees.any(is_whole) || format == Format::Any && is_enough && !used.any(in_body)
    }

    fn redirected(&self) -> Failure {
        let place = self.response.headers.get(header::LOCATION);
        let place = place.and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
        let message = format!("redirected to {}, which is not followed", shown_place(place));
        Failure::new(Reason::Redirect, &self.redactor.scrub(&message))
            .code(Code::http(self.response.status))
    }

    /// Whether the answer is an HTML page, by its start or by its media type.
    fn is_page(&self) -> bool {
        let kind = self.response.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        let is_html = ["text/html", "application/xhtml+xml"].iter().any(|it| kind.contains(it));
        is_page(&self.body) || is_html && self.body.trim_ascii().starts_with(b"<")
    }

    /// Whether the body has the form in which the rows of a list stand. One that is cut off, or
    /// larger than what is read, begins like it: then only the list cannot be read.
    fn may_have_rows(&self) -> bool {
        let Some(rows_in) = self.call.rules.rows_in else { return true };
        let body = self.body.trim_ascii();
        let begins = match rows_in {
            Format::Any | Format::Text => true,
            Format::Json => body.starts_with(b"{") || body.starts_with(b"["),
            Format::Xml => body.starts_with(b"<"),
            Format::Form => false,
        };
        begins || self.trees.iter().any(|(name, _)| *name == rows_in.word())
    }

    fn check_format(&mut self) -> Result<(), Failure> {
        let body = &*self.body;
        let format = self.call.rules.format;
        let readable = match format {
            Format::Any => {
                (!self.call.rules.refuses_pages || !self.is_page()) && self.may_have_rows()
            }
            Format::Text => is_word(body),
            Format::Json | Format::Form | Format::Xml => {
                self.trees.iter().any(|(name, _)| *name == format.word())
            }
        };
        if readable {
            return Ok(());
        }
        if body.trim_ascii().is_empty() {
            return Err(malformed("body_empty", "the answer has no body"));
        }
        // A failure can have another form than a success.
        if self.tells_a_failure() {
            return Err(self.refused(None));
        }
        let rows_in = self.call.rules.rows_in.filter(|_| format == Format::Any && !self.is_page());
        let wanted = rows_in.unwrap_or(format);
        let (code, wanted) = match wanted {
            Format::Form => ("not_form", "a form"),
            Format::Xml => ("not_xml", "XML"),
            Format::Text => ("not_text", "a token by itself"),
            Format::Json => ("not_json", "JSON"),
            Format::Any => ("html_page", "that of an API"),
        };
        let message = format!("{} ({})", mismatch(&self.body, wanted), self.origin());
        Err(malformed(code, &message))
    }

    /// Status and media type of the answer, which tell who sent it. Parameters of the type and
    /// types in other signs than those of RFC 9110 are left out.
    fn origin(&self) -> String {
        const LONGEST: usize = 40;
        let kind = self.response.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        let is_sign = |sign: char| sign.is_ascii_alphanumeric() || "/+-.".contains(sign);
        let is_shown = (1..=LONGEST).contains(&kind.len()) && kind.chars().all(is_sign);
        let status = format!("HTTP status {}", self.response.status);
        if !is_shown || self.redactor.is_secret(kind) {
            return status;
        }
        format!("{status}, {}", kind.to_ascii_lowercase())
    }

    /// Checks that the server has not replaced a credential that is configured.
    fn check_replaced(&mut self) -> Result<(), Failure> {
        for (name, rule) in &self.call.rules.replaces {
            let value = self.found(rule);
            let is_text = value.kind() == ValueKind::String;
            let own = self.names.get(name).filter(|_| is_text);
            let is_replaced = own.is_some_and(|own| *own != value);
            self.trace.note("replaces", &rule.source, Found::Truth(is_replaced));
            if is_replaced {
                let message = format!(
                    "the server has replaced `{name}`: the one that is configured is used up"
                );
                let code = Code::clean(&format!("{name}_replaced")).unwrap_or_default();
                return Err(Failure::new(Reason::Rejected, &message).code(code));
            }
        }
        Ok(())
    }

    fn check_condition(&mut self) -> Result<(), Failure> {
        let call = self.call;
        let Some(Condition { word, rule, members }) = &call.rules.condition else { return Ok(()) };
        let value = self.evaluate(rule);
        let found = match &value {
            Ok(value) => Found::Truth(value.is_true()),
            Err(error) => Found::Error(explain(error)),
        };
        self.trace.note(word, &rule.source, found);
        if value.is_ok_and(|value| value.is_true()) {
            return Ok(());
        }
        // Without `active` the answer is no verdict on the token (RFC 7662, section 2.2).
        let introspects = call.kind == Kind::Introspection;
        if introspects && self.response.status == 200 && self.code().is_none() {
            return Err(malformed(
                "not_an_introspection",
                "the answer is none to an introspection: it has no `active`",
            ));
        }
        if self.told().is_none() && self.is_unclear(members) {
            let problem = format!(
                "the answer, {}, neither says success nor tells a failure",
                describe(&self.body)
            );
            return Err(malformed("answer_unclear", &problem));
        }
        Err(self.refused(None))
    }

    /// Whether the rules find a code, or a condition or code that gives a failure its reason.
    fn tells_a_failure(&mut self) -> bool {
        self.code().is_some() || self.told().is_some()
    }

    /// Whether an answer that does not satisfy its condition is damaged and not a refusal: it has a
    /// 2xx status and no code, and has either a token or no member that the condition uses.
    fn is_unclear(&self, members: &[Member]) -> bool {
        // A code counts even if it cannot be shown.
        let is_code = |rule: &Compiled| {
            let value = self.value(rule);
            let is_scalar = matches!(value.kind(), ValueKind::String | ValueKind::Number);
            let text = if is_scalar { value.to_string() } else { String::new() };
            !text.trim().is_empty() && !means_success(text.trim())
        };
        let is_there = |member: &Member| self.member(member).is_some_and(|value| !value.is_null());
        let is_token =
            |rule: &Compiled| self.found(rule).as_str().is_some_and(|text| !text.trim().is_empty());
        (200..300).contains(&self.response.status)
            && !self.call.rules.code.iter().any(is_code)
            && (self.tokens.iter().any(is_token)
                || !members.is_empty() && !members.iter().any(is_there))
    }
}
