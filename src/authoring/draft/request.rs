//! From the request of a sample to the `[request]` of a recipe.

use http::HeaderName;
use percent_encoding::percent_decode_str;
use url::Url;

use super::body::{body, data, pairs};
use super::encoded;
use super::hints;
use super::inputs::Inputs;
use super::names::escaped;
use super::parts::Request;
use super::values::{self, Part};
use super::write::Value;
use crate::authoring::curl::Sample;
use crate::secret::{
    is_api_name, may_be_constant, may_be_user_agent, may_show_host, names_a_secret,
};

/// Headers that the HTTP client sets, or that browsers and tools add.
const NOISE: [&str; 20] = [
    "accept-encoding", "cache-control", "connection", "content-length", "dnt", "expect", "host",
    "postman-token", "pragma", "priority", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform",
    "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "te", "transfer-encoding", "upgrade",
    "upgrade-insecure-requests",
];

/// Headers that a browser adds, in a command that was copied from one.
const OF_BROWSERS: [&str; 3] = ["accept-language", "origin", "referer"];

/// How the `User-Agent` of a tool begins. Every other one belongs to the API.
const TOOLS: [&str; 10] = [
    "curl", "postman", "insomnia", "wget", "httpie", "python", "okhttp", "axios", "node", "go-http",
];

