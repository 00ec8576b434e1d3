//! From values to a request.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use minijinja::Value;
use url::Url;
use url::form_urlencoded;

use super::call::{BodyTemplate, Call};
use super::values::{self, RenderError, Values};
use crate::language::convert::UNRESERVED;
use crate::language::expression::Compiled;
use crate::language::template::{Show, Template};
use crate::secret::{HIDDEN, Redactor, is_address};

/// A request, ready to send. Holds secrets: it can be sent, not printed.
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

impl Call {
    /// Whether all that the request takes from answers is there.
    pub(super) fn is_possible(&self, values: &Values) -> bool {
        self.needs.iter().all(|name| values.has(name))
    }

    /// Whether its URL has all optional inputs that it needs. It has, when the URL cannot be
    /// evaluated: then rendering it tells why.
    pub(super) fn is_wanted(&self, values: &Values) -> bool {
        let url = self.request.url.text(&values.context.value(), Show::Real);
        url.map_or(true, |text| text.is_some())
    }

    /// Renders the request. What was made of secrets for it is known to the values' redactor
    /// afterwards.
    ///
    /// # Errors
    /// When an expression cannot be evaluated with these values, or the outcome is no URL or
    /// header.
    pub fn render(&self, values: &mut Values) -> Result<TokenRequest, RenderError> {
        self.rendered(values).map_err(|error| RenderError {
            from_answer: error.from_answer || !self.needs.is_empty(),
            ..error
        })
    }

