//! The first draft of a recipe, from a vendor's sample command and optional sample responses.
//!
//! The draft shows no secret of the sample. It repeats a value only if the name of the field or the
//! form of the value shows that all customers have the same.

mod assertions;
mod body;
mod defaults;
mod digests;
mod encoded;
mod expiring;
mod field;
mod graphql;
mod hints;
mod inputs;
mod keys;
mod literal;
mod logins;
mod names;
mod pair;
mod parts;
mod purpose;
mod relaxed;
mod request;
mod response;
mod reuse;
mod times;
mod values;
mod write;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use crate::authoring::curl::Sample;
pub use crate::authoring::suggest::Answer;
use crate::authoring::suggest::{self, Asked, Rules, Suggestion};
use crate::recipe::builtin::BUILTINS;
use crate::recipe::definition::CredentialKind;
use crate::secret::is_harmless;
use inputs::Inputs;
use names::snake;
use parts::{Body, Request};
use purpose::{Purpose, purpose};
use write::{Value, key, text};

/// Reads a sample response: a body, or the output of `curl -i`, which begins with `HTTP/`.
#[must_use]
pub fn answer(sample: &str) -> Answer {
    let sample = sample.replace("\r\n", "\n");
    let sample = sample.trim_start_matches('\u{feff}').trim();
    let Some((first, mut rest)) =
        sample.starts_with("HTTP/").then(|| sample.split_once('\n').unwrap_or((sample, "")))
    else {
        return Answer { body: relaxed::body(sample), ..Answer::default() };
    };
    let mut headers = HeaderMap::new();
    while let Some((line, behind)) =
        rest.split_once('\n').or((!rest.is_empty()).then_some((rest, "")))
    {
        // Some pages leave out the empty line.
        if line.trim_start().starts_with(['{', '[', '<']) {
            break;
        }
        rest = behind;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name.trim()), HeaderValue::try_from(value.trim()))
        {
            headers.append(name, value);
        }
    }
    let status = first.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    Answer { status, headers, body: relaxed::body(rest.trim()) }
}

/// What the author decides about a draft.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The name of the recipe; from the host when left out.
    pub name: Option<&'a str>,
    /// What the recipe does; when left out, the samples decide.
    pub kind: Option<CredentialKind>,
}

/// The draft: a configuration with the recipe and a provider that uses it.
///
/// # Errors
/// A sentence that says what a recipe does not support. It holds no value of the sample.
pub fn draft(
    sample: &Sample,
    options: Options<'_>,
    answers: &[Answer],
    now: Timestamp,
) -> Result<String, String> {
    let seen = suggest::evidence(answers, sample.is_read(), &purpose::shown(sample));
    let Purpose { kind, todo } = purpose(sample, &seen, options.kind);
    let is_static = kind == CredentialKind::Static;
    let mut inputs = Inputs { todo, kind, ..Inputs::default() };
    let mut request = request::request(sample, &mut inputs)?;
    reuse::reuse(&mut request, &inputs);
    defaults::defaults(&mut request, &mut inputs);
    for note in &sample.notes {
        inputs.todo(note);
    }
    let mut bindings = hints::bindings(&mut inputs);
    let address = format!("{{{{ base_url }}}}{}", request.path);
    bindings.extend(inputs.assertion_bindings(&address, &sample.url));
    let host = request.base_example.split("://").nth(1).unwrap_or_default();
    let name = options.name.map_or_else(|| name_of(&request.named_host), str::to_owned);
    for other in &sample.others {
        inputs.todo(hints::other_command(other, &name, &inputs));
    }
    let rules = if answers.is_empty() {
        Rules::guessed(response::guessed(inputs.is_oauth, kind))
    } else if is_static {
        let key = keys::key_of(&request, &inputs);
        let about_keys = keys::names_keys(sample.path());
        suggest::of_keys(answers, &Asked { about_keys, credential: key.as_deref() }, now)
    } else {
        suggest::of_samples(answers, now)
    };
    let accepts = |(name, _): &(String, Value)| name.eq_ignore_ascii_case("accept");
    let is_xml = matches!(&request.body, Body::Text(body) if body.trim_start().starts_with('<'));
    let is_other =
        rules.suggestions.iter().any(|rule| rule.rule == "format" && !rule.line.contains("json"))
            || answers.is_empty() && is_xml;
    // Without a header of the recipe, the request accepts only JSON.
    if is_other && !request.wants_json && !request.headers.iter().any(accepts) {
        request.headers.push(("Accept".into(), Value::Text("*/*".into())));
    }
    let mut lines = head(&inputs, &request, &rules.suggestions, host);
    lines.push(String::new());
    recipe(&mut lines, &name, &request, &inputs, &bindings);
    response::lines(&mut lines, &name, &rules, !answers.is_empty(), kind);
    provider(&mut lines, &name, &request, &inputs);
    Ok(lines.join("\n") + "\n")
}

/// The comments at the top.
fn head(inputs: &Inputs, request: &Request, rules: &[Suggestion], host: &str) -> Vec<String> {
    let mut lines =
        vec![
        "# A draft from a sample command. It loads as it is. Check or complete each line with \
         TODO.".to_owned(),
        "# Try it:  credwatch probe --recipe THIS-FILE".to_owned(),
        "# TODO: add `documentation`, the address of the vendor's page; compare each line with \
         that page.".to_owned(),
    ];
    if request.base.is_some()
        && let Some((known, place)) = hints::neighbour(host, &request.path)
    {
        lines.push(format!(
            "# TODO: the built-in recipe `{known}` uses the same {place}: `credwatch recipes show \
             {known}`."
        ));
    }
    lines.extend(hints::grant(request, rules).map(|known| {
        format!(
            "# TODO: the built-in recipe \
        `{known}` may be enough: `credwatch recipes show {known}`."
        )
    }));
    lines.extend(inputs.todo.iter().map(|todo| write::todo(todo)));
    lines
}

