//! What codes and conditions say about the reason of a failure.

use super::call::{Kind, Meaning};
use super::reader::Reader;
use super::refusal::{code_text, means_success};
use super::trace::Found;
use crate::language::expression::{Compiled, explain};
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

impl<'r> Reader<'_, 'r> {
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
        let codes = self.codes();
        let told = self.listed(&codes);
        told.or_else(|| {
            let (code, reason) = EVERYWHERE.iter().find(|(code, _)| is_found(&codes, code))?;
            self.trace.note(reason.word(), "", Found::Listed(code));
            Some(*reason)
        })
    }

    /// The codes that the rules find, without those that mean success.
    fn codes(&self) -> Vec<String> {
        let rules = self.call.rules.code.iter();
        let texts = rules.filter_map(|rule| code_text(&self.shown(rule)));
        texts.filter(|text| !means_success(text.trim())).collect()
    }

    /// The reason that the conditions and codes of the recipe give to this answer.
    fn listed(&mut self, codes: &[String]) -> Option<Reason> {
        let call = self.call;
        for Meaning { reason, codes: list, when } in &call.rules.meanings {
            let listed = list.iter().find(|code| is_found(codes, code));
            if let Some(code) = listed {
                self.trace.note(reason.word(), "", Found::Listed(code));
                return Some(*reason);
            }
            if when.as_ref().is_some_and(|rule| self.holds(reason.word(), rule)) {
                return Some(*reason);
            }
        }
        None
    }

    /// Whether the condition with this key is true. One that cannot be evaluated is not.
    fn holds(&mut self, key: &'static str, rule: &'r Compiled) -> bool {
        let value = self.evaluate(rule);
        let found = match &value {
            Ok(value) => Found::Truth(value.is_true()),
            Err(error) => Found::Error(explain(error)),
        };
        self.trace.note(key, &rule.source, found);
        value.is_ok_and(|value| value.is_true())
    }

    /// Whether an answer whose status is no refusal is one all the same: by the condition `dead`,
    /// or for a static credential by a code or condition that the recipe lists.
    pub fn is_dead(&mut self) -> bool {
        let call = self.call;
        if !self.has_fine_status() && !(200..400).contains(&self.response.status) {
            return false;
        }
        if call.kind == Kind::Read && !call.rules.meanings.is_empty() {
            let codes = self.codes();
            let told = self.listed(&codes);
            if told.is_some() {
                let _ = self.told.set(told);
                return true;
            }
        }
        let dead = call.rules.dead.as_ref().is_some_and(|rule| self.holds("dead", rule));
        self.was_dead = dead;
        dead
    }

    /// Whether an answer with the status of a refusal is a success: the condition `alive` is true,
    /// and nothing else gives the answer a reason.
    pub fn is_alive(&mut self) -> bool {
        let call = self.call;
        let Some(rule) = &call.rules.alive else { return false };
        self.told().is_none() && self.holds("alive", rule)
    }
}

/// Whether a listed code is among these, as the answer has it or as the label has it.
fn is_found(codes: &[String], listed: &str) -> bool {
    codes.iter().any(|code| {
        code.trim() == listed || Code::clean(code).is_some_and(|it| it.as_str() == listed)
    })
}
