//! From the request of a sample to the texts of a recipe.

use http::HeaderName;
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;
use url::Url;

use super::hints;
use super::inputs::{Inputs, escaped, snake};
use super::values::{self, Kind, Part, kind};
use super::write::Value;
use crate::authoring::curl::{Piece, Sample};

/// The `[request]` of a draft.
#[derive(Default)]
pub struct Request {
    /// Nothing for POST.
    pub method: Option<String>,
    /// Scheme and host, if no part of them is a placeholder.
    pub base: Option<String>,
    /// Scheme and host as they could be, to show what the parameter is.
    pub base_example: String,
    /// The host as far as it is fixed: what the API can be called by.
    pub named_host: String,
    /// What follows scheme and host, with expressions.
    pub path: String,
    /// Query parameters.
    pub query: Vec<(String, Value)>,
    /// Headers.
    pub headers: Vec<(String, Value)>,
    /// The body.
    pub body: Body,
}

/// The body of a draft.
#[derive(Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// A form.
    Form(Vec<(String, Value)>),
    /// JSON.
    Json(Value),
    /// A text with expressions.
    Text(String),
}

/// Headers that the transport sets, or that a browser or tool adds and no API asks for.
const NOISE: [&str; 24] = [
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "dnt",
    "expect",
    "host",
    "origin",
    "postman-token",
    "pragma",
    "priority",
    "referer",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "te",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
];

/// The request of a sample; what differs from one customer to the next becomes an input.
///
/// # Errors
/// A sentence that says what no recipe can have. It holds no value of the sample.
pub fn request(sample: &Sample, inputs: &mut Inputs) -> Result<Request, String> {
    let mut request = Request::default();
    let data = data(sample);
    inputs.is_oauth = data.contains("grant_type")
        || sample.url.contains("grant_type")
        || sample.url.contains("oauth");
    let method = sample
        .method
        .as_deref()
        .unwrap_or(if sample.data.is_empty() || sample.get { "GET" } else { "POST" })
        .to_ascii_uppercase();
    if !["GET", "POST", "PUT", "PATCH"].contains(&method.as_str()) {
        let known = ["DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"]
            .iter()
            .find(|known| **known == method)
            .map_or("another", |known| known);
        return Err(format!(
            "a token request is GET, POST, PUT or PATCH, and the method of this one is {known}"
        ));
    }
    request.method = Some(method).filter(|method| method != "POST");
    let (target, user) = address(&sample.url, inputs)?;
    // The one who logs in comes first, so that what follows from it has the better names.
    if let Some(user) = sample.user.as_deref().or(user) {
        let expression = inputs.basic(user);
        request
            .headers
            .push(("Authorization".into(), Value::Text(format!("Basic {{{{ {expression} }}}}"))));
    }
    let content_type = headers(sample, &mut request, inputs);
    if !sample.data.is_empty() && !sample.get {
        body(sample, &data, content_type, &mut request, inputs)?;
    }
    url(&target, sample, &data, &mut request, inputs)?;
    Ok(request)
}

/// The URL with a scheme, and who logs in by it.
fn address<'a>(written: &'a str, inputs: &mut Inputs) -> Result<(String, Option<&'a str>), String> {
    let (scheme, rest) = match written.split_once("://") {
        Some((scheme @ ("https" | "http" | "HTTPS" | "HTTP"), rest)) => {
            (Some(scheme.to_ascii_lowercase()), rest)
        }
        Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
            return Err("the URL is neither https nor http".into());
        }
        _ => (None, written),
    };
    let host_is_missing = scheme.is_none()
        && matches!(values::parts(rest, true).first(), Some(Part::Placeholder { .. }));
    if scheme.is_none() && !host_is_missing {
        inputs.todo("the URL of the command has no scheme; https was taken");
    }
    let end = authority_end(rest);
    let (user, rest) = match rest[..end].rsplit_once('@') {
        Some((user, _)) => (Some(user), &rest[user.len() + 1..]),
        None => (None, rest),
    };
    Ok((format!("{}://{rest}", scheme.as_deref().unwrap_or("https")), user))
}

