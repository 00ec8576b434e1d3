//! From inputs and the time to a token request.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use minijinja::{Error, Value};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use url::form_urlencoded;

use super::context::Context;
use super::expression::explain;
use super::template::{Show, Template};
use super::{BodyTemplate, Recipe};
use crate::secret::{Redactor, UNRESERVED};

/// Made-up secrets with which a recipe is rehearsed: a word, a number, a URL.
pub const PLACEHOLDERS: [&str; 3] = ["placeholder", "1", "https://placeholder.invalid"];

/// What an attempt is made of beside the recipe.
pub struct Inputs<'a> {
    /// The parameters that have a value.
    pub parameters: &'a [(String, Value)],
    /// The credentials that have a value.
    pub credentials: &'a [(String, SecretString)],
}

/// What differs from one attempt to the next. Passed in, so that a test can repeat it.
#[derive(Clone, Copy)]
pub struct Attempt {
    /// The time: one and the same wherever an attempt uses it.
    pub now: Timestamp,
    /// A random number of its own.
    pub uuid: uuid::Uuid,
}

/// A token request, ready to send. Holds secrets: it can be sent, not printed.
pub struct TokenRequest {
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: Url,
    /// The headers of the recipe; those that carry secrets are marked sensitive.
    pub headers: HeaderMap,
    /// The body, if any.
    pub body: Option<Bytes>,
}

/// A rendered request with what reading its answer needs.
pub struct Rendered {
    /// The request.
    pub request: TokenRequest,
    /// All values of the request side, for the rules of the response.
    pub context: Context,
    /// Knows every secret that went in.
    pub redactor: Redactor,
}

/// Why a request could not be made. Holds no values.
#[derive(Debug, thiserror::Error)]
#[error("{part}: {problem}")]
pub struct RenderError {
    /// The part of the recipe, such as `request.url`.
    pub part: String,
    /// What is wrong with it.
    pub problem: String,
}

impl RenderError {
    fn new(part: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { part: part.into(), problem: problem.into() }
    }
}

/// A request as a person may see it.
#[derive(serde::Serialize, Debug, Default)]
pub struct ShownRequest {
    /// Method and URL.
    pub line: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body, line by line.
    pub body: Vec<String>,
}

