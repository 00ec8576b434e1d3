//! Verification: whether the provider accepts an issued token. Each provider can configure it.

use std::ops::Range;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::call::{Call, Kind, Recipe};
use super::claims::{self, JwtCheck};
use super::definition::{Introspection, IntrospectionAuth, Request, Verify, VerifyCall};
use super::reader::TokenResponse;
use super::retry::clocks_differ;
use super::values::Values;
use crate::diagnostic::{Fault, Sentence, Shown, Source};
use crate::document::{self, Schema};
use crate::language::answer;
use crate::outcome::{Class, Code, Expiry, Failure, Message, Reason};
use crate::time::{from_unix_seconds, unix_seconds};

/// The default for the allowed difference between clocks.
const LEEWAY: Duration = Duration::from_secs(60);

/// A difference between two clocks that is within the accuracy of the header `Date`, in seconds.
const CLOCKS_AGREE: f64 = 2.0;

/// The call of an introspection for each method of client authentication, without its URL.
const INTROSPECTIONS: [(IntrospectionAuth, &str); 3] = [
    (
        IntrospectionAuth::ClientSecretBasic,
        r#"request.headers.Authorization = "Basic {{ (client_id ~ ':' ~ client_secret) | base64 }}"
request.form = { token = "{{ token }}", token_type_hint = "access_token" }"#,
    ),
    (
        IntrospectionAuth::ClientSecretPost,
        r#"[request.form]
token = "{{ token }}"
token_type_hint = "access_token"
client_id = "{{ client_id }}"
client_secret = "{{ client_secret }}"
"#,
    ),
    (
        IntrospectionAuth::Bearer,
        r#"request.headers.Authorization = "Bearer {{ token }}"
request.form = { token = "{{ token }}", token_type_hint = "access_token" }"#,
    ),
];

/// What an answer to an introspection means: `active` decides (RFC 7662, section 2.2).
const INTROSPECTION_ANSWER: &str = r#"
response.ok = "json.active in [true, 'true', 'True']"
response.code = ["json.error", "'token_inactive' if json.active in [false, 'false', 'False']"]
response.message = "json.error_description"
"#;

/// How the tokens of one provider are verified.
pub struct Verification {
    /// The calls, in order.
    pub checks: Vec<Call>,
    /// The requirements for a JSON Web Token.
    pub jwt: Option<JwtCheck>,
    definition: Verify,
}

/// Verifications with equal definitions are equal, also from different files.
impl PartialEq for Verification {
    fn eq(&self, other: &Self) -> bool {
        self.definition == other.definition
    }
}

impl Verification {
    /// Compiles the verification of a provider and adds all mistakes to `faults`. `None` when the
    /// provider configures none.
    pub fn compile(
        recipe: &Recipe,
        definition: &Verify,
        source: &Arc<Source>,
        place: &Range<usize>,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let mut checks = Vec::new();
        if let Some(call) = &definition.call {
            checks.push(recipe.compile_check(Kind::Check, call, source, place, faults));
        }
        if let Some(asked) = &definition.introspection {
            let known =
                |name: &str| recipe.credentials.iter().any(|(credential, _)| credential == name);
            if asked.auth_method != IntrospectionAuth::Bearer
                && !(known("client_id") && known("client_secret"))
            {
                let message = Sentence::fill(
                    "the recipe `{}` has no `client_id` and `client_secret` to show to the \
                     introspection endpoint",
                    [Shown::name(&recipe.name)],
                );
                faults.push(Fault::error(source, place.clone(), message));
                faults.last_mut()?.hint =
                    Some("write the request yourself, as `verify.call`".into());
                return None;
            }
            let call = introspect(asked);
            checks.push(recipe.compile_check(Kind::Introspection, &call, source, place, faults));
        }
        let jwt = definition.jwt.as_ref().map(|jwt| JwtCheck {
            issuer: jwt.issuer.clone(),
            audience: jwt.audience.clone(),
            leeway: jwt.leeway.map_or(LEEWAY, |span| span.0),
            jwks: jwt.jwks_url.clone().map(|url| {
                let request = Request { url: Some(url), ..Request::default() };
                let call = VerifyCall { request, ..VerifyCall::default() };
                recipe.compile_check(Kind::Keys, &call, source, place, faults)
            }),
        });
        (!checks.is_empty() || jwt.is_some()).then(|| Self {
            checks,
            jwt,
            definition: definition.clone(),
        })
    }