/// Where the path begins, behind a host that can be a placeholder.
fn authority_end(rest: &str) -> usize {
    let mut depth = 0;
    for (place, character) in rest.char_indices() {
        match character {
            '<' | '{' | '(' => depth += 1,
            '>' | '}' | ')' => depth -= 1,
            '/' | '?' | '#' if depth <= 0 => return place,
            _ => {}
        }
    }
    rest.len()
}

/// Scheme, host and perhaps a port, and nothing else.
fn is_origin(text: &str) -> bool {
    let alone = |url: &Url| {
        url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    Url::parse(text).is_ok_and(|url| url.has_host() && alone(&url))
}

fn url(
    target: &str,
    sample: &Sample,
    data: &str,
    request: &mut Request,
    inputs: &mut Inputs,
) -> Result<(), String> {
    let (scheme, rest) = target.split_once("://").unwrap_or(("https", target));
    let (host, rest) = rest.split_at(authority_end(rest));
    let parts = values::parts(host, true);
    let fixed = matches!(parts.as_slice(), [Part::Text(_)])
        && !values::is_random_step(host.split('.').next().unwrap_or_default());
    let shown: String = parts
        .iter()
        .map(|part| match part {
            Part::Text(text)
                if !values::is_random_step(text.split('.').next().unwrap_or_default()) =>
            {
                text.clone()
            }
            Part::Placeholder { name: Some(name), .. } => name.replace('_', "-"),
            _ => "example".into(),
        })
        .collect();
    let example = format!(
        "{scheme}://{}",
        if shown.contains('.') || fixed { shown.as_str() } else { "api.example" }
    );
    if fixed && !is_origin(&example) {
        return Err("the URL of the command has no host that can be one".into());
    }
    request.base_example =
        if is_origin(&example) { example } else { format!("{scheme}://api.example") };
    request.named_host = parts
        .iter()
        .map(|part| if let Part::Text(text) = part { text.as_str() } else { "" })
        .collect();
    request.base = fixed.then(|| request.base_example.clone());
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut before = "";
    for step in path.split('/').skip(1) {
        request.path.push('/');
        request.path.push_str(&inputs.step(before, step));
        before = step;
    }
    pairs(query, &mut request.query, inputs);
    if sample.get {
        pairs(data, &mut request.query, inputs);
    }
    Ok(())
}

/// The headers, without the body's type: that is returned.
fn headers<'a>(sample: &'a Sample, request: &mut Request, inputs: &mut Inputs) -> Option<&'a str> {
    let mut content_type = None;
    for (name, value) in &sample.headers {
        let lower = name.to_ascii_lowercase();
        let plain_accept =
            lower == "accept" && matches!(value.as_str(), "*/*" | "application/json");
        if NOISE.contains(&lower.as_str()) || plain_accept {
            continue;
        }
        if lower == "content-type" {
            content_type = Some(value.as_str());
            continue;
        }
        let twice = request.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if twice || HeaderName::try_from(name.as_str()).is_err() {
            inputs.todo(
                "a header of the command is left out: it is there twice, or its name is none",
            );
            continue;
        }
        let text = match lower.as_str() {
            "authorization" if hints::is_request_signature(value) => {
                inputs.todo(hints::request_signature());
                continue;
            }
            "authorization" | "proxy-authorization" => authorization(value, inputs),
            "cookie" => format!("{{{{ {} }}}}", inputs.hidden("cookie")),
            "accept" => escaped(value),
            _ if values::is_word_of_a_header(name, value) && !inputs.shows_a_secret(value) => {
                escaped(value)
            }
            _ => inputs.text(name, true, value, true),
        };
        request.headers.push((name.clone(), Value::Text(text)));
    }
    content_type
}

fn authorization(value: &str, inputs: &mut Inputs) -> String {
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => format!("Basic {{{{ {} }}}}", inputs.basic(rest)),
        _ if scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphabetic() || c == '-') => {
            inputs.text("api_key", false, value, true)
        }
        other => {
            let field = if other == "bearer" { "bearer_token" } else { "api_key" };
            format!("{scheme} {}", inputs.text(field, false, rest.trim(), true))
        }
    }
}

