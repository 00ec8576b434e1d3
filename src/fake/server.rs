//! The server of the fake APIs, with the controls for tests and the demo.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use minijinja::Value;
use minijinja::value::Serde;
use serde_json::Value as Json;
use tokio::net::TcpListener;

use super::api::{Behaviour, FakeApi};
use super::definition::Definitions;
use crate::diagnostic::Source;
use crate::document::{self, Schema};

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<Definitions>);

/// The fake APIs on one address.
pub struct Fake {
    apis: Vec<FakeApi>,
    pub(super) address: SocketAddr,
}

impl Fake {
    /// Starts the built-in APIs on a free port of loopback. They run until the current tokio
    /// runtime ends.
    ///
    /// # Errors
    /// When no port is free.
    ///
    /// # Panics
    /// When `apis.toml` is invalid. A test checks that it is not.
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

    /// The names of the token APIs, without those that only the demo uses.
    #[must_use]
    pub fn token_apis(&self) -> Vec<&str> {
        self.apis.iter().filter(|api| !api.demo_only).map(|api| api.name.as_str()).collect()
    }

    /// The valid credentials of an API, by their names in the recipe.
    ///
    /// # Panics
    /// When there is no such API.
    #[must_use]
    pub fn credentials(&self, api: &str) -> &[(String, String)] {
        &self.api(api).credentials
    }

    /// Sets how an API answers from now on.
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

    /// Revokes the secret of an API or makes it valid again.
    ///
    /// # Panics
    /// When there is no such API.
    pub fn revoke(&self, api: &str, revoked: bool) {
        self.api(api).now().revoked = revoked;
    }

    /// Sets the lifetime of later tokens. `None` means that they never expire.
    ///
    /// # Panics
    /// When there is no such API.
    pub fn lifetime(&self, api: &str, lifetime: Option<Duration>) {
        let mut now = self.api(api).now();
        now.lifetime = lifetime;
        now.token = None;
    }

    /// How many requests an API has received.
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

/// Answers any request to any path.
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

/// The values that checks can use.
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