    /// All its calls, in order.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.checks.iter().chain(self.jwt.as_ref().and_then(|jwt| jwt.jwks.as_ref()))
    }
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<VerifyCall>);

fn introspect(asked: &Introspection) -> VerifyCall {
    let text = INTROSPECTIONS
        .iter()
        .find(|(method, _)| *method == asked.auth_method)
        .map_or("", |(_, text)| *text);
    let source =
        Arc::new(Source::new("<introspection>", format!("{INTROSPECTION_ANSWER}\n{text}")));
    let (mut call, faults): (VerifyCall, _) = document::read(&source, &SCHEMA, |_| ());
    debug_assert!(
        faults.is_empty(),
        "{:?}",
        faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    );
    call.request.url.clone_from(&asked.url);
    call
}

impl JwtCheck {
    /// Checks the token itself. `expiry` is the expiry in the provider's answer, and `skew` is the
    /// provider's clock minus ours at that answer, in seconds.
    ///
    /// # Errors
    /// The first problem.
    pub fn inspect(
        &self,
        values: &Values,
        keys: Option<&TokenResponse>,
        expiry: Expiry,
        (now, skew): (Timestamp, Option<f64>),
    ) -> Result<(), Failure> {
        let keys = match keys {
            None => None,
            Some(response) => {
                let keys = answer::json(&response.body)
                    .filter(|json| json.get("keys").is_some_and(Json::is_array));
                let wrong = || {
                    Failure::new(Reason::Malformed, "the answer is no set of keys (RFC 7517)")
                        .code(Code::word("jwks_unreadable"))
                };
                Some(keys.ok_or_else(wrong)?)
            }
        };
        let inspect = |expiry, now| {
            let token = values.token().unwrap_or_default();
            claims::inspect(token, self, keys.as_ref(), expiry, now, &values.redactor)
        };
        inspect(expiry, now).map_err(|(code, problem)| {
            // A difference that the provider's clock does not show is one of the clocks.
            let clocks = skew.filter(|skew| {
                let by_theirs = |time| from_unix_seconds(unix_seconds(time) + skew);
                let (now, end) = (by_theirs(now), expiry.time().and_then(by_theirs));
                let is_fine = |expiry, now| inspect(expiry, now).is_ok();
                skew.abs() > self.leeway.as_secs_f64().max(CLOCKS_AGREE)
                    && now.is_some_and(|now| {
                        is_fine(expiry, now) || is_fine(end.map_or(expiry, Expiry::At), now)
                    })
            });
            let (reason, cause) = match clocks {
                Some(skew) => (Reason::Local, format!("{}; ", clocks_differ(skew))),
                None => (Reason::Unverified, String::new()),
            };
            let message = format!("{cause}the token was issued, but {problem}");
            Failure::new(reason, &values.redactor.scrub(&message)).code(Code::word(code))
        })
    }
}

/// The failure of the probe when this kind of call fails.
pub(super) fn judged(kind: Kind, failure: Failure) -> Failure {
    match kind {
        // A server without keys does not reject the credential.
        Kind::Keys if failure.reason.class() == Class::Credential => {
            Failure { reason: Reason::Malformed, ..failure }
        }
        // A provider that rejects the call rejects the token.
        Kind::Check | Kind::Introspection if failure.reason == Reason::Rejected => {
            let message = Message::clean(&format!(
                "the token was issued, but it is refused: {}",
                failure.message.as_str()
            ));
            Failure { reason: Reason::Unverified, message, ..failure }
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_keys_does_not_blame_the_credential() {
        for (reason, expected) in [
            (Reason::Rejected, Reason::Malformed),
            (Reason::Suspended, Reason::Malformed),
            (Reason::Unavailable, Reason::Unavailable),
            (Reason::Blocked, Reason::Blocked),
        ] {
            assert_eq!(judged(Kind::Keys, Failure::new(reason, "")).reason, expected);
        }
        assert_eq!(
            judged(Kind::Check, Failure::new(Reason::Suspended, "")).reason,
            Reason::Suspended
        );
    }
}