fn recipe(
    lines: &mut Vec<String>,
    name: &str,
    request: &Request,
    inputs: &Inputs,
    bindings: &[(String, String)],
) {
    let table = key(name);
    lines.push(format!("[recipes.{table}]"));
    if inputs.is_static() {
        lines.push("kind = \"static\"".into());
    }
    let what = if inputs.is_static() { "API key" } else { "access token" };
    lines.push(format!("title = {}", text(&format!("{name} {what}"))));
    let mut parameters = vec![(
        "base_url".to_owned(),
        request.base.as_ref().map_or(Value::Table(Vec::new()), |base| {
            Value::Table(vec![("default".into(), Value::Text(base.clone()))])
        }),
    )];
    parameters.extend(inputs.all.iter().filter(|input| !input.secret).map(|input| {
        let default = input.value.clone().filter(|_| input.has_default);
        let default = default.map(|value| ("default".to_owned(), Value::Text(value)));
        (input.name.clone(), Value::Table(default.into_iter().collect()))
    }));
    Value::Table(parameters).lines("parameters", lines);
    let credentials: Vec<Value> = inputs
        .all
        .iter()
        .filter(|input| input.secret)
        .map(|input| Value::Text(input.name.clone()))
        .collect();
    if !credentials.is_empty() {
        lines.push(format!("credentials = {}", Value::Array(credentials).inline()));
    }
    lines.push(String::new());
    if !bindings.is_empty() {
        lines.push(format!("[recipes.{table}.let]"));
        lines.extend(
            bindings
                .iter()
                .map(|(name, expression)| format!("{name} = {}", write::block(expression))),
        );
        lines.push(String::new());
    }
    lines.push(format!("[recipes.{table}.request]"));
    lines.extend(request.method.as_ref().map(|method| format!("method = {}", text(method))));
    lines.push(format!("url = {}", text(&format!("{{{{ base_url }}}}{}", request.path))));
    for (name, value) in &request.headers {
        lines.push(format!("headers.{} = {}", key(name), value.inline()));
    }
    let of = |pairs: &[(String, Value)]| {
        Value::Table(
            pairs.iter().map(|(name, value)| (name.clone(), Value::Text(as_text(value)))).collect(),
        )
    };
    if !request.query.is_empty() {
        of(&request.query).lines("query", lines);
    }
    match &request.body {
        Body::Empty => {}
        Body::Form(form) => of(form).lines("form", lines),
        Body::Multipart(parts) => of(parts).lines("multipart", lines),
        Body::Json(json) => json.lines("json", lines),
        Body::Text(body) => lines.push(format!("body = {}", write::block(body))),
    }
    lines.push(String::new());
}

fn as_text(value: &Value) -> String {
    if let Value::Text(text) = value { text.clone() } else { value.inline() }
}

fn provider(lines: &mut Vec<String>, name: &str, request: &Request, inputs: &Inputs) {
    lines.push(format!("[providers.{}]", key(name)));
    lines.push(format!("recipe = {}", text(name)));
    if request.base.is_none() {
        lines.push(format!("parameters.base_url = {}  # TODO: yours", text(&request.base_example)));
    }
    for input in inputs.all.iter().filter(|input| !input.secret && !input.has_default) {
        let shown = input.value.as_deref().filter(|value| is_harmless(value));
        let value = match shown {
            _ if input.is_number => "1".to_owned(),
            value => text(value.unwrap_or("change-me")),
        };
        lines.push(format!("parameters.{} = {value}  # TODO: yours", input.name));
    }
    let prefix = snake(name).to_ascii_uppercase();
    for input in inputs.all.iter().filter(|input| input.secret) {
        let variable = input
            .variable
            .clone()
            .unwrap_or_else(|| format!("{prefix}_{}", input.name.to_ascii_uppercase()));
        lines.push(format!("credentials.{} = {{ env = {} }}", input.name, text(&variable)));
    }
}

/// The name of an API, from its host: `weather` for `auth.weather.example`.
fn name_of(host: &str) -> String {
    const GENERAL: [&str; 22] = [
        "www", "api", "apis", "auth", "oauth", "oauth2", "login", "accounts", "account", "id",
        "identity", "sso", "token", "sandbox", "test", "dev", "open", "gateway", "app", "secure",
        "rest", "example",
    ];
    let host = host.split(':').next().unwrap_or_default();
    let is_address = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let mut labels: Vec<&str> = host.split('.').collect();
    if labels.len() > 1 {
        labels.pop();
    }
    if labels.len() > 1
        && labels
            .last()
            .is_some_and(|label| ["co", "com", "org", "net", "gov", "ac"].contains(label))
    {
        labels.pop();
    }
    let own = labels
        .into_iter()
        .rev()
        .find(|label| !GENERAL.contains(&label.to_ascii_lowercase().as_str()));
    let name = snake(own.filter(|_| !is_address).unwrap_or_default()).replace('_', "-");
    let name = if name.is_empty() || host == "localhost" { "my-api".to_owned() } else { name };
    // A recipe with the name of a built-in one would replace it.
    if BUILTINS.iter().any(|(known, _)| *known == name) { format!("my-{name}") } else { name }
}
