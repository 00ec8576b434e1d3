//! Compiles the places of the ends of configured credentials.

use std::sync::Arc;

use super::compiler::Compiler;
use super::meanings::ANSWER;
use crate::diagnostic::{Sentence, Shown, suggestion_of_names};
use crate::language::expression::{Compiled, Side};
use crate::outcome::EndSource;
use crate::recipe::call::{EndPlace, EndRules};
use crate::recipe::definition::{EndRule, OneOrSeveral, TimeRule, Unit};

impl Compiler<'_> {
    /// Compiles the places of a time, each with its unit.
    pub fn times(&mut self, rules: &[TimeRule]) -> Vec<(Compiled, Unit)> {
        let compile = |rule: &TimeRule| {
            // Such a unit reveals only the time in the value.
            let compiled = if rule.unit.holds_an_end() {
                self.web_token(&rule.value)
            } else {
                self.rule_of(Side::Expiry, &rule.value)
            };
            Some((compiled?, rule.unit))
        };
        rules.iter().filter_map(compile).collect()
    }

    pub fn ends(
        &mut self,
        expiry: &OneOrSeveral<EndRule>,
        created: &OneOrSeveral<EndRule>,
    ) -> EndRules {
        let mut compile = |rules: &[EndRule]| -> Vec<EndPlace> {
            rules.iter().filter_map(|rule| self.end(rule)).collect()
        };
        EndRules { expiry: compile(&expiry.0), created: compile(&created.0) }
    }

    fn end(&mut self, end: &EndRule) -> Option<EndPlace> {
        let time = TimeRule { value: end.value.clone(), unit: end.unit };
        let (rule, unit) = self.times(&[time]).pop()?;
        let credential = match &end.credential {
            None => self.credentials.last().map(|(name, _)| Arc::clone(name)),
            Some(text) => {
                let names = || self.credentials.iter().map(|(name, _)| &**name);
                let hint = suggestion_of_names(text.0.get_ref(), names());
                let known = names().find(|name| *name == text.0.get_ref()).map(Arc::from);
                if known.is_none() {
                    let name = [Shown::name(text.0.get_ref())];
                    let problem = Sentence::fill("the recipe has no credential `{}`", name);
                    self.fault(text.0.span(), problem).hint = Some(hint);
                    return None;
                }
                known
            }
        };
        // What stands in the credential itself is not told by the provider.
        let is_told = ANSWER.iter().any(|name| rule.uses.contains(*name));
        let source = match unit {
            _ if is_told => EndSource::Reported,
            Unit::X509 => EndSource::Certificate,
            Unit::Jwt | Unit::Sas => EndSource::Jwt,
            _ => EndSource::Reported,
        };
        let credential = credential.unwrap_or_else(|| "".into());
        Some(EndPlace { rule, unit, absent: end.absent, credential, source })
    }
}
