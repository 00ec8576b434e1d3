//! Renders the request of a call from the values of an attempt.

use std::fmt::Display;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use minijinja::Value;
use secrecy::zeroize::Zeroizing;
use url::{Url, form_urlencoded};

use super::call::{BodyTemplate, Call};
use super::multipart;
use super::values::{self, RenderError, Values};
use crate::language::convert::UNRESERVED;
use crate::language::expression::Compiled;
use crate::language::template::{Insert, Template, hidden, real};
use crate::secret::{HIDDEN, Redactor};

/// A request, ready to send. Holds secrets: it can be sent, not printed.
pub struct TokenRequest {
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: Url,
    /// The headers of the recipe. Those with secrets are marked sensitive.
    pub headers: Headers,
    /// The body, if any.
    pub body: Option<Bytes>,
}

impl TokenRequest {
    /// The same request once more. The body is shared.
    #[must_use]
    pub fn again(&self) -> Self {
        let Self { method, url, headers, body } = self;
        let (method, url) = (method.clone(), url.clone());
        Self { method, url, headers: headers.clone(), body: body.clone() }
    }
}

/// The headers of a request, each name once. A map takes four times the memory, and thousands of
/// requests are kept.
#[derive(Clone, Default)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    /// Names and values in the order of the recipe.
    #[must_use]
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.pairs().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Sets the value of a name.
    pub fn insert(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value));
    }
}

/// Bytes whose memory is wiped when the last part of the HTTP client drops them.
fn wiped(bytes: Vec<u8>) -> Bytes {
    Bytes::from_owner(Zeroizing::new(bytes))
}

