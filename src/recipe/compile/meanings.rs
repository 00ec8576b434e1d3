//! Compiles the codes and conditions that give a failure its reason.

use super::compiler::Compiler;
use crate::diagnostic::Sentence;
use crate::language::expression::Compiled;
use crate::outcome::Reason;
use crate::recipe::call::Meaning;
use crate::recipe::definition::{Signs, Text};

/// The names of an answer in expressions.
pub const ANSWER: [&str; 5] = ["json", "form", "xml", "http", "body"];

impl Compiler<'_> {
    /// Compiles what gives a failure its reason, in order of precedence.
    pub fn meanings(&mut self, signs: [(Reason, &Signs); 5]) -> Vec<Meaning> {
        let written = |(_, signs): &(Reason, &Signs)| **signs != Signs::default();
        let compiled = signs.into_iter().filter(written).map(|(reason, signs)| Meaning {
            reason,
            codes: signs.codes.clone(),
            when: signs.when.as_ref().and_then(|text| self.condition(reason.word(), text)),
        });
        compiled.collect()
    }

    /// The condition with this key about the answer. A single code in its place is a mistake.
    pub fn condition(&mut self, key: &'static str, text: &Text) -> Option<Compiled> {
        let faults = self.faults.len();
        let rule = self.rule(text);
        let names_answer = ANSWER.iter().any(|name| text.0.get_ref().contains(name));
        if rule.as_ref().is_some_and(|rule| ANSWER.iter().any(|name| rule.uses.contains(*name))) {
            return rule;
        }
        if rule.is_some() {
            self.fault(text.0.span(), "this condition uses no value of the answer");
        }
        if !names_answer
            && self.faults.len() > faults
            && let Some(fault) = self.faults.last_mut()
        {
            fault.hint = Some(match Reason::from_word(key) {
                Some(_) => Sentence::fill(
                    "one string is a condition; codes are an array, such as `{} = [\"1015\"]`",
                    [key.into()],
                ),
                None => Sentence::fill(
                    "write a condition about `json`, `http.status` or another part of the answer, \
                     such as `{} = \"json.active == false\"`",
                    [key.into()],
                ),
            });
        }
        None
    }
}