/// The body as curl would put it together; what it would encode is encoded.
fn data(sample: &Sample) -> String {
    let pieces = sample.data.iter().map(|piece| match piece {
        Piece::Raw(text) => text.clone(),
        Piece::Plain(name, value) => {
            let value = value
                .replace('%', "%25")
                .replace('&', "%26")
                .replace('+', "%2B")
                .replace('=', "%3D");
            if name.is_empty() { value } else { format!("{name}={value}") }
        }
    });
    pieces.collect::<Vec<_>>().join(if sample.is_json { "" } else { "&" })
}

fn pairs(text: &str, pairs: &mut Vec<(String, Value)>, inputs: &mut Inputs) {
    let decoded =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    for pair in text.split('&').filter(|pair| !pair.trim().is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name.trim()), decoded(value.trim_end_matches('\n')));
        if pairs.iter().any(|(known, _)| *known == name) {
            inputs.todo(
                "a field that is there several times is taken once: a recipe has each name once",
            );
            continue;
        }
        // A name that is a placeholder, or a secret without a name, cannot be a key.
        let plain = matches!(values::parts(&name, true).as_slice(), [Part::Text(_)])
            && !values::is_random_step(&name);
        let bare = value.is_empty() && !pair.contains('=') && !values::is_harmless(&name);
        if !plain || bare {
            inputs.todo("a field of the command is left out: its name is a placeholder, or looks like a value");
            continue;
        }
        let value = inputs.text(&name, true, &value, true);
        pairs.push((name, Value::Text(value)));
    }
}

fn body(
    sample: &Sample,
    data: &str,
    content_type: Option<&str>,
    request: &mut Request,
    inputs: &mut Inputs,
) -> Result<(), String> {
    let kind_of =
        |word: &str| content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains(word));
    let start = data.trim_start();
    if sample.is_json
        || kind_of("json")
        || content_type.is_none_or(|kind| kind.contains("urlencoded"))
            && start.starts_with(['{', '['])
    {
        if !sample.is_json && !kind_of("json") {
            inputs.todo(
                "the command sends JSON without saying so; the recipe says `application/json`",
            );
        }
        if let Some(json) = relaxed(data) {
            request.body = Body::Json(json_value("", &json, inputs)?);
            if let Some(kind) = content_type
                .filter(|kind| kind.split(';').next().map(str::trim) != Some("application/json"))
            {
                request.headers.push(("Content-Type".into(), Value::Text(escaped(kind))));
            }
            return Ok(());
        }
        return Err("the body of the command is no JSON: is a quote or bracket missing?".into());
    }
    if content_type.is_none_or(|kind| kind.contains("urlencoded"))
        && data.contains('=')
        && !start.starts_with('<')
    {
        let mut form = Vec::new();
        pairs(data, &mut form, inputs);
        request.body = Body::Form(form);
        return Ok(());
    }
    let kind = content_type.unwrap_or("application/x-www-form-urlencoded");
    request.headers.push(("Content-Type".into(), Value::Text(escaped(kind))));
    request.body = Body::Text(if start.starts_with('<') {
        xml(data, inputs)
    } else {
        inputs.text("body", true, data, true)
    });
    Ok(())
}