/// Whether a request of this method without a body says so with `Content-Length: 0`, because a
/// server expects a body (RFC 9110, section 8.6).
#[must_use]
pub fn announces_an_empty_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// A request without secrets, for people.
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
    /// Whether earlier answers gave all values that the request needs.
    pub(super) fn is_possible(&self, values: &Values) -> bool {
        self.needs.iter().all(|name| values.has(name))
    }

    /// The values that the request needs and no answer gave.
    pub(super) fn missing(&self, values: &Values) -> Vec<&str> {
        self.needs.iter().map(String::as_str).filter(|name| !values.has(name)).collect()
    }

    /// Whether all optional inputs of its URL are set. Also true when the URL cannot be evaluated:
    /// [`Call::render`] then returns the error.
    pub(super) fn is_wanted(&self, values: &Values) -> bool {
        let url = self.request.url.text(&values.context.value(), &mut real);
        url.map_or(true, |text| text.is_some())
    }

    /// Renders the request. Afterwards the redactor of `values` knows what the request derives from
    /// secrets.
    ///
    /// # Errors
    /// When an expression cannot be evaluated with these values, or its value is no URL or header.
    pub fn render(&self, values: &mut Values) -> Result<TokenRequest, RenderError> {
        self.rendered(values).map_err(|error| RenderError {
            from_answer: error.from_answer || !self.needs.is_empty(),
            ..error
        })
    }

    fn rendered(&self, values: &mut Values) -> Result<TokenRequest, RenderError> {
        let Values { context, redactor, secure, origins, .. } = values;
        let context = context.value();
        let mut insert = |expression: &Compiled, value: Value| {
            hide_derived(expression, &value, &context, redactor);
            value
        };
        let url = self.url(&context, &mut insert)?;
        // A value that came by https must not go to a server by plain http.
        if self.follows && *secure && url.scheme() != "https" {
            return Err(RenderError::new(
                self.part("request.url"),
                "an answer that came by https names an http URL, which is not followed",
            ));
        }
        *secure |= url.scheme() == "https";
        let texts = self.texts("request.headers", &self.request.headers, &context, &mut insert)?;
        let body = self.body(&context, &mut insert)?;
        // Messages about connections name the host.
        if !self.shows_origin(&url, origins, &context)
            && let Some(host) = url.host_str()
        {
            redactor.hide(host);
        }
        let mut headers = Headers::default();
        for (name, template, text) in texts {
            let text = Zeroizing::new(text);
            let bytes = wiped(text.trim().into());
            let mut value = HeaderValue::from_maybe_shared(bytes).map_err(|_| {
                RenderError::new(
                    self.part(&format!("request.headers.{name}")),
                    "the value has characters that a header cannot hold",
                )
            })?;
            if template.is_secret() {
                value.set_sensitive(true);
                redactor.hide(&text);
            }
            headers.insert(name.clone(), value);
        }
        if headers.get(&header::CONTENT_TYPE).is_none()
            && let Some(kind) = body.as_deref().and_then(|body| self.content_type(body))
        {
            // The boundary is a digest of the parts.
            if matches!(self.request.body, BodyTemplate::Multipart(_)) {
                redactor.hide(multipart::boundary(body.as_deref().unwrap_or_default()));
            }
            headers.insert(header::CONTENT_TYPE, kind);
        }
        let method = self.request.method.clone();
        Ok(TokenRequest { method, url, headers, body: body.map(|body| wiped(body.into_bytes())) })
    }

    /// Shows the request with every secret hidden.
    ///
    /// # Errors
    /// As [`Call::render`].
    pub fn show(&self, values: &Values) -> Result<ShownRequest, RenderError> {
        let context = values.context.value();
        let insert = &mut hidden(&context);
        let mut url = self
            .request
            .url
            .text(&context, insert)
            .map_err(|error| self.at("request.url", &error))?
            .unwrap_or_default();
        // A query that was configured with the URL can hold a key.
        if self.request.url.is_secret() {
            url.truncate(url.find('?').unwrap_or(url.len()));
        }
        let mut line = format!("{} {url}", self.request.method);
        for (name, _, text) in self.texts("request.query", &self.request.query, &context, insert)? {
            line.push(if line.contains('?') { '&' } else { '?' });
            line.push_str(&format!("{name}={text}"));
        }
        line.push_str(&self.shown_origin(&line, values, &context));
        let headers = self.texts("request.headers", &self.request.headers, &context, insert)?;
        let mut headers: Vec<_> =
            headers.into_iter().map(|(name, _, text)| (canonical(name), text)).collect();
        let body = self.shown_body(&context, insert)?;
        if let Some(kind) = self.request.body.kind().filter(|_| body.is_some())
            && !headers.iter().any(|(name, _)| name == "Content-Type")
        {
            headers.push(("Content-Type".into(), kind.into()));
        }
        if announces_an_empty_body(&self.request.method) && body.as_ref().is_none_or(Vec::is_empty)
        {
            headers.push(("Content-Length".into(), "0".into()));
        }
        Ok(ShownRequest { line, headers, body: body.unwrap_or_default() })
    }

    /// The lines of the body for people: of a form and of `multipart` one for each entry.
    fn shown_body(
        &self,
        context: &Value,
        insert: &mut Insert<'_>,
    ) -> Result<Option<Vec<String>>, RenderError> {
        let (part, fields) = match &self.request.body {
            BodyTemplate::Form(fields) => ("request.form", fields),
            BodyTemplate::Multipart(fields) => ("request.multipart", fields),
            BodyTemplate::Json(_) | BodyTemplate::Text(_) | BodyTemplate::Empty => {
                let text = self.body(context, insert)?;
                return Ok(text.map(|text| {
                    let json = (self.request.body.kind())
                        .and_then(|_| serde_json::from_str::<serde_json::Value>(&text).ok());
                    let text = json.map_or(text, |json| format!("{json:#}"));
                    text.lines().map(str::to_owned).collect()
                }));
            }
        };
        let fields = self.texts(part, fields, context, insert)?;
        Ok(Some(fields.into_iter().map(|(name, _, text)| format!("{name}={text}")).collect()))
    }

    /// Where a request goes whose URL is hidden because an answer gave it, if that is no secret.
    fn shown_origin(&self, line: &str, values: &Values, context: &Value) -> String {
        if self.follows
            && line.contains(HIDDEN)
            && let Ok(url) = self.url(context, &mut real)
            && self.shows_origin(&url, &values.origins, context)
        {
            let origin = values.redactor.scrub(&url.origin().ascii_serialization());
            return format!("  (at {origin})");
        }
        String::new()
    }

    /// Whether people may see scheme, host and port of its URL: they use no secret, none of the
    /// secrets that they use is there, or they are those of an address that an answer gave.
    fn shows_origin(&self, url: &Url, origins: &[String], context: &Value) -> bool {
        self.request.url.origin().all(|expression| expression.is_open(context))
            || origins.contains(&url.origin().ascii_serialization())
    }

    /// The name, template and text of each entry in a table of the request. An entry that needs an
    /// absent value is left out.
    fn texts<'t, N: Display>(
        &self,
        part: &str,
        table: &'t [(N, Template)],
        context: &Value,
        insert: &mut Insert<'_>,
    ) -> Result<Vec<(&'t N, &'t Template, String)>, RenderError> {
        let mut texts = Vec::with_capacity(table.len());
        for (name, template) in table {
            let text = template
                .text(context, insert)
                .map_err(|error| self.at(&format!("{part}.{name}"), &error))?;
            texts.extend(text.map(|text| (name, template, text)));
        }
        Ok(texts)
    }

    fn url(&self, context: &Value, insert: &mut Insert<'_>) -> Result<Url, RenderError> {
        let mut url = self.address(context, insert)?;
        if !self.request.query.is_empty() {
            let pairs = self.texts("request.query", &self.request.query, context, insert)?;
            if !pairs.is_empty() {
                url.query_pairs_mut()
                    .extend_pairs(pairs.iter().map(|(name, _, text)| (name, text)));
            }
        }
        Ok(url)
    }

    /// The header `Content-Type` that the kind of the body sets.
    fn content_type(&self, body: &str) -> Option<HeaderValue> {
        let kind = self.request.body.kind()?;
        if matches!(self.request.body, BodyTemplate::Multipart(_)) {
            return HeaderValue::try_from(format!(
                "{kind}; boundary={}",
                multipart::boundary(body)
            ))
            .ok();
        }
        Some(HeaderValue::from_static(kind))
    }

    fn body(
        &self,
        context: &Value,
        insert: &mut Insert<'_>,
    ) -> Result<Option<String>, RenderError> {
        match &self.request.body {
            BodyTemplate::Empty => Ok(None),
            BodyTemplate::Form(fields) => {
                let pairs = self.texts("request.form", fields, context, insert)?;
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(pairs.iter().map(|(name, _, text)| (name, text)));
                Ok(Some(form.finish()))
            }
            BodyTemplate::Multipart(fields) => {
                let parts = self.texts("request.multipart", fields, context, insert)?;
                let parts = parts.into_iter().map(|(name, _, text)| (name.as_str(), text));
                Ok(Some(multipart::body(&parts.collect::<Vec<_>>())))
            }
            BodyTemplate::Json(node) => node
                .render(context, insert)
                .map(|json| json.map(|json| json.to_string()))
                .map_err(|error| self.at("request.json", &error)),
            BodyTemplate::Text(template) => {
                template.text(context, insert).map_err(|error| self.at("request.body", &error))
            }
        }
    }

    /// The URL without its query.
    pub(super) fn address(
        &self,
        context: &Value,
        insert: &mut Insert<'_>,
    ) -> Result<Url, RenderError> {
        let wrong = |problem: String| RenderError::new(self.part("request.url"), problem);
        let text = self
            .request
            .url
            .url(context, insert, UNRESERVED)
            .map_err(|error| self.at("request.url", &error))?;
        let text = text.ok_or_else(|| wrong("a value that it needs is not set".into()))?;
        let url = Url::parse(&text).map_err(|error| wrong(format!("this is no URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("the scheme is not supported: use https or http".into()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "a URL must not contain credentials: every server on the way logs it".into(),
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

/// Hides what an expression of the request derives from secrets: a signature, an assertion.
fn hide_derived(expression: &Compiled, value: &Value, context: &Value, redactor: &mut Redactor) {
    // A lone name is an input or a `let`, which are hidden already.
    let is_name =
        expression.source.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if expression.secret && !is_name && !expression.is_open(context) {
        values::hide(value, redactor);
    }
}

/// The usual spelling of a header name: `Content-Type` for `content-type`.
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
