//! A fake of the token APIs, on loopback: for the demo and for tests.
//!
//! It is not a canned reply: each request is checked as the API's document says (a digest is
//! computed again, a replay is refused), and answers have the shapes of the documents. What the
//! APIs are is data, in `apis.toml`.

mod definition;
pub mod story;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use minijinja::Value;
use minijinja::value::Serde;
use serde_json::Value as Json;
use tokio::net::TcpListener;

use crate::diagnostic::Source;
use crate::document;
use crate::language::expression::{Compiled, Side};
use crate::language::names::Names;
use crate::language::template::{JsonTemplate, Show, Template};
use crate::recipe::definition::{Text, Tokens};
use crate::time::unix_seconds;
use definition::{Answer, Api, Definitions};

static SCHEMA: LazyLock<Json> = LazyLock::new(document::schema_of::<Definitions>);

/// What an API is told to do instead of what it would do by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Nothing else: it checks the request and answers.
    Regular,
    /// Gives the answer of this name, whatever the request.
    Answer(String),
    /// Takes the request and never answers.
    Silent,
}

/// The fake APIs behind one address.
pub struct Fake {
    apis: Vec<FakeApi>,
    address: SocketAddr,
}

struct FakeApi {
    name: String,
    prefix: String,
    path: String,
    credentials: Vec<(String, String)>,
    secret: String,
    checks: Vec<CompiledCheck>,
    answers: HashMap<String, CompiledAnswer>,
    tokens: Tokens,
    now: Mutex<Now>,
}

/// What changes while it runs.
struct Now {
    behaviour: Behaviour,
    revoked: bool,
    lifetime: Option<Duration>,
    token: Option<(String, f64)>,
    seen: HashSet<String>,
    issued: u64,
    requests: u64,
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

enum CompiledCheck {
    Holds(Compiled, String),
    Once(Compiled, String),
}

struct CompiledAnswer {
    status: StatusCode,
    headers: Vec<(HeaderName, Template)>,
    json: Option<JsonTemplate>,
    body: Option<Template>,
}

impl Fake {
    /// Starts the built-in APIs on a free port of loopback. Must be called inside a runtime, whose
    /// end ends them.
    ///
    /// # Errors
    /// When no port can be had.
    ///
    /// # Panics
    /// When `apis.toml` is broken, which a test would show.
    pub async fn start() -> std::io::Result<Arc<Self>> {
        let source = Arc::new(Source::new("<built-in fake>", include_str!("apis.toml")));
        let (definitions, faults): (Definitions, _) = document::read(&source, &SCHEMA, |_| ());
        assert!(faults.is_empty(), "the built-in fake is broken: {}", faults[0]);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let apis = definitions
            .apis
            .0
            .iter()
            .map(|(name, api)| FakeApi::new(name.get_ref(), api, &definitions))
            .collect();
        let fake = Arc::new(Self { apis, address });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&fake));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(fake)
    }

    /// The `base_url` of an API.
    ///
    /// # Panics
    /// When there is no such API.
    #[must_use]
    pub fn base_url(&self, api: &str) -> String {
        format!("http://{}{}", self.address, self.api(api).prefix)
    }

    /// The names of the APIs.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.apis.iter().map(|api| api.name.as_str()).collect()
    }

    /// What an API accepts, by the names that its recipe has for them.
    ///
    /// # Panics
    /// When there is no such API.
    #[must_use]
    pub fn credentials(&self, api: &str) -> &[(String, String)] {
        &self.api(api).credentials
    }

    /// Tells an API what to do from now on.
    ///
    /// # Panics
    /// When there is no such API or answer.
    pub fn behave(&self, api: &str, behaviour: Behaviour) {
        let api = self.api(api);
        if let Behaviour::Answer(name) = &behaviour {
            assert!(api.answers.contains_key(name), "{} has no answer {name:?}", api.name);
        }
        api.now().behaviour = behaviour;
    }

    /// Revokes the secret of an API, or gives it back: its own checks then refuse what was right
    /// before.
    ///
    /// # Panics
    /// When there is no such API.
    pub fn revoke(&self, api: &str, revoked: bool) {
        self.api(api).now().revoked = revoked;
    }

    /// Sets how long tokens live that are issued from now on; `None` is for ever.
    ///
    /// # Panics
    /// When there is no such API.
    pub fn lifetime(&self, api: &str, lifetime: Option<Duration>) {
        let mut now = self.api(api).now();
        now.lifetime = lifetime;
        now.token = None;
    }

    /// How many requests an API has had.
    ///
    /// # Panics
    /// When there is no such API.
    #[must_use]
    pub fn requests(&self, api: &str) -> u64 {
        self.api(api).now().requests
    }

    fn api(&self, name: &str) -> &FakeApi {
        self.apis
            .iter()
            .find(|api| api.name == name)
            .unwrap_or_else(|| panic!("there is no fake API {name:?}"))
    }
}