impl Recipe {
    /// Renders the request of one attempt.
    ///
    /// # Errors
    /// When an expression cannot be evaluated with these inputs, or the outcome is no URL or header.
    pub fn render(&self, inputs: &Inputs<'_>, attempt: &Attempt) -> Result<Rendered, RenderError> {
        let mut redactor = Redactor::default();
        for (_, secret) in inputs.credentials {
            redactor.hide(secret.expose_secret());
        }
        let names = self.context(inputs, attempt)?;
        for (name, binding) in &self.bindings {
            if binding.secret
                && let Some(text) = names.get(name).and_then(Value::as_str)
            {
                redactor.hide(text);
            }
        }
        let context = names.value();
        let url = self.url(&context)?;
        let mut headers = HeaderMap::new();
        for (name, template) in &self.request.headers {
            let part = || format!("request.headers.{name}");
            let Some(text) = template.text(&context, Show::Real).map_err(|error| at(part(), &error))? else { continue };
            let mut value = HeaderValue::try_from(text.trim()).map_err(|_| RenderError::new(part(), "the value has characters that a header cannot hold"))?;
            if template.is_secret() {
                value.set_sensitive(true);
                redactor.hide(&text);
            }
            headers.insert(name.clone(), value);
        }
        let body = self.body(&context, Show::Real)?;
        self.hide_derived(&context, &mut redactor);
        if let Some((Some(kind), _)) = &body
            && !headers.contains_key(header::CONTENT_TYPE)
        {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let body = body.map(|(_, text)| Bytes::from(text));
        Ok(Rendered { request: TokenRequest { method: self.request.method.clone(), url, headers, body }, context: names, redactor })
    }

    /// Shows the request of an attempt with every secret hidden.
    ///
    /// # Errors
    /// As [`Recipe::render`].
    pub fn show(&self, inputs: &Inputs<'_>, attempt: &Attempt) -> Result<ShownRequest, RenderError> {
        let names = self.context(inputs, attempt)?;
        let context = names.value();
        let url = self.request.url.text(&context, Show::Hidden).map_err(|error| at("request.url", &error))?;
        let mut line = format!("{} {}", self.request.method, url.unwrap_or_default());
        for (index, (name, template)) in self.request.query.iter().enumerate() {
            if let Some(text) = template.text(&context, Show::Hidden).map_err(|error| at(format!("request.query.{name}"), &error))? {
                line.push(if index == 0 && !line.contains('?') { '?' } else { '&' });
                line.push_str(&format!("{name}={text}"));
            }
        }
        let mut headers = Vec::new();
        for (name, template) in &self.request.headers {
            if let Some(text) = template.text(&context, Show::Hidden).map_err(|error| at(format!("request.headers.{name}"), &error))? {
                headers.push((canonical(name), text));
            }
        }
        let mut body = Vec::new();
        match &self.request.body {
            BodyTemplate::Form(fields) => {
                for (name, template) in fields {
                    if let Some(text) = template.text(&context, Show::Hidden).map_err(|error| at(format!("request.form.{name}"), &error))? {
                        body.push(format!("{name}={text}"));
                    }
                }
            }
            _ => {
                if let Some((kind, text)) = self.body(&context, Show::Hidden)? {
                    let pretty = kind.filter(|kind| kind.contains("json")).and_then(|_| serde_json::from_str::<serde_json::Value>(&text).ok());
                    let text = pretty.map_or(text, |json| format!("{json:#}"));
                    body.extend(text.lines().map(str::to_owned));
                }
            }
        }
        if let Some((Some(kind), _)) = self.body(&context, Show::Hidden)?
            && !headers.iter().any(|(name, _)| name == "Content-Type")
        {
            headers.push(("Content-Type".into(), kind.into()));
        }
        Ok(ShownRequest { line, headers, body })
    }

    /// Hides what was made of secrets right where it is sent: a signature, an assertion. Whatever a `let` holds is hidden
    /// already, and a secret by itself is one of the inputs.
    fn hide_derived(&self, context: &Value, redactor: &mut Redactor) {
        let form: &[(String, Template)] = if let BodyTemplate::Form(fields) = &self.request.body { fields } else { &[] };
        let json = if let BodyTemplate::Json(node) = &self.request.body { node.templates() } else { Vec::new() };
        let pairs = self.request.query.iter().chain(form).map(|(_, template)| template);
        // A lone name is an input or a `let`, which are hidden by now.
        let derives = |template: &&Template| template.expressions().any(|expression| expression.secret && !is_name(&expression.source));
        for template in pairs.chain(json).filter(derives) {
            if let Ok(Some(text)) = template.text(context, Show::Real) {
                redactor.hide(&text);
            }
        }
    }

    /// All names of the request side with their values; an optional one that is not set is not there.
    fn context(&self, inputs: &Inputs<'_>, attempt: &Attempt) -> Result<Context, RenderError> {
        let mut names = Context::default();
        for (name, value) in inputs.parameters {
            names.add(name, value.clone());
        }
        for (name, secret) in inputs.credentials {
            names.add(name, Value::from(secret.expose_secret()));
        }
        let own: [(&str, &dyn Fn() -> Value); 4] = [
            ("now_s", &|| Value::from(attempt.now.as_second())),
            ("now_ms", &|| Value::from(attempt.now.as_millisecond())),
            ("now_iso", &|| Value::from(attempt.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
            ("uuid", &|| Value::from(attempt.uuid.to_string())),
        ];
        for (name, value) in own {
            if self.uses(name) {
                names.add(name, value());
            }
        }
        for (name, binding) in &self.bindings {
            let value = binding.evaluate(&names.value()).map_err(|error| at(format!("let.{name}"), &error))?;
            names.add(name, value);
        }
        Ok(names)
    }

    fn url(&self, context: &Value) -> Result<Url, RenderError> {
        let mut url = parse_url(&self.request.url, context)?;
        if !self.request.query.is_empty() {
            let mut pairs = Vec::new();
            for (name, template) in &self.request.query {
                if let Some(text) = template.text(context, Show::Real).map_err(|error| at(format!("request.query.{name}"), &error))? {
                    pairs.push((name, text));
                }
            }
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(url)
    }

    /// The body with its content type, if the form of the body sets one.
    fn body(&self, context: &Value, show: Show) -> Result<Option<(Option<&'static str>, String)>, RenderError> {
        match &self.request.body {
            BodyTemplate::Empty => Ok(None),
            BodyTemplate::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, template) in fields {
                    if let Some(text) = field(template, name, context, show)? {
                        form.append_pair(name, &text);
                    }
                }
                Ok(Some((Some("application/x-www-form-urlencoded"), form.finish())))
            }
            BodyTemplate::Json(node) => {
                let value = node.render(context, show).map_err(|error| at("request.json", &error))?;
                Ok(value.map(|value| (Some("application/json"), value.to_string())))
            }
            BodyTemplate::Text(template) => {
                let text = template.text(context, show).map_err(|error| at("request.body", &error))?;
                Ok(text.map(|text| (None, text)))
            }
        }
    }
}

fn is_name(source: &str) -> bool {
    source.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn field(template: &Template, name: &str, context: &Value, show: Show) -> Result<Option<String>, RenderError> {
    template.text(context, show).map_err(|error| at(format!("request.form.{name}"), &error))
}

fn at(part: impl Into<String>, error: &Error) -> RenderError {
    RenderError::new(part, explain(error))
}

/// `content-type` as people write it: `Content-Type`.
fn canonical(name: &HeaderName) -> String {
    let mut upper = true;
    name.as_str()
        .chars()
        .map(|character| {
            let shown = if upper { character.to_ascii_uppercase() } else { character };
            upper = character == '-';
            shown
        })
        .collect()
}

impl Recipe {
    /// Whether secrets decide to which URL requests go.
    #[must_use]
    pub fn url_is_secret(&self) -> bool {
        self.request.url.is_secret()
    }

    /// The URL for these parameters, without its query.
    ///
    /// # Errors
    /// As [`Recipe::render`].
    pub fn endpoint(&self, parameters: &[(String, Value)], attempt: &Attempt) -> Result<Url, RenderError> {
        let uses_bindings = self.request.url.expressions().any(|expression| self.bindings.iter().any(|(name, _)| expression.uses.contains(name)));
        let context = if uses_bindings || self.url_is_secret() {
            let credentials = self.placeholders("placeholder");
            self.context(&Inputs { parameters, credentials: &credentials }, attempt)?.value()
        } else {
            Value::from_pairs(parameters.iter().map(|(name, value)| (name.as_str(), value.clone())))
        };
        parse_url(&self.request.url, &context)
    }

    /// Renders with made-up secrets, to find what cannot be rendered before any request is due.
    /// `credentials` are the names of those that have a value.
    ///
    /// # Errors
    /// As [`Recipe::render`].
    pub fn rehearse(&self, parameters: &[(String, Value)], credentials: &[&str], attempt: &Attempt) -> Result<(), RenderError> {
        // A recipe may do arithmetic with a credential, or take it for a URL; only what no value satisfies is wrong.
        let mut outcome = Ok(());
        for value in PLACEHOLDERS {
            let mut secrets = self.placeholders(value);
            secrets.retain(|(name, _)| credentials.contains(&name.as_str()));
            match self.render(&Inputs { parameters, credentials: &secrets }, attempt) {
                Ok(_) => return Ok(()),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    fn placeholders(&self, value: &str) -> Vec<(String, SecretString)> {
        self.credentials.iter().map(|(name, _)| (name.clone(), SecretString::from(value))).collect()
    }
}

fn parse_url(template: &Template, context: &Value) -> Result<Url, RenderError> {
    let part = "request.url";
    let text = template
        .url(context, Show::Real, UNRESERVED)
        .map_err(|error| at(part, &error))?
        .ok_or_else(|| RenderError::new(part, "a value that it needs is not set"))?;
    let url = Url::parse(&text).map_err(|error| RenderError::new(part, format!("this is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(RenderError::new(part, format!("the scheme {:?} is not possible, only https and http", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RenderError::new(part, "a URL cannot hold credentials: it is logged by every server on the way"));
    }
    Ok(url)
}
