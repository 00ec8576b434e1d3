//! Compiles the inputs of a recipe and the values under `let`.

use super::compiler::Compiler;
use super::limits::{MOST_BINDINGS, MOST_INPUTS};
use crate::diagnostic::{Sentence, suggestion_of_names};
use crate::language::expression::{Compiled, Side};
use crate::recipe::definition::{Credential, Definition, Parameter, Scalar};

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
