//! Recipes with made-up values, to find what is wrong before any request is due.

use std::sync::Arc;

use minijinja::Value;
use secrecy::SecretString;
use url::Url;

use super::call::{Call, Recipe};
use super::values::{Attempt, Inputs, RenderError};
use super::verification::Verification;
use crate::language::placeholder::PLACEHOLDERS;

impl Recipe {
    /// All calls of a probe, in order, with those that verify the token.
    pub fn calls<'a>(
        &'a self,
        verification: Option<&'a Verification>,
    ) -> impl Iterator<Item = &'a Call> {
        let verifying = verification.into_iter().flat_map(Verification::calls);
        self.steps.iter().chain([&self.token]).chain(verifying).chain(&self.cleanup)
    }

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
        if call.name != self.token.name
            && url
                .text(&context, crate::language::template::Show::Real)
                .is_ok_and(|text| text.is_none())
        {
            return Ok(None);
        }
        call.address(&context).map(Some)
    }

    /// Renders all calls with made-up secrets and answers. `credentials` are the names of those
    /// that have a value. Returns the names of what a probe does with these inputs: its calls, and
    /// what looks at the token without one.
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
        let mut issued = false;
        for call in self.calls(verification) {
            let is_token = call.name == self.token.name;
            let made =
                is_token || (!issued || call.is_possible(&values)) && call.is_wanted(&values)?;
            if !made {
                continue;
            }
            call.render(&mut values)?;
            rendered.push(Arc::clone(&call.name));
            rendered.extend(
                verification.and_then(|verification| verification.looks_after(call, &self.token)),
            );
            for (name, _) in &call.gives {
                values.give(name, given.into());
            }
            if is_token {
                values.give("token", "placeholder".into());
                issued = true;
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
