//! From the body of a sample command to the body of a recipe's request.

use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use super::field::{Kind, is_count, is_expiry, kind};
use super::inputs::Inputs;
use super::logins::{self, logins};
use super::names::{escaped, snake};
use super::parts::{Body, Request};
use super::relaxed;
use super::times::is_epoch;
use super::values::{self, Part};
use super::write::Value;
use crate::authoring::curl::{Piece, Sample};
use crate::secret::{is_api_name, is_field_name, is_harmless, is_small_number};

/// The body that curl would send.
pub fn data(sample: &Sample) -> String {
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

/// Adds the fields of a form or query.
pub fn pairs(text: &str, pairs: &mut Vec<(String, Value)>, inputs: &mut Inputs) {
    let decoded =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let fields: Vec<(String, String, bool)> = text
        .split('&')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| (pair.split_once('=').unwrap_or((pair, "")), pair.contains('=')))
        .map(|((name, value), has_sign)| {
            (decoded(name.trim()), decoded(value.trim_end_matches('\n')), has_sign)
        })
        .collect();
    let beside: Vec<(&str, &str)> =
        fields.iter().map(|(name, value, _)| (name.as_str(), value.as_str())).collect();
    let logins = logins(&beside);
    for (name, value, has_sign) in &fields {
        if pairs.iter().any(|(known, _)| known == name) {
            inputs.todo("a field occurs several times: a recipe can have each name only once");
            continue;
        }
        // A placeholder, or a secret without a name, cannot be a key.
        // `$top` and `$select` are options of OData.
        let is_option = name.strip_prefix('$').is_some_and(|rest| {
            ["top", "select", "filter", "expand", "orderby", "skip", "count", "search", "format"]
                .contains(&rest)
        });
        let plain = is_option
            || matches!(values::parts(name, true).as_slice(), [Part::Text(_)])
                && is_field_name(name);
        let bare = value.is_empty() && !has_sign && !is_harmless(name);
        if !plain || bare {
            inputs.todo(
                "a field of the command is left out: its name is a placeholder or looks \
                like a value",
            );
            continue;
        }
        let value = inputs.member(name, value, logins.contains(&name.as_str()));
        pairs.push((name.clone(), Value::Text(value)));
    }
}

/// Adds the body to the request.
///
/// # Errors
/// A sentence that says what a recipe does not support.
pub fn body(
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
        if let Some(json) = relaxed::json(data) {
            request.body = Body::Json(json_value("", &json, inputs)?);
            if let Some(kind) = content_type
                .filter(|kind| kind.split(';').next().map(str::trim) != Some("application/json"))
            {
                request.headers.push(("Content-Type".into(), Value::Text(escaped(kind))));
            }
            return Ok(());
        }
        return Err("the body of the command is not JSON: is a quote or bracket missing?".into());
    }
    if sample.is_multipart
        || content_type.is_none_or(|kind| kind.contains("urlencoded"))
            && data.contains('=')
            && !start.starts_with('<')
    {
        let mut form = Vec::new();
        pairs(data, &mut form, inputs);
        request.body = if sample.is_multipart { Body::Multipart(form) } else { Body::Form(form) };
        return Ok(());
    }
    let kind = content_type.unwrap_or("application/x-www-form-urlencoded");
    request.headers.push(("Content-Type".into(), Value::Text(escaped(kind))));
    request.body = Body::Text(if start.starts_with('<') {
        if !closes_each_tag(data) {
            inputs.todo("a tag of the XML body has no end: is it a placeholder such as `<name>`?");
        }
        let known = inputs.all.len();
        xml(data, inputs).unwrap_or_else(|| {
            // The whole body stands for the inputs of its parts.
            inputs.all.truncate(known);
            inputs.todo("the whole body is a credential: it has comments or texts of unknown form");
            format!("{{{{ {} }}}}", inputs.value("body", data))
        })
    } else {
        inputs.text("body", true, data, true)
    });
    Ok(())
}

