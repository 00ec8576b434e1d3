//! Renders recipes with made-up values, to find mistakes before the first request.

use std::sync::Arc;

use minijinja::Value;
use url::Url;

use super::call::{Call, INSPECTION, Kind, Recipe};
use super::turns::{Turn, Turns};
use super::values::{Attempt, RenderError, Values};
use super::verification::Verification;
use crate::language::placeholder::Placeholder;
use crate::language::template::real;
use crate::secret::Redactor;

/// The longest URL of a request for inputs as they are configured, in bytes. Servers must accept
/// 8,000 (RFC 9110, section 4.1).
pub const LONGEST_URL: usize = 8 * 1024;

/// The values of a rehearsal.
struct MadeUp<'a> {
    parameters: &'a [(String, Value)],
    /// The names of the credentials that are set.
    credentials: &'a [&'a str],
    /// Their values.
    secret: Placeholder,
    /// The values from answers.
    given: Placeholder,
}

impl Recipe {
    /// The URL of a call for these parameters, without its query. `None` when an answer decides it,
    /// or when these parameters leave the call out.
    ///
    /// # Errors
    /// As [`Call::render`].
    pub fn endpoint(
        &self,
        call: &Call,
        parameters: &[(String, Value)],
        attempt: &Attempt,
    ) -> Result<Option<Url>, RenderError> {
        if call.follows {
            return Ok(None);
        }
        let context = self.url_context(call, parameters, attempt)?;
        let can_be_left_out = matches!(call.kind, Kind::Step | Kind::Cleanup);
        if can_be_left_out && is_left_out(call, &context) {
            return Ok(None);
        }
        call.address(&context, &mut real).map(Some)
    }

    /// The URL of a call that an answer can decide, where these parameters decide it: they leave
    /// out the steps that give such an answer. Else `None`.
    #[must_use]
    pub fn chosen_endpoint(
        &self,
        call: &Call,
        parameters: &[(String, Value)],
        attempt: &Attempt,
    ) -> Option<Url> {
        let gives = |step: &Call| step.gives.iter().any(|(name, _)| call.needs.contains(name));
        for step in self.steps.iter().filter(|step| gives(step)) {
            if !is_left_out(step, &self.url_context(step, parameters, attempt).ok()?) {
                return None;
            }
        }
        call.address(&self.url_context(call, parameters, attempt).ok()?, &mut real).ok()
    }

    /// The names that the URL of a call can use, with made-up secrets and answers.
    fn url_context(
        &self,
        call: &Call,
        parameters: &[(String, Value)],
        attempt: &Attempt,
    ) -> Result<Value, RenderError> {
        let url = &call.request.url;
        let uses_bindings = url
            .expressions()
            .any(|expression| self.bindings.iter().any(|(name, _)| expression.uses.contains(name)));
        Ok(if uses_bindings || url.is_secret() {
            let credentials = self.credentials.iter().map(|(name, _)| name.as_str());
            let made_up = credentials.map(|name| (name, Placeholder::Word.value()));
            let mut context = self.context(parameters, made_up, attempt)?;
            // Only the host matters, and values from answers stand after it.
            call.needs.iter().for_each(|name| context.add(name, Placeholder::Word.value()));
            context.value()
        } else {
            Value::from_pairs(parameters.iter().map(|(name, value)| (name.as_str(), value.clone())))
        })
    }

    /// Renders all calls with made-up secrets and answers. `credentials` are the names of the
    /// credentials that are set. Returns the names of the calls of a probe with these inputs, and
    /// of the inspection of the token.
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
        let given = if answered { &Placeholder::ALL[..] } else { &[Placeholder::Word] };
        // A credential can be a number or a URL. A recipe is wrong only if no kind of value works.
        // Then the error of the longest attempt is the most useful one.
        let mut best: Option<(Vec<Arc<str>>, RenderError)> = None;
        for secret in Placeholder::ALL {
            for given in given {
                let made_up = MadeUp { parameters, credentials, secret, given: *given };
                let mut rendered = Vec::new();
                match self.rehearse_with(&made_up, verification, attempt, &mut rendered) {
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
        made_up: &MadeUp<'_>,
        verification: Option<&Verification>,
        attempt: &Attempt,
        rendered: &mut Vec<Arc<str>>,
    ) -> Result<(), RenderError> {
        let secret = made_up.secret.value();
        let credentials = made_up.credentials.iter().map(|name| (*name, secret.clone()));
        let context = self.context(made_up.parameters, credentials, attempt)?;
        let mut values = Values {
            context,
            redactor: Redactor::default(),
            secure: false,
            origins: Vec::new(),
            ends: Vec::new(),
        };
        values.add_clocks(attempt);
        let mut turns = Turns::new(self, verification);
        while let Some(turn) = turns.next(&values) {
            let Turn::Call(call) = turn else {
                rendered.push(INSPECTION.into());
                continue;
            };
            if call.render(&mut values)?.url.as_str().len() > LONGEST_URL {
                let problem = format!("the URL is longer than {} KiB", LONGEST_URL / 1024);
                return Err(RenderError::new(format!("{}request.url", call.part), problem));
            }
            rendered.push(Arc::clone(&call.name));
            for (name, _) in &call.gives {
                values.give(name, made_up.given.value());
            }
            if call.kind == Kind::Token {
                values.give("token", Placeholder::Word.value());
            }
        }
        Ok(())
    }
}

/// Whether a call has no URL with these names, so that probes leave it out.
fn is_left_out(call: &Call, context: &Value) -> bool {
    call.request.url.text(context, &mut real).is_ok_and(|text| text.is_none())
}

impl Call {
    /// Whether the URL depends on secrets or on values from answers.
    #[must_use]
    pub fn url_is_secret(&self) -> bool {
        self.request.url.is_secret()
    }

    /// Whether the host of the URL depends on them.
    #[must_use]
    pub fn host_is_secret(&self) -> bool {
        self.request.url.origin().any(|expression| expression.secret)
    }
}
