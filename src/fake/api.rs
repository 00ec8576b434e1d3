//! One fake API: its checks, and the tokens that it issues.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use minijinja::Value;

use super::answer::CompiledAnswer;
use super::definition::{Api, Definitions};
use crate::language::expression::{Compiled, Side};
use crate::language::names::Names;
use crate::recipe::definition::{Text, Tokens};
use crate::time::unix_seconds;

/// How an API answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It checks the request and answers.
    Regular,
    /// It returns this answer to every request.
    Answer(String),
    /// It accepts requests and never answers.
    Silent,
}

/// One API, compiled from its definition.
pub struct FakeApi {
    pub name: String,
    pub prefix: String,
    pub path: String,
    pub demo_only: bool,
    pub credentials: Vec<(String, String)>,
    secret: String,
    checks: Vec<CompiledCheck>,
    pub answers: HashMap<String, CompiledAnswer>,
    tokens: Tokens,
    now: Mutex<Now>,
}

/// The state of an API.
pub struct Now {
    pub behaviour: Behaviour,
    pub revoked: bool,
    pub lifetime: Option<Duration>,
    pub token: Option<(String, f64)>,
    pub seen: HashSet<String>,
    pub issued: u64,
    pub requests: u64,
}

impl Now {
    /// Whether a value is new. Remembers the last hundred thousand or so.
    fn remember(&mut self, value: String) -> bool {
        if self.seen.len() > 100_000 {
            self.seen.clear();
        }
        self.seen.insert(value)
    }
}

/// A condition for a request, and the name of the answer if the request does not satisfy it.
struct CompiledCheck {
    rule: Compiled,
    /// Whether the value of the rule must be new. Otherwise it must be true.
    once: bool,
    otherwise: String,
}

impl FakeApi {
    pub fn new(name: &str, api: &Api, all: &Definitions) -> Self {
        let mut request = Names::default();
        for (credential, _) in &api.credentials.0 {
            request.add(credential.get_ref(), false);
        }
        for part in ["method", "now_ms"] {
            request.add(part, false);
        }
        for part in ["json", "form", "headers"] {
            request.add_members(part, &[]);
        }
        let mut answer = Names::default();
        let times = ["now_s", "soon_s", "lifetime_s", "remaining_s", "expires_s", "expires_ms"];
        for part in ["token"].into_iter().chain(times) {
            answer.add(part, false);
        }
        let condition = |text: &Text| {
            Compiled::new(Side::Response, text.0.get_ref(), &request)
                .unwrap_or_else(|mistake| panic!("{name}: {}", mistake.message))
        };
        let checks = api
            .checks
            .iter()
            .map(|check| CompiledCheck {
                rule: condition(
                    (check.holds.as_ref().or(check.once.as_ref()))
                        .unwrap_or_else(|| panic!("{name}: a check without `holds` or `once`")),
                ),
                once: check.holds.is_none(),
                otherwise: check.otherwise.clone(),
            })
            .collect();
        let answers = all
            .answers
            .0
            .iter()
            .chain(&api.answers.0)
            .map(|(answer_name, definition)| {
                (answer_name.get_ref().clone(), CompiledAnswer::new(definition, &answer))
            })
            .collect();
        Self {
            name: name.to_owned(),
            prefix: api.prefix.clone(),
            path: format!("{}{}", api.prefix, api.path),
            demo_only: api.demo_only,
            credentials: api
                .credentials
                .0
                .iter()
                .map(|(name, value)| (name.get_ref().clone(), value.clone()))
                .collect(),
            secret: api.secret.clone(),
            checks,
            answers,
            tokens: api.tokens,
            now: Mutex::new(Now {
                behaviour: Behaviour::Regular,
                revoked: false,
                lifetime: api.lifetime.map(|span| span.0),
                token: None,
                seen: HashSet::new(),
                issued: 0,
                requests: 0,
            }),
        }
    }

    /// The state, locked.
    pub fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of the answer to a request.
    pub fn judge(&self, request: &HashMap<&'static str, Value>) -> String {
        let mut now = self.now();
        let mut names: HashMap<&str, Value> = request.clone();
        for (name, value) in &self.credentials {
            // No request can contain this value in place of a revoked secret.
            names.insert(
                name,
                Value::from(if now.revoked && *name == self.secret {
                    format!("{value} until it was revoked")
                } else {
                    value.clone()
                }),
            );
        }
        let context = Value::from_pairs(names);
        for check in &self.checks {
            let passes = check.rule.evaluate(&context).is_ok_and(|value| {
                if check.once { now.remember(value.to_string()) } else { value.is_true() }
            });
            if !passes {
                return check.otherwise.clone();
            }
        }
        "issued".into()
    }

    /// The values for an answer. Issues a new token if the API caches none.
    pub fn facts(&self) -> Value {
        let mut now = self.now();
        let time = unix_seconds(Timestamp::now());
        let kept =
            now.token.clone().filter(|(_, end)| self.tokens == Tokens::Cached && *end > time + 1.0);
        let (token, end) = kept.unwrap_or_else(|| {
            now.issued += 1;
            let token = uuid::Uuid::new_v4().simple().to_string();
            (token, now.lifetime.map_or(f64::INFINITY, |lifetime| time + lifetime.as_secs_f64()))
        });
        now.token = Some((token.clone(), end));
        let mut facts = vec![
            ("token", Value::from(token)),
            ("now_s", whole(time)),
            ("soon_s", whole(time + 5.0)),
        ];
        if end.is_finite() {
            facts.extend([
                ("lifetime_s", whole(now.lifetime.unwrap_or_default().as_secs_f64())),
                ("remaining_s", whole(end - time)),
                ("expires_s", whole(end)),
                ("expires_ms", whole(end * 1e3)),
            ]);
        }
        Value::from_pairs(facts)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "times of this century")]
fn whole(number: f64) -> Value {
    Value::from(number.round() as i64)
}
