//! Compiles the places of the ends of configured credentials.

use std::sync::Arc;

use toml::Spanned;

use super::compiler::Compiler;
use super::meanings::ANSWER;
use crate::diagnostic::{Sentence, Shown, suggestion_of_names};
use crate::language::expression::{Compiled, Side};
use crate::outcome::EndSource;
use crate::recipe::call::{EndPlace, EndRules};
use crate::recipe::definition::{
    Absent, CreationRule, EndRule, OneOrSeveral, Text, TimeRule, Unit,
};

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
        created: &OneOrSeveral<CreationRule>,
    ) -> EndRules {
        let expiry = expiry.0.iter().filter_map(|EndRule { value, unit, absent, credential }| {
            self.end_place(value, *unit, *absent, credential.as_ref())
        });
        let expiry = expiry.collect();
        let created = created.0.iter().filter_map(|CreationRule { value, unit, credential }| {
            self.end_place(value, *unit, Absent::Unknown, credential.as_ref())
        });
        EndRules { expiry, created: created.collect() }
    }

    /// The credential with this name; a fault when the recipe has none.
    pub fn credential(&mut self, name: &Spanned<String>) -> Option<Arc<str>> {
        let names = || self.credentials.iter().map(|(name, _)| name);
        if let Some(known) = names().find(|known| ***known == **name.get_ref()) {
            return Some(Arc::clone(known));
        }
        let hint = suggestion_of_names(name.get_ref(), names().map(|name| &**name));
        let shown = [Shown::name(name.get_ref())];
        let problem = Sentence::fill("the recipe has no credential `{}`", shown);
        self.fault(name.span(), problem).hint = Some(hint);
        None
    }

    fn end_place(
        &mut self,
        value: &Text,
        unit: Unit,
        absent: Absent,
        credential: Option<&Text>,
    ) -> Option<EndPlace> {
        let (rule, unit) = self.times(&[TimeRule { value: value.clone(), unit }]).pop()?;
        let credential = match credential {
            None => self.credentials.last().map(|(name, _)| Arc::clone(name)),
            Some(text) => Some(self.credential(&text.0)?),
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
        Some(EndPlace { rule, unit, absent, credential, source })
    }
}
