//! The first draft of a recipe, from a vendor's sample command and optional sample responses.
//!
//! The draft shows no secret of the sample. It repeats a value only if the name of the field or the
//! form of the value shows that all customers have the same.

mod body;
mod field;
mod hints;
mod inputs;
mod names;
mod pair;
mod parts;
mod request;
mod values;
mod write;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use crate::authoring::curl::Sample;
use crate::authoring::suggest::{self, Suggestion};
use crate::recipe::builtin::BUILTINS;
use inputs::Inputs;
use names::snake;
use parts::{Body, Request};
use write::{Value, key, text};

/// A sample response: its headers, if it shows any, and its body.
pub type Answer = (HeaderMap, Vec<u8>);

/// Reads a sample response: a body, or the output of `curl -i`, which begins with `HTTP/`.
#[must_use]
pub fn answer(sample: &str) -> Answer {
    let mut headers = HeaderMap::new();
    let sample = sample.replace("\r\n", "\n");
    let Some((head, body)) = sample.split_once("\n\n").filter(|_| sample.starts_with("HTTP/"))
    else {
        return (headers, sample.trim().as_bytes().to_vec());
    };
    for line in head.lines().skip(1) {
        if let Some((name, value)) = line.split_once(':')
            && let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name.trim()), HeaderValue::try_from(value.trim()))
        {
            headers.insert(name, value);
        }
    }
    (headers, body.trim().as_bytes().to_vec())
}

/// The draft: a configuration with the recipe and a provider that uses it.
///
/// # Errors
/// A sentence that says what a recipe does not support. It holds no value of the sample.
pub fn draft(
    sample: &Sample,
    name: Option<&str>,
    answers: &[Answer],
    now: Timestamp,
) -> Result<String, String> {
    let mut inputs = Inputs::default();
    let request = request::request(sample, &mut inputs)?;
    for note in &sample.notes {
        inputs.todo(note);
    }
    let bindings = hints::bindings(&mut inputs);
    let host = request.base_example.split("://").nth(1).unwrap_or_default();
    let name = name.map_or_else(|| name_of(&request.named_host), str::to_owned);
    for url in &sample.others {
        inputs.todo(hints::other_command(url, &name, &inputs));
    }
    let rules = if answers.is_empty() {
        guessed(inputs.is_oauth)
    } else {
        suggest::of_samples(answers, now)
    };
    let mut lines = head(&inputs, &request, host);
    lines.push(String::new());
    recipe(&mut lines, &name, &request, &inputs, &bindings);
    response(&mut lines, &name, &rules, answers);
    provider(&mut lines, &name, &request, &inputs);
    Ok(lines.join("\n") + "\n")
}

/// The comments at the top.
fn head(inputs: &Inputs, request: &Request, host: &str) -> Vec<String> {
    let mut lines =
        vec![
        "# A draft from a sample command. It loads as it is. Check or complete each line with \
         TODO.".to_owned(),
        "# Try it:  credwatch probe --recipe THIS-FILE".to_owned(),
        "# TODO: add `documentation`, the address of the vendor's page; compare each line with \
         that page.".to_owned(),
    ];
    if request.base.is_some()
        && let Some((known, _)) =
            BUILTINS.iter().find(|(_, text)| text.contains(&format!("//{host}")))
    {
        lines.push(format!(
            "# TODO: the built-in recipe `{known}` uses the same host: `credwatch \
            recipes show {known}`."
        ));
    }
    lines.extend(hints::grant(request).map(|known| {
        format!(
            "# TODO: the built-in recipe \
        `{known}` may be enough: `credwatch recipes show {known}`."
        )
    }));
    lines.extend(inputs.todo.iter().map(|todo| format!("# TODO: {todo}.")));
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
    lines.push(format!("title = {}", text(&format!("{name} access token"))));
    let mut parameters = vec![(
        "base_url".to_owned(),
        request.base.as_ref().map_or(Value::Table(Vec::new()), |base| {
            Value::Table(vec![("default".into(), Value::Text(base.clone()))])
        }),
    )];
    parameters.extend(
        inputs
            .all
            .iter()
            .filter(|input| !input.secret)
            .map(|input| (input.name.clone(), Value::Table(Vec::new()))),
    );
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
            bindings.iter().map(|(name, expression)| format!("{name} = {}", text(expression))),
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
        Body::Json(json) => json.lines("json", lines),
        Body::Text(body) => lines.push(format!("body = {}", write::block(body))),
    }
    lines.push(String::new());
}