/// The request of a sample. Values that differ between customers become inputs.
///
/// # Errors
/// A sentence that says what a recipe does not support. It holds no value of the sample.
pub fn request(sample: &Sample, inputs: &mut Inputs) -> Result<Request, String> {
    let mut request = Request::default();
    let data = data(sample);
    let decoded = percent_decode_str(&data).decode_utf8_lossy();
    inputs.grant = format!("{} {decoded}", sample.url).to_ascii_lowercase();
    inputs.is_oauth = data.contains("grant_type")
        || sample.url.contains("grant_type")
        || sample.url.contains("oauth");
    let mut method = sample.method();
    if method == "HEAD" {
        inputs.todo("the command asks for the head of the answer only; GET was taken");
        method = "GET".into();
    }
    if !["GET", "POST", "PUT", "PATCH"].contains(&method.as_str()) {
        let known = ["DELETE", "OPTIONS", "TRACE", "CONNECT"]
            .iter()
            .find(|known| **known == method)
            .map_or("another", |known| known);
        return Err(format!(
            "a request of a probe is GET, POST, PUT or PATCH, and the method of this one is {known}"
        ));
    }
    let has_body = !sample.data.is_empty() && !sample.get;
    let usual = if inputs.is_static() && !has_body { "GET" } else { "POST" };
    request.method = Some(method).filter(|method| method != usual);
    let (target, user) = address(&sample.url, inputs)?;
    // User and password come first, so that these inputs get the best names.
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

/// The URL with a scheme but without a login, and the login.
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

/// Where the path begins. The host before it can be a placeholder.
fn authority_end(rest: &str) -> usize {
    values::find_outside_brackets(rest, &['/', '?', '#']).unwrap_or(rest.len())
}

/// Whether a URL has only a scheme, a host and perhaps a port.
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
    let fixed = matches!(parts.as_slice(), [Part::Text(_)]) && may_show_host(host);
    let shown: String = parts
        .iter()
        .map(|part| match part {
            Part::Text(text) if text.trim_matches('.').is_empty() || may_show_host(text) => {
                text.clone()
            }
            Part::Text(text) if may_show_host(text.trim_matches(['.', '-'])) => text.clone(),
            Part::Placeholder { name: Some(name), .. } => name.replace('_', "-"),
            _ => "example".into(),
        })
        .collect();
    let example = format!(
        "{scheme}://{}",
        if shown.contains('.') || fixed { shown.as_str() } else { "api.example" }
    );
    if fixed && !is_origin(&example) {
        return Err("the URL of the command has no valid host".into());
    }
    request.base_example =
        if is_origin(&example) { example } else { format!("{scheme}://api.example") };
    request.named_host = parts
        .iter()
        .map(|part| match part {
            Part::Text(text) if may_show_host(text.trim_matches(['.', '-'])) => text.as_str(),
            _ => "",
        })
        .collect();
    request.base = fixed.then(|| request.base_example.clone());
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut before = "";
    // A recipe refuses dot segments (RFC 3986, section 5.2.4), and curl removes them.
    let is_plain = |step: &&str| {
        let plain = step.to_ascii_lowercase().replace("%2e", ".");
        !matches!(plain.as_str(), "." | "..")
    };
    for step in path.split('/').skip(1).filter(is_plain) {
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

/// Adds the headers and returns the `Content-Type`, which belongs to the body.
fn headers<'a>(sample: &'a Sample, request: &mut Request, inputs: &mut Inputs) -> Option<&'a str> {
    let mut content_type = None;
    let of_a_browser =
        sample.headers.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with("sec-"));
    for (name, value) in &sample.headers {
        let lower = name.to_ascii_lowercase();
        let plain_accept = lower == "accept" && value == "application/json";
        request.wants_json |= plain_accept;
        let of_a_tool = lower == "user-agent"
            && TOOLS.iter().any(|tool| value.to_ascii_lowercase().starts_with(tool));
        if NOISE.contains(&lower.as_str())
            || of_a_browser && OF_BROWSERS.contains(&lower.as_str())
            || plain_accept
            || of_a_tool
            || sample.is_multipart && lower == "content-type"
        {
            continue;
        }
        if lower == "content-type" {
            // A parameter such as `charset` stays, any other text may be a secret.
            let kind = value.split(';').next().unwrap_or_default().trim();
            content_type = [value.as_str(), kind].into_iter().find(|text| may_be_constant(text));
            continue;
        }
        let twice = request.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if twice || HeaderName::try_from(name.as_str()).is_err() || !is_api_name(name) {
            inputs.todo(
                "a header of the command is left out: it is a duplicate, or its name is invalid or \
                 looks like a value",
            );
            continue;
        }
        let text = match lower.as_str() {
            "authorization" if hints::is_request_signature(value) => {
                inputs.todo(hints::request_signature());
                continue;
            }
            "authorization" | "proxy-authorization" => authorization(value, inputs),
            "cookie" if matches!(values::parts(value, true).as_slice(), [Part::Text(_)] | []) => {
                inputs.todo(
                    "a cookie of the command is left out: it belongs to an earlier session; if \
                     the API needs one, a step must get it",
                );
                continue;
            }
            "user-agent" if may_be_user_agent(value) => escaped(value),
            // The action of SOAP 1.1 is a URI in quotes.
            "soapaction" if may_be_constant(value.trim_matches('"')) => escaped(value),
            "accept" if may_be_constant(value) => escaped(value),
            _ if values::is_constant_header(name, value) && !inputs.shows_a_secret(value) => {
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
    let has_scheme =
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    let (before, rest) =
        if has_scheme { (format!("{scheme} "), rest.trim()) } else { (String::new(), value) };
    let lower = scheme.to_ascii_lowercase();
    if lower == "basic" {
        return format!("Basic {{{{ {} }}}}", inputs.basic(rest));
    }
    if let Some(pair) = encoded::found(rest) {
        return format!("{before}{{{{ {} }}}}", inputs.pair(&pair));
    }
    if lower == "bearer"
        && let Some(name) = inputs.bearer_assertion(rest)
    {
        return format!("{before}{{{{ {name} }}}}");
    }
    let field = if lower == "bearer" && !inputs.is_static() { "bearer_token" } else { "api_key" };
    // `Token token=KEY`: the name stays.
    if let Some((name, value)) = rest.split_once('=')
        && names_a_secret(name)
        && is_api_name(name)
        && !rest.contains([',', ' '])
        && !value.trim_matches(['=', '"']).is_empty()
    {
        let quote = if value.starts_with('"') { "\"" } else { "" };
        let text = inputs.text(field, false, value.trim_matches('"'), true);
        return format!("{before}{name}={quote}{text}{quote}");
    }
    let text = inputs.text(field, false, rest, true);
    // `key="…", secret="…"` is more than one value.
    if rest.contains('=') && rest.contains([',', '"']) && text == format!("{{{{ {field} }}}}") {
        inputs.ask_about_whole(field);
    }
    before + &text
}