fn json_value(field: &str, json: &Json, inputs: &mut Inputs) -> Result<Value, String> {
    Ok(match json {
        Json::Null => {
            return Err(
                "the body has a `null`, which TOML does not support: remove that member from the \
                 command"
                    .into(),
            );
        }
        Json::Bool(truth) => Value::Plain(truth.to_string()),
        Json::Number(number) => json_number(field, number, inputs),
        Json::String(text) => {
            let mut shown = inputs.text(field, true, text, true);
            // A lone expression keeps the type of its value, but the sample has a string.
            if let Some(sum) = shown.strip_prefix("{{ ").and_then(|rest| rest.strip_suffix(" }}"))
                && is_sum(sum)
            {
                shown = match sum {
                    "now_s" | "now_ms" => format!("{{{{ {sum} ~ '' }}}}"),
                    _ => format!("{{{{ ({sum}) ~ '' }}}}"),
                };
            }
            Value::Text(shown)
        }
        Json::Array(items) => Value::Array(
            items.iter().map(|item| json_value(field, item, inputs)).collect::<Result<_, _>>()?,
        ),
        Json::Object(members) => {
            let mut table = Vec::new();
            let numbers: Vec<String> = members.values().map(Json::to_string).collect();
            let fields: Vec<(&str, &str)> = members
                .iter()
                .zip(&numbers)
                .filter(|((_, value), _)| value.is_string() || value.is_number())
                .map(|((name, value), number)| (name.as_str(), value.as_str().unwrap_or(number)))
                .collect();
            let logins = logins(&fields);
            for (name, value) in members {
                if value.is_null() {
                    inputs.todo("a member that is `null` is left out: TOML has no `null`");
                } else if !is_field_name(name) {
                    inputs.todo("a member is left out: its name looks random");
                } else if name == "id" && members.contains_key("jsonrpc") && is_call_number(value) {
                    table.push((
                        name.clone(),
                        value.as_str().map_or_else(
                            || Value::Plain(value.to_string()),
                            |text| Value::Text(text.to_owned()),
                        ),
                    ));
                } else {
                    let known = inputs.own_words;
                    inputs.own_words |= name == "variables" && members.contains_key("query");
                    inputs.is_login = logins.contains(&name.as_str());
                    let value = json_value(&named(field, name), value, inputs);
                    inputs.own_words = known;
                    inputs.is_login = false;
                    table.push((name.clone(), value?));
                }
            }
            Value::Table(table)
        }
    })
}

/// Whether an expression is the time, perhaps with a number added or multiplied.
fn is_sum(expression: &str) -> bool {
    expression.starts_with("now_")
        && expression.chars().all(|c| c.is_ascii_alphanumeric() || "_ +*".contains(c))
        && expression != "now_iso"
}

/// The name that says what a member is. `name` in `user` is the name of the user.
fn named(object: &str, member: &str) -> String {
    const GENERAL: [&str; 7] = ["id", "name", "value", "code", "key", "type", "email"];
    const ENVELOPES: [&str; 16] = [
        "", "auth", "params", "data", "credentials", "credential", "identity", "request", "body",
        "payload", "attributes", "input", "args", "login", "json", "spec",
    ];
    let is_general = GENERAL.contains(&member.to_ascii_lowercase().as_str());
    if is_general && !ENVELOPES.contains(&object.to_ascii_lowercase().as_str()) {
        format!("{object}_{member}")
    } else {
        member.to_owned()
    }
}