/// JSON, also with placeholders that are in no quotes: `{"ttl": <seconds>}`.
fn relaxed(text: &str) -> Option<Json> {
    if let Ok(json) = serde_json::from_str(text) {
        return Some(json);
    }
    let (mut out, mut rest, mut quoted) = (String::new(), text, false);
    while let Some(character) = rest.chars().next() {
        let bare = if quoted || !matches!(character, '$' | '<' | 'Y') {
            None
        } else {
            values::parts(rest, true).into_iter().next()
        };
        if let Some(Part::Placeholder { .. } | Part::Command(_)) = bare {
            let length = rest
                .find([',', '\n', '}', ']'])
                .filter(|_| character != '<' && !rest.starts_with("${"))
                .or_else(|| Some(rest.find(['>', '}'])? + 1))?;
            out.push_str(&Json::from(rest[..length].trim()).to_string());
            rest = &rest[length..];
            continue;
        }
        if quoted && character == '\\' {
            let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        quoted ^= character == '"';
        // A comma before the end, as people leave it.
        let closes = rest[1.min(rest.len())..].trim_start().starts_with(['}', ']']);
        if quoted || character != ',' || !closes {
            out.push(character);
        }
        rest = &rest[character.len_utf8()..];
    }
    serde_json::from_str(&out).ok()
}

fn json_value(field: &str, json: &Json, inputs: &mut Inputs) -> Result<Value, String> {
    Ok(match json {
        Json::Null => {
            return Err(
                "the body has a `null`, which TOML has not: leave that member out of the command"
                    .into(),
            );
        }
        Json::Bool(truth) => Value::Plain(truth.to_string()),
        Json::Number(number) => json_number(field, number, inputs),
        Json::String(text) => {
            let mut shown = inputs.text(field, true, text, true);
            // A lone expression keeps the type of its value, and here it was a text.
            if kind(field) == Kind::Time && shown.starts_with("{{ now_") && shown != "{{ now_iso }}"
            {
                shown = shown.replace(" }}", " ~ '' }}");
            }
            Value::Text(shown)
        }
        Json::Array(items) => Value::Array(
            items.iter().map(|item| json_value(field, item, inputs)).collect::<Result<_, _>>()?,
        ),
        Json::Object(members) => {
            let mut table = Vec::new();
            for (name, value) in members {
                if value.is_null() {
                    inputs.todo("a member that is `null` is left out: TOML has no such value");
                } else if values::is_random_step(name) {
                    inputs.todo("a member is left out: its name looks random");
                } else if name == "id"
                    && members.contains_key("jsonrpc")
                    && is_number_of_a_call(value)
                {
                    table.push((
                        name.clone(),
                        value.as_str().map_or_else(
                            || Value::Plain(value.to_string()),
                            |text| Value::Text(text.to_owned()),
                        ),
                    ));
                } else {
                    table.push((name.clone(), json_value(name, value, inputs)?));
                }
            }
            Value::Table(table)
        }
    })
}

/// The `id` of a call by JSON-RPC.
fn is_number_of_a_call(value: &Json) -> bool {
    value.is_u64()
        || value
            .as_str()
            .is_some_and(|text| text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn json_number(field: &str, number: &serde_json::Number, inputs: &mut Inputs) -> Value {
    let digits = number.to_string();
    match kind(field) {
        Kind::Time if digits.len() >= 10 => Value::Text(inputs.text(field, true, &digits, true)),
        _ if values::is_small_number(field, &digits) => Value::Plain(digits),
        Kind::Credential | Kind::Signature | Kind::Once => {
            Value::Text(inputs.text(field, true, &digits, true).replace(" }}", " | int }}"))
        }
        _ if digits.len() > 9 => {
            Value::Text(format!("{{{{ {} | int }}}}", inputs.hidden(&snake(field))))
        }
        _ => Value::Plain(digits),
    }
}

/// XML with expressions in place of texts and attributes.
fn xml(text: &str, inputs: &mut Inputs) -> String {
    let (mut out, mut rest, mut tag) = (String::new(), text, String::new());
    let put = |field: &str, value: &str, inputs: &mut Inputs| {
        let field = field.rsplit(':').next().unwrap_or_default();
        let text = inputs.text(field, true, value, false);
        text.replace(" }}", " | xml_escape }}")
    };
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('<') {
            let end = inner.find('>').map_or(rest.len(), |end| end + 2);
            let whole = &rest[..end];
            tag =
                inner.chars().take_while(|c| c.is_alphanumeric() || ":_-.".contains(*c)).collect();
            let plain = whole.starts_with("<?") || whole.starts_with("<!");
            // Attributes in quotes: every second piece is a value.
            let mut name = "";
            for (index, piece) in whole.split('"').enumerate() {
                let is_name_space = name.starts_with("xmlns") || name.contains("schema");
                if index % 2 == 1 {
                    out.push('"');
                    out.push_str(&if plain || is_name_space {
                        escaped(piece)
                    } else {
                        put(name, piece, inputs)
                    });
                    out.push('"');
                } else {
                    name = piece.trim_end_matches('=').rsplit(' ').next().unwrap_or_default();
                    out.push_str(&escaped(piece));
                }
            }
            rest = &rest[end..];
        } else {
            let end = rest.find('<').unwrap_or(rest.len());
            let value = &rest[..end];
            if value.trim().is_empty() {
                out.push_str(value);
            } else {
                out.push_str(&put(&tag, value.trim(), inputs));
            }
            rest = &rest[end..];
        }
    }
    out
}