    fn rendered(&self, values: &mut Values) -> Result<TokenRequest, RenderError> {
        let Values { context, redactor, secure } = values;
        let context = context.value();
        let url = self.url(&context)?;
        // What came by https must not lead to where everybody can read.
        if self.follows && *secure && url.scheme() != "https" {
            return Err(RenderError::new(
                self.part("request.url"),
                "an answer that came by https names an http URL, which is not followed",
            ));
        }
        *secure |= url.scheme() == "https";
        let mut headers = HeaderMap::new();
        for (name, template) in &self.request.headers {
            let part = || self.part(&format!("request.headers.{name}"));
            let Some(text) = template
                .text(&context, Show::Real)
                .map_err(|error| RenderError::at(part(), &error))?
            else {
                continue;
            };
            let mut value = HeaderValue::try_from(text.trim()).map_err(|_| {
                RenderError::new(part(), "the value has characters that a header cannot hold")
            })?;
            if template.is_secret() {
                value.set_sensitive(true);
                redactor.hide(&text);
            }
            headers.insert(name.clone(), value);
        }
        let body = self.body(&context, Show::Real)?;
        self.hide_derived(&context, redactor);
        if let Some((Some(kind), _)) = &body
            && !headers.contains_key(header::CONTENT_TYPE)
        {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let body = body.map(|(_, text)| Bytes::from(text));
        Ok(TokenRequest { method: self.request.method.clone(), url, headers, body })
    }

    /// Shows the request with every secret hidden.
    ///
    /// # Errors
    /// As [`Call::render`].
    pub fn show(&self, values: &Values) -> Result<ShownRequest, RenderError> {
        let context = values.context.value();
        let url = self
            .request
            .url
            .text(&context, Show::Hidden)
            .map_err(|error| self.at("request.url", &error))?;
        let mut url = url.unwrap_or_default();
        // A query that was configured with the URL can hold a key.
        if self.request.url.is_secret() {
            url.truncate(url.find('?').unwrap_or(url.len()));
        }
        let mut line = format!("{} {url}", self.request.method);
        for (index, (name, template)) in self.request.query.iter().enumerate() {
            if let Some(text) = template
                .text(&context, Show::Hidden)
                .map_err(|error| self.at(&format!("request.query.{name}"), &error))?
            {
                line.push(if index == 0 && !line.contains('?') { '?' } else { '&' });
                line.push_str(&format!("{name}={text}"));
            }
        }
        if self.follows
            && line.contains(HIDDEN)
            && let Ok(url) = self.url(&context)
            && self
                .request
                .url
                .origin()
                .flat_map(|expression| &expression.uses)
                .all(|name| values.is_no_secret(name))
        {
            line.push_str(&format!(
                "  (at {})",
                values.redactor.scrub(&url.origin().ascii_serialization())
            ));
        }
        let mut headers = Vec::new();
        for (name, template) in &self.request.headers {
            if let Some(text) = template
                .text(&context, Show::Hidden)
                .map_err(|error| self.at(&format!("request.headers.{name}"), &error))?
            {
                headers.push((canonical(name), text));
            }
        }
        let mut body = Vec::new();
        match &self.request.body {
            BodyTemplate::Form(fields) => {
                for (name, template) in fields {
                    if let Some(text) = template
                        .text(&context, Show::Hidden)
                        .map_err(|error| self.at(&format!("request.form.{name}"), &error))?
                    {
                        body.push(format!("{name}={text}"));
                    }
                }
            }
            _ => {
                if let Some((kind, text)) = self.body(&context, Show::Hidden)? {
                    let pretty = kind
                        .filter(|kind| kind.contains("json"))
                        .and_then(|_| serde_json::from_str::<serde_json::Value>(&text).ok());
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

    /// Hides what was made of secrets right where it is sent: a signature, an assertion. Whatever a
    /// `let` holds is hidden already, and a secret by itself is one of the inputs.
    fn hide_derived(&self, context: &Value, redactor: &mut Redactor) {
        let body = match &self.request.body {
            BodyTemplate::Empty => Vec::new(),
            BodyTemplate::Form(fields) => fields.iter().map(|(_, template)| template).collect(),
            BodyTemplate::Json(node) => node.templates(),
            BodyTemplate::Text(template) => vec![template],
        };
        let headers = self.request.headers.iter().map(|(_, template)| template);
        let query = self.request.query.iter().map(|(_, template)| template);
        // A lone name is an input or a `let`, which are hidden by now.
        let derives = |expression: &&Compiled| expression.secret && !is_name(&expression.source);
        for expression in headers
            .chain(query)
            .chain(body)
            .chain([&self.request.url])
            .flat_map(Template::expressions)
            .filter(derives)
        {
            if let Ok(value) = expression.evaluate(context)
                && !expression.is_open(&value, context)
                && !value.as_str().is_some_and(is_address)
            {
                values::hide(&value, redactor);
            }
        }
    }

    fn url(&self, context: &Value) -> Result<Url, RenderError> {
        let mut url = self.address(context)?;
        if !self.request.query.is_empty() {
            let mut pairs = Vec::new();
            for (name, template) in &self.request.query {
                if let Some(text) = template
                    .text(context, Show::Real)
                    .map_err(|error| self.at(&format!("request.query.{name}"), &error))?
                {
                    pairs.push((name, text));
                }
            }
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(url)
    }

    /// The body with its content type, if the form of the body sets one.
    fn body(
        &self,
        context: &Value,
        show: Show,
    ) -> Result<Option<(Option<&'static str>, String)>, RenderError> {
        match &self.request.body {
            BodyTemplate::Empty => Ok(None),
            BodyTemplate::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, template) in fields {
                    if let Some(text) = template
                        .text(context, show)
                        .map_err(|error| self.at(&format!("request.form.{name}"), &error))?
                    {
                        form.append_pair(name, &text);
                    }
                }
                Ok(Some((Some("application/x-www-form-urlencoded"), form.finish())))
            }
            BodyTemplate::Json(node) => {
                let value =
                    node.render(context, show).map_err(|error| self.at("request.json", &error))?;
                Ok(value.map(|value| (Some("application/json"), value.to_string())))
            }
            BodyTemplate::Text(template) => {
                let text = template
                    .text(context, show)
                    .map_err(|error| self.at("request.body", &error))?;
                Ok(text.map(|text| (None, text)))
            }
        }
    }

    /// The URL without its query.
    pub(super) fn address(&self, context: &Value) -> Result<Url, RenderError> {
        let wrong = |problem: String| RenderError::new(self.part("request.url"), problem);
        let text = self
            .request
            .url
            .url(context, Show::Real, UNRESERVED)
            .map_err(|error| self.at("request.url", &error))?;
        let text = text.ok_or_else(|| wrong("a value that it needs is not set".into()))?;
        let url = Url::parse(&text).map_err(|error| wrong(format!("this is no URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            // What an answer gave is not repeated: it may be no URL at all.
            let scheme =
                if self.follows { "its".to_owned() } else { format!("{:?}", url.scheme()) };
            return Err(wrong(format!("the scheme {scheme} is not possible, only https and http")));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "a URL cannot hold credentials: it is logged by every server on the way".into(),
            ));
        }
        Ok(url)
    }

    fn part(&self, part: &str) -> String {
        format!("{}{part}", self.part)
    }

    fn at(&self, part: &str, error: &minijinja::Error) -> RenderError {
        RenderError::at(self.part(part), error)
    }
}

fn is_name(source: &str) -> bool {
    source.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
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
