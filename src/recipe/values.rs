//! The values of one attempt: its inputs, its `let` values, and the values from answers.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use minijinja::value::ValueKind;
use minijinja::{Error, Value};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::call::Recipe;
use crate::language::bounds::is_used_up;
use crate::language::context::Context;
use crate::language::convert::scalar;
use crate::language::expression::{Compiled, explain};
use crate::language::flow::is_whole_or_challenge;
use crate::language::refused::is_refusal;
use crate::outcome::{CredentialEnd, Expiry, Failure, Reason, malformed};
use crate::secret::{Redactor, is_address};

/// The inputs of an attempt.
pub struct Inputs<'a> {
    /// The parameters that have a value.
    pub parameters: &'a [(String, Value)],
    /// The credentials that have a value.
    pub credentials: &'a [(String, SecretString)],
}

/// The time and UUID of one attempt, passed in so that a test can repeat it.
#[derive(Clone, Copy)]
pub struct Attempt {
    /// The time, the same everywhere in the attempt.
    pub now: Timestamp,
    /// A random UUID.
    pub uuid: uuid::Uuid,
}

/// The values of one attempt. Its calls use them and add to them. Holds secrets.
pub struct Values {
    /// By name.
    pub(super) context: Context,
    /// Knows every secret of the attempt, and the token once the provider has issued it.
    pub redactor: Redactor,
    /// Whether the attempt has sent a request by `https`.
    pub(super) secure: bool,
    /// Scheme, host and port of each address that an answer gave. People may see them.
    pub(super) origins: Vec<String>,
    /// What the answers say about the ends of configured credentials.
    pub(super) ends: Vec<CredentialEnd>,
}

/// Why a request cannot be rendered. Holds no values.
#[derive(Debug, thiserror::Error)]
#[error("{part}: {problem}")]
pub struct RenderError {
    /// The part of the recipe, such as `request.url`.
    pub part: String,
    /// What is wrong with it.
    pub problem: String,
    /// Whether the request uses a value from an answer, so that the inputs may be valid.
    pub from_answer: bool,
    /// Whether the problem can quote a text of the recipe or a value.
    pub quotes: bool,
}

impl RenderError {
    pub(super) fn new(part: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { part: part.into(), problem: problem.into(), from_answer: false, quotes: false }
    }

    pub(super) fn at(part: impl Into<String>, error: &Error) -> Self {
        // The budget was enough at the rehearsal, so answers have used it up.
        Self {
            from_answer: is_used_up(error),
            quotes: !is_refusal(error) && !is_used_up(error),
            ..Self::new(part, explain(error))
        }
    }

    /// The failure of a probe that cannot render this request.
    #[must_use]
    pub fn failure(&self) -> Failure {
        if self.from_answer {
            return malformed(
                "request_impossible",
                &format!("no request can be made from what an answer gave: {self}"),
            );
        }
        Failure::new(
            Reason::Secret,
            &format!("no request can be made from this credential: {self}"),
        )
    }
}

impl Recipe {
    /// Begins an attempt: computes all values for its requests, and hides every secret.
    ///
    /// # Errors
    /// When a `let` cannot be evaluated with these inputs.
    pub fn begin(&self, inputs: &Inputs<'_>, attempt: &Attempt) -> Result<Values, RenderError> {
        let mut redactor = Redactor::default();
        for (_, secret) in inputs.credentials {
            redactor.hide(secret.expose_secret());
        }
        let credentials = inputs
            .credentials
            .iter()
            .map(|(name, secret)| (name.as_str(), Value::from(secret.expose_secret())));
        let context = self.context(inputs.parameters, credentials, attempt).map_err(|error| {
            RenderError { problem: redactor.scrub(&error.problem), from_answer: false, ..error }
        })?;
        for (name, binding) in &self.bindings {
            if binding.secret
                && let Some(value) = context.get(name)
            {
                hide(value, &mut redactor);
            }
        }
        Ok(Values { context, redactor, secure: false, origins: Vec::new(), ends: Vec::new() })
    }