impl FakeApi {
    fn new(name: &str, api: &Api, all: &Definitions) -> Self {
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
        for part in ["token", "lifetime_s", "remaining_s", "expires_s", "expires_ms", "soon_s"] {
            answer.add(part, false);
        }
        let condition = |text: &Text| {
            Compiled::new(Side::Response, text.0.get_ref(), &request)
                .unwrap_or_else(|mistake| panic!("{name}: {}", mistake.message))
        };
        let checks = api
            .checks
            .iter()
            .map(|check| match (&check.holds, &check.once) {
                (Some(holds), _) => CompiledCheck::Holds(condition(holds), check.otherwise.clone()),
                (None, Some(once)) => CompiledCheck::Once(condition(once), check.otherwise.clone()),
                (None, None) => panic!("{name}: a check without `holds` or `once`"),
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

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of the answer that the request deserves.
    fn judge(&self, request: &HashMap<&'static str, Value>) -> String {
        let mut now = self.now();
        let mut names: HashMap<&str, Value> = request.clone();
        for (name, value) in &self.credentials {
            // What was right is wrong once it is revoked; everything else stays wrong.
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
            let (holds, otherwise) = match check {
                CompiledCheck::Holds(condition, otherwise) => {
                    (condition.evaluate(&context).is_ok_and(|value| value.is_true()), otherwise)
                }
                CompiledCheck::Once(value, otherwise) => (
                    value.evaluate(&context).is_ok_and(|value| now.remember(value.to_string())),
                    otherwise,
                ),
            };
            if !holds {
                return otherwise.clone();
            }
        }
        "issued".into()
    }

    /// The values for an answer; issues a token if it is due.
    fn facts(&self) -> Value {
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
        let mut facts = vec![("token", Value::from(token)), ("soon_s", whole(time + 5.0))];
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

impl CompiledAnswer {
    fn new(answer: &Answer, names: &Names) -> Self {
        let template = |text: &Text| {
            Template::new(text.0.get_ref(), names)
                .unwrap_or_else(|mistake| panic!("an answer: {}", mistake.message))
        };
        Self {
            status: StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK),
            headers: answer
                .headers
                .0
                .iter()
                .filter_map(|(name, text)| Some((name.get_ref().parse().ok()?, template(text))))
                .collect(),
            json: answer
                .json
                .as_ref()
                .map(|node| JsonTemplate::new(node, &mut |text| Some(template(text)))),
            body: answer.body.as_ref().map(template),
        }
    }

    fn render(&self, facts: &Value) -> Result<Response, minijinja::Error> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        if let Some(json) = &self.json {
            let json = json.render(facts, Show::Real)?.unwrap_or_default();
            *response.body_mut() = Body::from(json.to_string());
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        } else if let Some(body) = &self.body {
            *response.body_mut() = Body::from(body.text(facts, Show::Real)?.unwrap_or_default());
        }
        for (name, template) in &self.headers {
            if let Some(value) =
                template.text(facts, Show::Real)?.and_then(|text| HeaderValue::try_from(text).ok())
            {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }
}

/// Any request to any path.
async fn answer(State(fake): State<Arc<Fake>>, request: Request) -> Response {
    let plain = |status: StatusCode, text: &'static str| {
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        response
    };
    let (parts, body) = request.into_parts();
    let Some(api) = fake.apis.iter().find(|api| api.path == parts.uri.path()) else {
        return plain(StatusCode::NOT_FOUND, "no such API\n");
    };
    let Ok(body) = axum::body::to_bytes(body, 64 * 1024).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "too large\n");
    };
    let behaviour = {
        let mut now = api.now();
        now.requests += 1;
        now.behaviour.clone()
    };
    let name = match behaviour {
        Behaviour::Regular => api.judge(&request_values(&parts, &body)),
        Behaviour::Answer(name) => name,
        Behaviour::Silent => std::future::pending().await,
    };
    let Some(answer) = api.answers.get(&name) else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "no such answer\n");
    };
    answer.render(&api.facts()).unwrap_or_else(|_| {
        plain(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be rendered\n")
    })
}

/// What checks can look at.
fn request_values(parts: &axum::http::request::Parts, body: &[u8]) -> HashMap<&'static str, Value> {
    let kind = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut values = HashMap::new();
    values.insert("method", Value::from(parts.method.as_str()));
    values.insert("now_ms", Value::from(Timestamp::now().as_millisecond()));
    if kind.starts_with("application/json")
        && let Ok(json) = serde_json::from_slice::<Json>(body)
    {
        values.insert("json", Value::from(Serde(&json)));
    }
    if kind.starts_with("application/x-www-form-urlencoded") {
        let fields = url::form_urlencoded::parse(body)
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
        values.insert("form", Value::from_pairs(fields));
    }
    let headers = parts.headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), Value::from(value.to_str().ok()?)))
    });
    values.insert("headers", Value::from_pairs(headers));
    values
}
