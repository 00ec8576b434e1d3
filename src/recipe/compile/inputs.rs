//! Compiles the inputs of a recipe and the values under `let`.

use super::compiler::Compiler;
use super::limits::{MOST_BINDINGS, MOST_INPUTS};
use crate::diagnostic::{Kind, Sentence, Shown, suggestion_of_names};
use crate::language::expression::{Compiled, Side};
use crate::recipe::definition::{Credential, Definition, Parameter, Scalar};
use crate::secret::is_plain_name;

/// Parameters and credentials, each with its name.
type NamedInputs = (Vec<(String, Parameter)>, Vec<(String, Credential)>);

impl Compiler<'_> {
    pub fn inputs(&mut self, definition: &Definition) -> NamedInputs {
        let mut parameters = Vec::new();
        for (name, parameter) in definition.parameters.0.iter().take(MOST_INPUTS) {
            self.check_name(name.get_ref(), name.span());
            self.names.add(name.get_ref(), false);
            if matches!(parameter.default, Some(Scalar::Boolean(_))) {
                self.names.add_truth(name.get_ref());
            }
            if let Some(Scalar::Text(default)) = &parameter.default
                && !parameter.one_of.is_empty()
                && !parameter.one_of.contains(default)
            {
                let hint =
                    suggestion_of_names(default, parameter.one_of.iter().map(String::as_str));
                self.fault(name.span(), "the default is not in `one_of`").hint = Some(hint);
            }
            if matches!(&parameter.default, Some(Scalar::Text(text)) if text.contains("{{")) {
                self.fault(
                    name.span(),
                    "the default of this parameter has `{{`, and a default has no expressions",
                )
                .hint = Some("write the expression under `let` or in the request".into());
            }
            parameters.push((name.get_ref().clone(), parameter.clone()));
        }
        let mut credentials = Vec::new();
        for (name, credential) in definition.credentials.0.iter().take(MOST_INPUTS) {
            self.check_name(name.get_ref(), name.span());
            self.names.add(name.get_ref(), true);
            credentials.push((name.get_ref().clone(), credential.clone()));
        }
        (parameters, credentials)
    }

    /// Adds a fault for each input that no expression of the recipe uses.
    pub fn unused(&mut self, definition: &Definition) {
        let parameters = definition.parameters.0.iter().map(|(name, _)| (name, "parameter"));
        let credentials = definition.credentials.0.iter().map(|(name, _)| (name, "credential"));
        for (name, kind) in parameters.chain(credentials).take(2 * MOST_INPUTS) {
            if self.all.contains(name.get_ref()) {
                continue;
            }
            let shown = Shown::name(name.get_ref());
            let hint = match placeholder(&self.source.text, name.get_ref()) {
                Some(text) => Sentence::fill(
                    "`{}` stands for itself: an expression is `{{ {} }}`",
                    [text, shown.clone()],
                ),
                None => Sentence::fill(
                    "write `{{ {} }}` where its value belongs, or remove it",
                    [shown.clone()],
                ),
            };
            let problem =
                Sentence::fill("nothing in the recipe uses the {} `{}`", [kind.into(), shown]);
            let fault = self.fault(name.span(), problem);
            fault.hint = Some(hint);
            fault.kind = Kind::UnusedInput;
        }
    }

    pub fn bindings(&mut self, definition: &Definition) -> Vec<(String, Compiled)> {
        let mut bindings = Vec::new();
        if let Some((name, _)) = definition.bindings.0.get(MOST_BINDINGS) {
            self.fault(
                name.span(),
                Sentence::fill("these are more than {} values under `let`", [MOST_BINDINGS.into()]),
            );
        }
        for (name, text) in definition.bindings.0.iter().take(MOST_BINDINGS) {
            self.check_name(name.get_ref(), name.span());
            if let Some(compiled) = self.expression(Side::Request, text) {
                self.names.set(name.get_ref(), compiled.secrecy);
                bindings.push((name.get_ref().clone(), compiled));
            } else {
                self.names.add(name.get_ref(), false);
            }
        }
        bindings
    }
}

/// How the file writes a place for this input in the style of another program: `{email}`.
fn placeholder(file: &str, name: &str) -> Option<Shown> {
    let forms = [("${", "}"), ("{", "}"), ("{ ", " }"), ("<", ">"), ("%", "%")];
    let stands = |text: &str| {
        file.match_indices(text).any(|(at, _)| {
            let end = at + text.len();
            !(file[..at].ends_with('{') && file[end..].starts_with('}'))
        })
    };
    let mut texts = forms.iter().map(|(open, close)| format!("{open}{name}{close}"));
    texts.find(|text| is_plain_name(name) && stands(text)).map(Shown::outside_of_files)
}
