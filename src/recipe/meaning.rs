//! What codes and conditions say about the reason of a failure.

use minijinja::Value;

use super::call::Meaning;
use super::reader::Reader;
use super::refusal::{code_text, means_success};
use super::trace::Found;
use crate::language::expression::explain;
use crate::outcome::{Code, Reason};

/// Codes that have one meaning at every provider: those of RFC 6749 (section 4.1.2.1), RFC 8628
/// (section 3.5), AWS and gRPC.
const EVERYWHERE: [(&str, Reason); 5] = [
    ("slow_down", Reason::Throttled),
    ("RESOURCE_EXHAUSTED", Reason::Throttled),
    ("temporarily_unavailable", Reason::Unavailable),
    ("server_error", Reason::Unavailable),
    ("internal_failure", Reason::Unavailable),
];

impl Reader<'_, '_> {
    /// The reason that the conditions and codes of the recipe give to this answer, or that one of
    /// its codes has at every provider. Each code that the rules find counts, not only the first.
    pub fn told(&mut self) -> Option<Reason> {
        if let Some(told) = self.told.get() {
            return *told;
        }
        let told = self.tell();
        *self.told.get_or_init(|| told)
    }

    fn tell(&mut self) -> Option<Reason> {
        let call = self.call;
        let codes: Vec<String> = call
            .rules
            .code
            .iter()
            .filter_map(|rule| code_text(&self.shown(rule)))
            .filter(|text| !means_success(text.trim()))
            .collect();
        // As the answer has it, or as the label has it.
        let is_found = |listed: &str| {
            codes.iter().any(|code| {
                code.trim() == listed || Code::clean(code).is_some_and(|it| it.as_str() == listed)
            })
        };
        for Meaning { reason, codes, when } in &call.rules.meanings {
            let listed = codes.iter().find(|code| is_found(code));
            if let Some(code) = listed {
                self.trace.note(reason.word(), "", Found::Listed(code));
                return Some(*reason);
            }
            if let Some(rule) = when {
                let value = self.evaluate(rule);
                let found = match &value {
                    Ok(value) => Found::Truth(value.is_true()),
                    Err(error) => Found::Error(explain(error)),
                };
                self.trace.note(reason.word(), &rule.source, found);
                if value.is_ok_and(|value: Value| value.is_true()) {
                    return Some(*reason);
                }
            }
        }
        let (code, reason) = EVERYWHERE.iter().find(|(code, _)| is_found(code))?;
        self.trace.note(reason.word(), "", Found::Listed(code));
        Some(*reason)
    }
}
