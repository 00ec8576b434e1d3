//! Recorded exchanges: what goes in, the exact request expected, the answer, the outcome expected.
//! As files, so that a recipe is tested without knowing Rust.

mod play;

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use minijinja::Value;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::diagnostic::{Fault, Severity, Source};
use crate::document;
use crate::files;
use crate::outcome::{Expiry, Outcome};
use crate::recipe::definition::{Definition, Ordered, Scalar, Verify};
use crate::recipe::{Attempt, Expectations, Recipe, Verification, builtin};
use crate::time::Span;

/// One exchange as it is written.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Exchange {
    /// What it shows, in a sentence.
    pub about: String,
    /// Where request and answer come from.
    pub source: String,
    /// A built-in recipe, or one in `recipe_file`.
    pub recipe: String,
    /// A file with `[recipes.NAME]`, relative to this one.
    pub recipe_file: Option<String>,
    /// The time of the attempt, RFC 3339.
    pub now: Option<String>,
    /// The `uuid` of the attempt.
    pub uuid: Option<String>,
    /// Parameters of the provider.
    pub parameters: Ordered<Scalar>,
    /// Credentials of the provider: made-up ones.
    pub credentials: Ordered<String>,
    /// Scopes that must be granted.
    pub required_scopes: Vec<String>,
    /// The shortest lifetime that is of use.
    pub min_lifetime: Option<Span>,
    /// How the token is verified, as a provider says it.
    pub verify: Option<Verify>,
    /// The calls beside the token request, in the order in which they are made, before it and after
    /// it.
    pub steps: Vec<RecordedStep>,
    /// The request expected.
    pub request: Option<RecordedRequest>,
    /// The answer; none where a step before it fails.
    pub response: Option<RecordedResponse>,
    /// The outcome expected.
    pub outcome: RecordedOutcome,
}

/// A call beside the token request.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RecordedStep {
    /// Its name in the recipe; `verify`, `introspection` or `jwks` for those that verify the token.
    pub name: String,
    /// The request expected.
    pub request: Option<RecordedRequest>,
    /// The answer.
    pub response: RecordedResponse,
}

/// A request: method, URL, all headers that the recipe sets, and the body to the letter.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The URL with its query.
    pub url: String,
    /// Every header of the recipe, no more and no less.
    pub headers: Ordered<String>,
    /// The body.
    pub body: String,
}

/// An answer.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RecordedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Ordered<String>,
    /// The body as text.
    pub body: Option<String>,
    /// The body as JSON.
    pub json: Option<Json>,
}

impl RecordedResponse {
    /// The bytes of the body.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        match (&self.body, &self.json) {
            (Some(text), _) => text.clone().into(),
            (None, Some(json)) => json.to_string().into(),
            (None, None) => Bytes::new(),
        }
    }
}

/// An outcome: `expires` for a token, or `reason`.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RecordedOutcome {
    /// A time in RFC 3339, `never` or `unknown`.
    pub expires: Option<String>,
    /// The lifetime, in seconds.
    pub lifetime_seconds: Option<f64>,
    /// Why there is no token.
    pub reason: Option<String>,
    /// The code.
    pub code: Option<String>,
    /// The message.
    pub message: Option<String>,
    /// How long the provider asks to wait, in seconds.
    pub retry_after_seconds: Option<f64>,
    /// How many required scopes are missing.
    pub missing_scopes: Option<usize>,
}

/// A file of recipes; what else is in it does not matter here.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(default)]
struct RecipeFile {
    recipes: Ordered<Definition>,
}

static SCHEMA: LazyLock<Json> = LazyLock::new(document::schema_of::<Exchange>);
static RECIPE_FILE_SCHEMA: LazyLock<Json> = LazyLock::new(document::schema_of::<RecipeFile>);

/// An exchange with its recipe, ready to run.
pub struct Prepared {
    /// As written.
    pub exchange: Exchange,
    /// The recipe.
    pub recipe: Arc<Recipe>,
    /// How the token is verified.
    pub verification: Option<Arc<Verification>>,
    /// Time and random number.
    pub attempt: Attempt,
}

/// Reads an exchange and its recipe.
///
/// # Errors
/// All faults, as text.
pub fn prepare(path: &Path) -> Result<Prepared, String> {
    let source = open(path)?;
    let (exchange, faults): (Exchange, _) = document::read(&source, &SCHEMA, |_| ());
    refuse(&faults)?;
    let recipe = match &exchange.recipe_file {
        None => builtin::recipe(&exchange.recipe)
            .ok_or_else(|| format!("there is no built-in recipe {:?}", exchange.recipe))?,
        Some(file) => {
            let source = open(&path.parent().unwrap_or(Path::new("")).join(file))?;
            let (recipes, mut faults): (RecipeFile, _) =
                document::read(&source, &RECIPE_FILE_SCHEMA, |_| ());
            refuse(&faults)?;
            let (name, definition) = recipes
                .recipes
                .0
                .iter()
                .find(|(name, _)| *name.get_ref() == exchange.recipe)
                .ok_or_else(|| {
                    format!("there is no [recipes.{}] in {}", exchange.recipe, source.name)
                })?;
            let recipe =
                Recipe::compile(name.get_ref(), definition, &source, &name.span(), &mut faults);
            refuse(&faults)?;
            recipe
        }
    };
    let mut faults = Vec::new();
    let verification = exchange
        .verify
        .as_ref()
        .and_then(|verify| Verification::compile(&recipe, verify, &source, &(0..0), &mut faults));
    refuse(&faults)?;
    let now = exchange
        .now
        .as_deref()
        .unwrap_or("2023-11-14T22:13:20Z")
        .parse()
        .map_err(|error| format!("`now` is no time: {error}"))?;
    let uuid = exchange
        .uuid
        .as_deref()
        .map_or(Ok(uuid::Uuid::nil()), str::parse)
        .map_err(|error| format!("`uuid` is none: {error}"))?;
    Ok(Prepared {
        exchange,
        recipe: Arc::new(recipe),
        verification: verification.map(Arc::new),
        attempt: Attempt { now, uuid },
    })
}