/// Whether this is the `id` of a JSON-RPC call.
fn is_call_number(value: &Json) -> bool {
    value.as_u64().is_some_and(|number| number < 1_000)
        || value
            .as_str()
            .is_some_and(|text| text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn json_number(field: &str, number: &serde_json::Number, inputs: &mut Inputs) -> Value {
    let digits = number.to_string();
    if is_epoch(&digits) && is_expiry(field) {
        return Value::Text(inputs.text(field, true, &digits, true));
    }
    match kind(field) {
        _ if is_count(field, &digits) => Value::Plain(digits),
        Kind::Time | Kind::End if matches!(digits.len(), 16 | 19) && digits.starts_with('1') => {
            Value::Text(inputs.text(field, true, &digits, true))
        }
        Kind::Time | Kind::End | Kind::Unknown if is_epoch(&digits) && !inputs.is_login => {
            Value::Text(inputs.text(field, true, &digits, true))
        }
        Kind::Constant if digits.len() <= 8 => Value::Plain(digits),
        // Beside secrets, `id` is often the number of the call.
        _ if is_small_number(field, &digits) && (!inputs.is_login || field == "id") => {
            Value::Plain(digits)
        }
        Kind::Credential | Kind::Signature | Kind::Once => {
            Value::Text(inputs.text(field, true, &digits, true).replace(" }}", " | int }}"))
        }
        Kind::Own | Kind::Parameter => {
            let name = inputs.open(&snake(field), &digits);
            for input in inputs.all.iter_mut().filter(|input| input.name == name) {
                input.is_number = true;
            }
            Value::Text(format!("{{{{ {name} | int }}}}"))
        }
        _ if digits.len() > 4 || inputs.is_login => {
            Value::Text(format!("{{{{ {} | int }}}}", inputs.hidden(&snake(field))))
        }
        _ => Value::Plain(digits),
    }
}

/// XML with expressions instead of texts and attributes. `None` when other parts of it than these
/// can be secrets: names, comments, sections of characters.
fn xml(text: &str, inputs: &mut Inputs) -> Option<String> {
    let (mut out, mut rest, mut tag) = (String::new(), text, String::new());
    let logins = logins::of_xml(text);
    let put = |field: &str, value: &str, inputs: &mut Inputs| {
        let field = field.rsplit(':').next().unwrap_or_default();
        inputs.is_login = logins.contains(&field);
        let text = inputs.text(field, true, value, false);
        inputs.is_login = false;
        text.replace(" }}", " | xml_escape }}")
    };
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('<') {
            let end = inner.find('>').map_or(rest.len(), |end| end + 2);
            let whole = &rest[..end];
            tag =
                inner.chars().take_while(|c| c.is_alphanumeric() || ":_-.".contains(*c)).collect();
            let plain = whole.starts_with("<?");
            // Every second piece is the value of an attribute.
            let mut name = "";
            for (index, piece) in whole.split('"').enumerate() {
                let is_name_space = name.starts_with("xmlns") || name.contains("schema");
                if index % 2 == 1 {
                    out.push('"');
                    out.push_str(&if (plain || is_name_space) && is_uri(piece) {
                        escaped(piece)
                    } else {
                        put(name, piece, inputs)
                    });
                    out.push('"');
                } else {
                    name = piece.trim_end_matches('=').rsplit(' ').next().unwrap_or_default();
                    let names = |sign: char| "<>/?=: \t\r\n".contains(sign);
                    if !piece.split(names).all(|name| name.is_empty() || is_api_name(name)) {
                        return None;
                    }
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
    Some(out)
}

/// Whether as many tags of XML begin as end.
fn closes_each_tag(text: &str) -> bool {
    let tags = text.split('<').skip(1).filter_map(|rest| rest.split('>').next());
    let count = |tag: &str| match tag.chars().next() {
        Some('/') => -1,
        Some('?' | '!') => 0,
        _ => i64::from(!tag.ends_with('/')),
    };
    tags.map(count).sum::<i64>() == 0
}

/// Whether this is a version, an encoding or the URI of a name space, without random parts.
fn is_uri(text: &str) -> bool {
    text.len() <= 200
        && text.split(['/', ':', '.', '#', '-']).all(|part| {
            is_api_name(part) || part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit())
        })
}
