//! Reading any answer: whether it is a success, and what it gives.

use http::header;
use minijinja::value::ValueKind;

use super::call::{Call, Holds, Kind};
use super::definition::Format;
use super::reader::Reader;
use super::refusal::says_fine;
use super::response::TokenResponse;
use super::trace::{Found, Trace};
use super::values::Values;
use crate::language::answer;
use crate::language::expression::{Compiled, explain};
use crate::outcome::{Code, Failure, Reason, malformed};
use crate::secret::shown_place;

impl Call {
    /// Reads the answer to this call and takes what it gives into `values`.
    ///
    /// # Errors
    /// The failure that the answer tells.
    pub fn read<'r>(
        &'r self,
        values: &mut Values,
        response: &TokenResponse,
        trace: &mut Trace<'r>,
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
}

impl Reader<'_, '_> {
    /// That the answer is a success, in a form that can be read.
    pub fn accepted(&mut self) -> Result<(), Failure> {
        let status = self.response.status;
        let rules = &self.call.rules;
        self.trace.note("status", "", Found::Status(status));
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
            let message = format!("redirected to {}, which is not followed", shown_place(place));
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
                &format!(
                    "the answer is not {wanted} but {}",
                    answer::describe(&self.response.body)
                ),
            ));
        }
        if let Some(Holds { word, rule, members }) = &rules.holds {
            let holds = rule.evaluate(&self.context);
            let found = match &holds {
                Ok(value) => Found::Truth(value.is_true()),
                Err(error) => Found::Error(explain(error)),
            };
            self.trace.note(word, &rule.source, found);
            if !holds.is_ok_and(|value| value.is_true()) {
                // `active` decides (RFC 7662, section 2.2); without it there is no verdict.
                if self.call.kind == Kind::Introspection && status == 200 && self.code().is_none() {
                    return Err(malformed(
                        "not_an_introspection",
                        "the answer is none to an introspection: it has no `active`",
                    ));
                }
                if self.says_nothing(members) {
                    let problem = format!(
                        "the answer, {}, neither says success nor tells a failure",
                        answer::describe(&self.response.body)
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
}