fn open(path: &Path) -> Result<Arc<Source>, String> {
    let text = files::read_text(path, files::EXCHANGE)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(Arc::new(Source::new(path.display().to_string(), text)))
}

fn refuse(faults: &[Fault]) -> Result<(), String> {
    let errors: Vec<String> = faults
        .iter()
        .filter(|fault| fault.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
}

/// Reads and runs one exchange.
///
/// # Errors
/// What differs from what was expected.
pub fn run_file(path: &Path) -> Result<(), String> {
    prepare(path)?.run()
}

impl Prepared {
    /// The parameters with the recipe's defaults.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Value)> {
        let given = |name: &str| {
            self.exchange
                .parameters
                .0
                .iter()
                .find(|(known, _)| known.get_ref() == name)
                .map(|(_, value)| value)
        };
        self.recipe
            .parameters
            .iter()
            .filter_map(|(name, parameter)| {
                let value = Value::from(given(name).or(parameter.default.as_ref())?);
                // As the configuration does it: a base URL ends where the path of the recipe
                // begins.
                let value = value
                    .as_str()
                    .filter(|_| name == "base_url")
                    .map_or(value.clone(), |text| Value::from(text.trim_end_matches('/')));
                Some((name.clone(), value))
            })
            .collect()
    }

    /// The credentials.
    #[must_use]
    pub fn credentials(&self) -> Vec<(String, SecretString)> {
        self.exchange
            .credentials
            .0
            .iter()
            .map(|(name, value)| (name.get_ref().clone(), SecretString::from(value.trim())))
            .collect()
    }

    /// What the provider expects of a token.
    #[must_use]
    pub fn expectations(&self) -> Expectations {
        Expectations {
            required_scopes: self.exchange.required_scopes.clone(),
            min_lifetime: self.exchange.min_lifetime.map(|span| span.0),
        }
    }

    /// Adds what differs between the outcome expected and this one.
    pub fn compare_outcome(&self, outcome: &Outcome, differences: &mut Vec<String>) {
        let expected = &self.exchange.outcome;
        if expected.expires.is_none() == expected.reason.is_none() {
            differences.push(
                "  [outcome] needs either `expires` (a time such as 2023-11-14T23:13:20Z, \"never\" or \"unknown\") or `reason` (such as \"rejected\")".into(),
            );
            return;
        }
        let number = |name: &str, number: Option<f64>| {
            number.map_or_else(|| format!("no `{name}`"), |number| format!("{name} = {number:.3}"))
        };
        match outcome {
            Outcome::Issued(issued) => {
                let expires = match issued.expiry {
                    Expiry::At(end) => end.to_string(),
                    Expiry::Never => "never".into(),
                    Expiry::Unknown => "unknown".into(),
                };
                // The same moment with another offset is the same.
                let wanted = expected.expires.as_deref().map(|text| {
                    text.parse::<Timestamp>()
                        .map_or_else(|_| text.to_owned(), |time| time.to_string())
                });
                compare("outcome", wanted.as_deref().unwrap_or("a failure"), &expires, differences);
                let name = "lifetime_seconds";
                compare(
                    "lifetime",
                    &number(name, expected.lifetime_seconds),
                    &number(name, issued.lifetime),
                    differences,
                );
            }
            Outcome::Failed(failure) => {
                if expected.reason.as_deref() != Some(failure.reason.word()) {
                    let why = format!("{}: {}", failure.reason.word(), failure.message.as_str());
                    compare(
                        "outcome",
                        expected.reason.as_deref().unwrap_or("a token"),
                        &why,
                        differences,
                    );
                }
                compare(
                    "code",
                    expected.code.as_deref().unwrap_or_default(),
                    failure.code.as_str(),
                    differences,
                );
                if let Some(message) = &expected.message {
                    compare("message", message, failure.message.as_str(), differences);
                }
                let (name, wait) = (
                    "retry_after_seconds",
                    failure.retry_after.as_ref().map(Duration::as_secs_f64),
                );
                compare(
                    "retry_after",
                    &number(name, expected.retry_after_seconds),
                    &number(name, wait),
                    differences,
                );
                compare(
                    "missing_scopes",
                    &expected.missing_scopes.unwrap_or_default().to_string(),
                    &failure.missing_scopes.to_string(),
                    differences,
                );
            }
        }
    }
}

/// The headers expected, sorted, one a line.
#[must_use]
pub fn expected_headers(request: &RecordedRequest) -> String {
    let mut lines: Vec<String> = request
        .headers
        .0
        .iter()
        .map(|(name, value)| format!("{}: {value}", name.get_ref().to_lowercase()))
        .collect();
    lines.sort();
    lines.join(" | ")
}

fn actual_headers(headers: &HeaderMap) -> String {
    let mut lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    lines.sort();
    lines.join(" | ")
}

fn compare(what: &str, expected: &str, actual: &str, differences: &mut Vec<String>) {
    if expected != actual {
        differences.push(format!("  {what}\n    expected {expected}\n    got      {actual}"));
    }
}
