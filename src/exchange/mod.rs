//! Recorded exchanges: the inputs, the expected request, the answer and the expected outcome. They
//! are files, so that people can test a recipe without Rust.

mod differences;
mod listed;
mod play;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use minijinja::Value;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::diagnostic::{Fault, Kind, Sentence, Severity, Shown, Source};
use crate::document::{self, Schema};
use crate::files;
use crate::recipe::definition::{Definition, Ordered, Scalar, Verify};
use crate::recipe::{Attempt, Expectations, Recipe, Verification, builtin};
use crate::time::Span;

/// The TOML form of an exchange.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Exchange {
    /// A sentence that says what the exchange shows.
    pub about: String,
    /// The source of request and answer.
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
    /// Made-up credentials of the provider.
    pub credentials: Ordered<String>,
    /// Scopes that the provider must grant.
    pub required_scopes: Vec<String>,
    /// The shortest acceptable lifetime.
    pub min_lifetime: Option<Span>,
    /// The table `verify` of the provider.
    pub verify: Option<Verify>,
    /// All calls except the token request, in order.
    pub steps: Vec<RecordedStep>,
    /// The expected request.
    pub request: Option<RecordedRequest>,
    /// The answer; absent if an earlier step fails.
    pub response: Option<RecordedResponse>,
    /// The expected outcome.
    pub outcome: RecordedOutcome,
}

/// A call that is not the token request.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RecordedStep {
    /// Its name in the recipe, or `verify`, `introspection` or `jwks`, or `page` for a further page
    /// of a list.
    pub name: String,
    /// The expected request.
    pub request: Option<RecordedRequest>,
    /// The answer.
    pub response: RecordedResponse,
}

/// A request: method, URL, all headers that the recipe sets, and the exact body.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The URL with its query.
    pub url: String,
    /// Exactly the headers that the recipe sets.
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

/// An outcome: `expires` for a token, `accepted` for a static credential, or `reason`.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RecordedOutcome {
    /// A time in RFC 3339, `never` or `unknown`.
    pub expires: Option<String>,
    /// `true` when the provider accepts the static credential.
    pub accepted: bool,
    /// The end of the credential itself: a time in RFC 3339, `never` or `unknown` (the default). A
    /// table when the answers tell about several credentials, by their names.
    pub credential_expires: Option<ByCredential>,
    /// When the credential was created, RFC 3339, in the same form.
    pub credential_created: Option<ByCredential>,
    /// The credentials of a list, those that end first at the front.
    pub listed: Vec<RecordedCredential>,
    /// How many credentials of the list the limits leave out.
    pub listed_dropped: u64,
    /// The code of the failure to read the list as a whole.
    pub list_code: Option<String>,
    /// The lifetime, in seconds.
    pub lifetime_seconds: Option<f64>,
    /// The reason of the failure.
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

/// A text about the one credential that the answers tell about, or a text for each one.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ByCredential {
    /// About the only one.
    One(String),
    /// By the name of the credential.
    Each(Ordered<String>),
}

/// A credential of a list.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RecordedCredential {
    /// Its name in the metrics.
    pub name: String,
    /// A time in RFC 3339, `never` or `unknown`.
    pub expires: String,
    /// When it was created, RFC 3339; not compared when left out.
    pub created: Option<String>,
}

/// A file of recipes. Its other keys are ignored.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(default)]
struct RecipeFile {
    recipes: Ordered<Definition>,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<Exchange>);
static RECIPE_FILE_SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<RecipeFile>);

/// An exchange with its recipe, ready to run.
pub struct Prepared {
    /// The TOML form.
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
    let source = open(path, Shown::outside_of_files(path.display()))?;
    let (exchange, faults): (Exchange, _) = document::read(&source, &SCHEMA, |_| ());
    refuse(&faults)?;
    let recipe = match &exchange.recipe_file {
        None => builtin::recipe(&exchange.recipe)
            .ok_or_else(|| no_recipe("there is no built-in recipe \"{}\"", &exchange.recipe))?,
        Some(file) => {
            let path = path.parent().unwrap_or(Path::new("")).join(file);
            let source = open(&path, Shown::path(&path, file))?;
            let (recipes, mut faults): (RecipeFile, _) =
                document::read(&source, &RECIPE_FILE_SCHEMA, |_| ());
            refuse(&faults)?;
            let (name, definition) = recipes
                .recipes
                .0
                .iter()
                .find(|(name, _)| *name.get_ref() == exchange.recipe)
                .ok_or_else(|| {
                    no_recipe("there is no [recipes.{}] in its recipe file", &exchange.recipe)
                })?;
            let recipe =
                Recipe::compile(name.get_ref(), definition, &source, &name.span(), &mut faults);
            // A request that verifies the token can use further inputs.
            if exchange.verify.as_ref().is_some_and(Verify::makes_requests) {
                faults.retain(|fault| fault.kind != Kind::UnusedInput);
            }
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
        .map_err(|_| "`now` is no time such as 2023-11-14T22:13:20Z")?;
    let uuid = exchange
        .uuid
        .as_deref()
        .map_or(Ok(uuid::Uuid::nil()), str::parse)
        .map_err(|_| "`uuid` is none")?;
    Ok(Prepared {
        exchange,
        recipe: Arc::new(recipe),
        verification: verification.map(Arc::new),
        attempt: Attempt { now, uuid },
    })
}

fn no_recipe(template: &'static str, name: &str) -> String {
    Sentence::fill(template, [Shown::name(name)]).to_string()
}

fn open(path: &Path, shown: Shown) -> Result<Arc<Source>, String> {
    let text = files::read_text(path, files::EXCHANGE).map_err(|error| {
        Sentence::fill("cannot read {}: {}", [shown, Shown::outside_of_files(error)]).to_string()
    })?;
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
/// The differences from the expectation.
pub fn run_file(path: &Path) -> Result<(), String> {
    prepare(path)?.run()
}

impl Prepared {
    /// The parameters with the recipe's defaults.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Value)> {
        let given = |name: &str| {
            let mut given = self.exchange.parameters.0.iter();
            given.find(|(known, _)| known.get_ref() == name).map(|(_, value)| value)
        };
        let value = |name: &str, value: &Scalar| match value {
            // The configuration removes the slash at the end too.
            Scalar::Text(text) if name == "base_url" => Value::from(text.trim_end_matches('/')),
            value => Value::from(value),
        };
        let parameters = self.recipe.parameters.iter();
        parameters
            .filter_map(|(name, parameter)| {
                let scalar = given(name).or(parameter.default.as_ref())?;
                Some((name.clone(), value(name, scalar)))
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

    /// The requirements of the provider for a token.
    #[must_use]
    pub fn expectations(&self) -> Expectations {
        Expectations {
            required_scopes: self.exchange.required_scopes.clone(),
            min_lifetime: self.exchange.min_lifetime.map(|span| span.0),
        }
    }
}
