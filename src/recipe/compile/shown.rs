//! Rules whose values may be shown, so that no secret may go into them.

use super::compiler::Compiler;
use crate::diagnostic::within;
use crate::language::expression::{Compiled, Side};
use crate::language::taint::{SAME, paths, shown_secret};
use crate::recipe::definition::{Expressions, Text};

impl Compiler<'_> {
    /// Notes which paths of the answer are secret: those of the token and of what it gives.
    pub fn hide<'b>(&mut self, texts: impl Iterator<Item = &'b Text>) {
        self.hidden = texts.flat_map(|text| paths(text.0.get_ref())).collect();
    }

    /// A rule for the answer whose value may be shown, so that no secret may go into it.
    pub fn rule(&mut self, text: &Text) -> Option<Compiled> {
        let compiled = self.expression(Side::Response, text)?;
        let source = text.0.get_ref();
        let Some(shown) = shown_secret(source, |name| self.names.is_secret(name), &self.hidden)
        else {
            return Some(compiled);
        };
        let used = source[shown.clone()].to_owned();
        let place = within(&self.source.text, text.0.span(), source, shown);
        self.fault(place, format!("this rule would show `{used}`, which is secret")).hint =
            Some(format!(
                "a rule for the answer may use a secret only in `{SAME}(a, b)`, in a test such as \
                 `is defined`, and in `expiry` with the unit `jwt`"
            ));
        None
    }

    pub fn rules(&mut self, texts: &Expressions) -> Vec<Compiled> {
        texts.0.iter().filter_map(|text| self.rule(text)).collect()
    }
}
