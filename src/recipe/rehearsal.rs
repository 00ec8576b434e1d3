//! Recipes with made-up values, to find what is wrong before any request is due.

use std::sync::Arc;

use minijinja::Value;
use secrecy::SecretString;
use url::Url;

use super::call::{Call, INSPECTION, Kind, Recipe};
use super::turns::{Turn, Turns};
use super::values::{Attempt, Inputs, RenderError};
use super::verification::Verification;
use crate::language::placeholder::PLACEHOLDERS;
use crate::language::template::Show;

impl Recipe {
    /// The URL of a call for these parameters, without its query; `None` for one that only an
    /// answer decides, or that these parameters leave out.
    ///
    /// # Errors
    /// As [`Call::render`].
    pub fn endpoint(
        &self,
        call: &Call,
        parameters: &[(String, Value)],
        attempt: &Attempt,
    ) -> Result<Option<Url>, RenderError> {
        let url = &call.request.url;
        if call.follows {
            return Ok(None);
        }
        let uses_bindings = url
            .expressions()
            .any(|expression| self.bindings.iter().any(|(name, _)| expression.uses.contains(name)));
        let context = if uses_bindings || url.is_secret() {
            let credentials = self.placeholders("placeholder");
            let mut context =
                self.context(&Inputs { parameters, credentials: &credentials }, attempt)?;
            // What an answer gives stands behind the host here, which is what is asked for.
            call.needs.iter().for_each(|name| context.add(name, Value::from(PLACEHOLDERS[0])));
            context.value()
        } else {
            Value::from_pairs(parameters.iter().map(|(name, value)| (name.as_str(), value.clone())))
        };
        let can_be_left_out = matches!(call.kind, Kind::Step | Kind::Cleanup);
        if can_be_left_out && url.text(&context, Show::Real).is_ok_and(|text| text.is_none()) {
            return Ok(None);
        }
        call.address(&context).map(Some)
    }

    /// Renders all calls with made-up secrets and answers. `credentials` are the names of those
    /// that have a value. Returns the names of what a probe does with these inputs: its calls, and
    /// the inspection of the token.
    ///
    /// # Errors
    /// As [`Call::render`].
    pub fn rehearse(
        &self,
        parameters: &[(String, Value)],
        credentials: &[&str],
        verification: Option<&Verification>,
        attempt: &Attempt,
    ) -> Result<Vec<Arc<str>>, RenderError> {
        let answered = self.calls(verification).any(|call| !call.needs.is_empty());
        let given = if answered { &PLACEHOLDERS[..] } else { &PLACEHOLDERS[..1] };
        // A recipe may do arithmetic with a credential, or take it for a URL; only what no value
        // satisfies is wrong, and then the attempt that got furthest tells why.
        let mut best: Option<(Vec<Arc<str>>, RenderError)> = None;
        for value in PLACEHOLDERS {
            let mut secrets = self.placeholders(value);
            secrets.retain(|(name, _)| credentials.contains(&name.as_str()));
            for given in given {
                let inputs = Inputs { parameters, credentials: &secrets };
                let mut rendered = Vec::new();
                match self.rehearse_with(&inputs, given, verification, attempt, &mut rendered) {
                    Ok(()) => return Ok(rendered),
                    Err(error)
                        if best.as_ref().is_none_or(|(most, _)| rendered.len() > most.len()) =>
                    {
                        best = Some((rendered, error));
                    }
                    Err(_) => {}
                }
            }
        }
        best.map_or(Ok(Vec::new()), |(_, error)| Err(error))
    }

    fn rehearse_with(
        &self,
        inputs: &Inputs<'_>,
        given: &str,
        verification: Option<&Verification>,
        attempt: &Attempt,
        rendered: &mut Vec<Arc<str>>,
    ) -> Result<(), RenderError> {
        let mut values = self.begin(inputs, attempt)?;
        values.add_clocks(attempt);
        let mut turns = Turns::new(self, verification);
        while let Some(turn) = turns.next(&values) {
            let Turn::Call(call) = turn else {
                rendered.push(INSPECTION.into());
                continue;
            };
            call.render(&mut values)?;
            rendered.push(Arc::clone(&call.name));
            for (name, _) in &call.gives {
                values.give(name, given.into());
            }
            if call.kind == Kind::Token {
                values.give("token", PLACEHOLDERS[0].into());
            }
        }
        Ok(())
    }

    fn placeholders(&self, value: &str) -> Vec<(String, SecretString)> {
        self.credentials.iter().map(|(name, _)| (name.clone(), SecretString::from(value))).collect()
    }
}

impl Call {
    /// Whether secrets, or what an answer gave, decide to which URL the request goes.
    #[must_use]
    pub fn url_is_secret(&self) -> bool {
        self.request.url.is_secret()
    }
}