    /// All names that a request can use, with their values. An optional input that is not set is
    /// absent.
    pub(super) fn context<'c>(
        &self,
        parameters: &[(String, Value)],
        credentials: impl Iterator<Item = (&'c str, Value)>,
        attempt: &Attempt,
    ) -> Result<Context, RenderError> {
        let mut names = Context::default();
        for (name, value) in parameters {
            names.add(name, value.clone());
        }
        for (name, value) in credentials {
            names.add(name, value);
        }
        add_clocks(&mut names, attempt, |name| self.uses(name));
        for (name, binding) in &self.bindings {
            let value = binding
                .evaluate(&names.value())
                .map_err(|error| RenderError::at(format!("let.{name}"), &error))?;
            names.add(name, value);
        }
        Ok(names)
    }
}

impl Values {
    /// Adds the times and the UUID for the calls that verify the token.
    pub fn add_clocks(&mut self, attempt: &Attempt) {
        add_clocks(&mut self.context, attempt, |_| true);
    }

    /// The cost of the expressions of this attempt so far, in bytes of their inputs.
    #[must_use]
    pub fn cost(&self) -> u64 {
        self.context.budget().taken()
    }

    /// Whether a value of this name is set.
    pub(super) fn has(&self, name: &str) -> bool {
        self.context.get(name).is_some()
    }

    /// Adds what an answer says about the ends of credentials. A later answer counts more than an
    /// earlier one, so that each credential has one end from each source.
    pub(super) fn add_ends(&mut self, ends: Vec<CredentialEnd>) {
        for end in ends {
            let is_same = |known: &&mut CredentialEnd| {
                known.credential == end.credential && known.source == end.source
            };
            match self.ends.iter_mut().find(is_same) {
                None => self.ends.push(end),
                Some(known) => {
                    known.created = end.created.or(known.created);
                    if end.expiry != Expiry::Unknown {
                        known.expiry = end.expiry;
                    }
                }
            }
        }
    }

    /// Adds a secret value from an answer.
    pub(super) fn give(&mut self, name: &str, value: Value) {
        hide(&value, &mut self.redactor);
        self.context.add(name, value);
    }

    /// Adds a value that a rule found in an answer. The value is secret. When the rule takes a
    /// whole address from the answer, people may see the host.
    pub(super) fn give_found(&mut self, name: &str, rule: &Compiled, value: Value) {
        if !rule.secret
            && is_whole_or_challenge(&rule.source)
            && let Some(text) = value.as_str().filter(|text| is_address(text))
            && let Ok(url) = Url::parse(text)
        {
            self.origins.push(url.origin().ascii_serialization());
        }
        self.give(name, value);
    }

    /// The token, if a later call needs it.
    pub(super) fn token(&self) -> Option<&str> {
        self.context.get("token").and_then(Value::as_str)
    }
}

/// Hides a value of any kind. Bytes are hidden in hex, Base64 and Base64url.
pub(super) fn hide(value: &Value, redactor: &mut Redactor) {
    match value.kind() {
        ValueKind::Bytes if value.as_str().is_none() => {
            let bytes = value.as_bytes().unwrap_or_default();
            for text in [hex::encode(bytes), STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]
            {
                redactor.hide(&text);
            }
        }
        ValueKind::String | ValueKind::Bytes => redactor.hide(value.as_str().unwrap_or_default()),
        ValueKind::Number => redactor.hide(&scalar(value).unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter().into_iter().flatten().for_each(|item| hide(&item, redactor));
        }
        ValueKind::Map => {
            let names = value.try_iter().into_iter().flatten();
            names.for_each(|name| hide(&value.get_item(&name).unwrap_or_default(), redactor));
        }
        _ => {}
    }
}

fn add_clocks(names: &mut Context, attempt: &Attempt, wanted: impl Fn(&str) -> bool) {
    let own: [(&str, &dyn Fn() -> Value); 4] = [
        ("now_s", &|| Value::from(attempt.now.as_second())),
        ("now_ms", &|| Value::from(attempt.now.as_millisecond())),
        ("now_iso", &|| Value::from(attempt.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
        ("uuid", &|| Value::from(attempt.uuid.to_string())),
    ];
    for (name, value) in own {
        if wanted(name) {
            names.add_moment(name, value());
        }
    }
}