fn as_text(value: &Value) -> String {
    if let Value::Text(text) = value { text.clone() } else { value.inline() }
}

/// The rules for a usual response, when there is no sample.
fn guessed(is_oauth: bool) -> Vec<Suggestion> {
    let rules: [(&'static str, &str); 4] = if is_oauth {
        [
            ("token", "\"json.access_token\""),
            ("expiry", "[{ value = \"json.expires_in\", unit = \"seconds\" }]"),
            ("code", "\"json.error\""),
            ("message", "\"json.error_description\""),
        ]
    } else {
        [
            ("token", "[\"json.access_token\", \"json.token\"]"),
            ("expiry", "[{ value = \"json.expires_in\", unit = \"seconds\" }]"),
            ("code", "[\"json.error.code\", \"json.code\", \"json.error\"]"),
            ("message", "[\"json.error.message\", \"json.message\"]"),
        ]
    };
    let why = |rule: &str| match rule {
        "token" => {
            "TODO: a guess, because there is no sample response (--answer FILE): where is the \
             token?"
        }
        "expiry" => {
            "TODO: a guess: where is the expiry, and in which unit? Remove it if tokens do not \
             expire"
        }
        "code" => "TODO: a guess: where is the error code of a refusal?",
        _ => "",
    };
    rules
        .into_iter()
        .map(|(rule, value)| Suggestion {
            rule,
            line: format!("{rule} = {value}"),
            why: why(rule).into(),
            todo: Vec::new(),
        })
        .collect()
}

fn response(lines: &mut Vec<String>, name: &str, rules: &[Suggestion], answers: &[Answer]) {
    lines.push(format!("[recipes.{}.response]", key(name)));
    let has = |rule: &str| rules.iter().any(|known| known.rule == rule);
    if !has("token") {
        lines.push("# TODO: nothing in the sample looks like a token: where is it?".into());
        lines.push("token = \"json.access_token\"".into());
    }
    for rule in rules {
        if !rule.why.is_empty() && !matches!(rule.rule, "code" | "message" | "format")
            || rule.why.starts_with("TODO")
        {
            lines.push(format!("# {}.", sentence(&rule.why)));
        }
        lines.extend(rule.todo.iter().map(|todo| format!("# TODO: {todo}.")));
        lines.push(rule.line.clone());
    }
    if !answers.is_empty() && !has("expiry") {
        lines.push(
            "# TODO: the sample has no expiry. If the documentation says, for example, \
            “valid for an hour”:"
                .into(),
        );
        lines.push("# expiry = [{ value = \"3600\", unit = \"seconds\" }]".into());
    }
    if !(answers.is_empty() || has("code") && has("message")) {
        lines.push(
            "# TODO: the samples do not show a whole refusal: give one as a second \
            --answer, or check this in the documentation."
                .into(),
        );
        if !has("code") {
            lines.push("code = [\"json.error.code\", \"json.code\", \"json.error\"]".into());
        }
        if !has("message") {
            lines.push(
                "message = [\"json.error.message\", \"json.error_description\", \"json.message\"]"
                    .into(),
            );
        }
    }
    lines.push(String::new());
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

fn provider(lines: &mut Vec<String>, name: &str, request: &Request, inputs: &Inputs) {
    lines.push(format!("[providers.{}]", key(name)));
    lines.push(format!("recipe = {}", text(name)));
    if request.base.is_none() {
        lines.push(format!("parameters.base_url = {}  # TODO: yours", text(&request.base_example)));
    }
    for input in inputs.all.iter().filter(|input| !input.secret) {
        lines.push(format!("parameters.{} = \"change-me\"  # TODO: yours", input.name));
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
