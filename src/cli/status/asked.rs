//! Asks a running daemon for its providers.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::row::Row;
use crate::printable::printable;
use crate::probe::Asker;
use crate::recipe::request::Headers;
use crate::state::State;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The providers of one answer, and the most that are asked for in all. An answer must stay below
/// the bound of the client.
const PAGE: usize = 50;
const MOST: usize = 200;

/// How many paused providers are told, and how many names show whose daemon it is.
const PAUSED: usize = 10;
const NAMES: usize = 20;

/// The states whose providers are shown.
const SHOWN: [State; 2] = [State::Broken, State::Failing];

/// The configuration whose daemon is wanted.
pub struct Wanted {
    pub file: PathBuf,
    /// The names of its providers.
    pub names: HashSet<String>,
}

/// A running daemon.
pub struct Daemon {
    pub url: Url,
    wanted: Option<Wanted>,
    asker: Asker,
    headers: Headers,
}

/// What a daemon says about its providers.
pub struct Overview {
    /// The number of providers in each state, without those that are paused.
    pub counts: Vec<(State, u64)>,
    /// The number of paused providers.
    pub paused: u64,
    /// The first of them, as the daemon tells them.
    pub paused_providers: Vec<Value>,
    /// Whether its scheduler makes no progress.
    pub stalled: bool,
    /// Broken and failing providers as the daemon tells them, at most [`MOST`] in each state.
    pub providers: Vec<Value>,
}

impl Daemon {
    /// The daemon at this URL, and the configuration that it should run. `login` is a user with
    /// the password.
    pub fn new(url: Url, wanted: Option<Wanted>, login: Option<(&str, &SecretString)>) -> Self {
        let mut headers = Headers::default();
        if let Some((user, password)) = login {
            let pair = format!("{user}:{}", password.expose_secret());
            let text = format!("Basic {}", BASE64_STANDARD.encode(pair));
            if let Ok(mut value) = HeaderValue::from_str(&text) {
                value.set_sensitive(true);
                headers.insert(header::AUTHORIZATION, value);
            }
        }
        Self { url, wanted, asker: Asker::new(TIMEOUT), headers }
    }

    /// The state of all providers.
    ///
    /// # Errors
    /// A sentence about why there is none.
    pub async fn overview(&self) -> Result<Overview, String> {
        let total = |page: &Value| page["total"].as_u64().ok_or(NOT_CREDWATCH);
        if let Some(wanted) = &self.wanted {
            wanted.check(&self.page("", 0, NAMES).await?)?;
        }
        let mut page = self.page("state=paused&", 0, PAUSED).await?;
        let paused = total(&page)?;
        let paused_providers = match page["providers"].take() {
            Value::Array(providers) => providers,
            _ => Vec::new(),
        };
        let (counts, providers) = (Vec::new(), Vec::new());
        let mut overview = Overview { counts, paused, paused_providers, stalled: false, providers };
        for state in State::ALL {
            let limit = if SHOWN.contains(&state) { PAGE } else { 0 };
            let filter = format!("state={}&", state.word());
            let mut page = self.page(&filter, 0, limit).await?;
            overview.stalled |= page["stalled"].as_bool().unwrap_or(false);
            overview.counts.push((state, total(&page)?));
            let mut taken = 0;
            while let Some(Value::Array(providers)) = page.get_mut("providers").map(Value::take) {
                taken += providers.len();
                let full = providers.len() == PAGE && taken < MOST;
                overview.providers.extend(providers);
                if !full {
                    break;
                }
                page = self.page(&filter, taken, PAGE).await?;
            }
        }
        Ok(overview)
    }

    async fn page(&self, filter: &str, offset: usize, limit: usize) -> Result<Value, String> {
        let mut url = self.url.join("api/v1/providers").map_err(|error| error.to_string())?;
        url.set_query(Some(&format!("{filter}offset={offset}&limit={limit}")));
        let answer = self.asker.get(url, self.headers.clone()).await;
        let (status, body) = answer.map_err(|failure| failure.message.as_str().to_owned())?;
        match status {
            200 => serde_json::from_slice(&body).map_err(|_| NOT_CREDWATCH.to_owned()),
            401 => Err("it asks for a login: --user NAME --password-file FILE".to_owned()),
            404 => Err(NOT_CREDWATCH.to_owned()),
            _ => {
                let text = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
                Err(format!("it answers with HTTP {status}: {}", text.trim()))
            }
        }
    }
}

impl Wanted {
    /// Refuses a daemon without any provider of the configuration. One that has some of them may
    /// have another part of them (`--shard`), or may not have read the file again.
    fn check(&self, page: &Value) -> Result<(), String> {
        let names: Vec<&str> = (page["providers"].as_array().into_iter().flatten())
            .filter_map(|provider| provider["name"].as_str())
            .collect();
        let Some(first) = names.first() else { return Ok(()) };
        if self.names.is_empty() || names.iter().any(|name| self.names.contains(*name)) {
            return Ok(());
        }
        Err(format!(
            "this daemon does not run {}: it has `{}`, and no provider of this file; perhaps \
             `credwatch demo` runs here",
            self.file.display(),
            printable(first)
        ))
    }
}

const NOT_CREDWATCH: &str = "the answer is not one of credwatch";

impl Overview {
    /// The number of providers in this state.
    pub fn count(&self, state: State) -> u64 {
        self.counts.iter().find(|(known, _)| *known == state).map_or(0, |(_, count)| *count)
    }

    /// Whether nothing is broken, paused providers aside, and the scheduler works.
    pub fn is_healthy(&self) -> bool {
        self.count(State::Broken) == 0 && !self.stalled
    }

    /// The rows, the most urgent first.
    pub fn rows(&self, now: f64) -> Vec<Row> {
        let mut rows: Vec<Row> =
            self.providers.iter().map(|provider| Row::of(provider, now)).collect();
        rows.sort_by(|one, other| {
            let by_rank = one.rank.0.cmp(&other.rank.0);
            by_rank
                .then(one.rank.1.total_cmp(&other.rank.1))
                .then_with(|| one.name.cmp(&other.name))
        });
        rows
    }
}
