//! Signed assertions of a sample (RFC 7523), which a draft makes anew for each request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json};

use super::defaults;
use super::inputs::{Assertion, Inputs};
use super::names::{escaped, snake, usable};
use super::values::{self, Part};
use crate::secret::{is_field_name, is_small_number};

/// The algorithms of the filter `jwt`.
const ALGORITHMS: [&str; 8] =
    ["ES256", "ES384", "HS256", "HS384", "HS512", "PS256", "RS256", "RS512"];

/// The longest time between `iat` and `exp` of an assertion, in seconds. A token that lives longer
/// is a credential.
const LONGEST: i64 = 86_400;

/// The lifetime of an assertion where the sample shows none, in seconds.
const LIFETIME: i64 = 300;

/// Header and claims of a JSON Web Token; `None` for other texts and for a shortened one.
fn decoded(text: &str) -> Option<(Map<String, Json>, Map<String, Json>)> {
    let mut parts = text.trim().split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&bytes).ok()
    });
    Some((parts.next()??, parts.next()??))
}

/// The seconds that the claims are valid; `None` when they do not say when they end.
fn lifetime(claims: &Map<String, Json>) -> Option<i64> {
    let time = |name: &str| claims.get(name).and_then(Json::as_i64);
    let end = time("exp")?;
    Some(time("iat").or_else(|| time("nbf")).map_or(LIFETIME, |start| end - start))
}

/// An expression for a template: `base_url ~ '/token'` for `{{ base_url }}/token`.
fn expression(template: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, (inner, after))) = rest
        .split_once("{{ ")
        .and_then(|(before, behind)| Some((before, behind.split_once(" }}")?)))
    {
        pieces.extend((!before.is_empty()).then(|| quoted(before)));
        pieces.push(if inner.contains(' ') { format!("({inner})") } else { inner.to_owned() });
        rest = after;
    }
    pieces.extend((!rest.is_empty() || pieces.is_empty()).then(|| quoted(rest)));
    pieces.join(" ~ ")
}

/// The claims in lines of about a hundred characters.
fn lines(claims: &[String]) -> String {
    let (mut out, mut length) = (String::new(), 0);
    for claim in claims {
        if !out.is_empty() {
            let fits = length + claim.len() < 100;
            out.push_str(if fits { ", " } else { ",\n " });
            length = if fits { length } else { 0 };
        }
        out.push_str(claim);
        length += claim.len() + 2;
    }
    out
}

impl Inputs {
    /// The name of the computed value for a field with a signed assertion; `None` for other fields.
    pub fn assertion(&mut self, field: &str, value: &str) -> Option<String> {
        let name = snake(field);
        let is_one = name == "client_assertion" && !self.grant.contains("saml")
            || name == "assertion"
                && self.grant.contains("grant-type:jwt-bearer")
                && !self.grant.contains("on_behalf_of");
        is_one.then(|| self.made(&name, value, name == "assertion"))
    }

    /// As [`Self::assertion`], for the text behind `Bearer`. A token that lives long or is
    /// shortened stays a credential.
    pub fn bearer_assertion(&mut self, value: &str) -> Option<String> {
        let is_named = |part: &Part| match part {
            Part::Placeholder { name: Some(name), .. } => {
                name.split('_').any(|word| matches!(word, "jwt" | "assertion"))
            }
            _ => false,
        };
        let is_one = match decoded(value) {
            Some((_, claims)) => lifetime(&claims).is_some_and(|seconds| seconds <= LONGEST),
            None => matches!(values::parts(value, true).as_slice(), [part] if is_named(part)),
        };
        is_one.then(|| self.made("assertion", value, false))
    }

    fn made(&mut self, wanted: &str, value: &str, is_grant: bool) -> String {
        let mut name = usable(wanted);
        while self.all.iter().any(|input| input.name == name) {
            name.push_str("_value");
        }
        if !self.assertions.iter().any(|known| known.name == name) {
            let (header, claims) = decoded(value).unwrap_or_default();
            self.assertions.push(Assertion { name: name.clone(), is_grant, header, claims });
        }
        name
    }

    /// The expressions that make the assertions. `url` is the template of the request's URL, and
    /// `sample` that URL as the sample has it.
    pub fn assertion_bindings(&mut self, url: &str, sample: &str) -> Vec<(String, String)> {
        let made = std::mem::take(&mut self.assertions);
        made.iter().map(|one| (one.name.clone(), self.signed(one, url, sample))).collect()
    }

    fn signed(&mut self, one: &Assertion, url: &str, sample: &str) -> String {
        let text = |name: &str| one.claims.get(name).and_then(Json::as_str);
        let issuer = self.issuer(&one.name, text("iss"));
        let claims: Vec<String> = if one.claims.is_empty() {
            let subject = if one.is_grant { self.hidden("subject") } else { issuer.clone() };
            vec![
                format!("'iss': {issuer}"),
                format!("'sub': {subject}"),
                format!("'aud': {}", expression(url)),
                "'iat': now_s".into(),
                format!("'exp': now_s + {LIFETIME}"),
                "'jti': uuid".into(),
            ]
        } else {
            let end = lifetime(&one.claims).filter(|seconds| (1..=LONGEST).contains(seconds));
            let shown = |(name, value): (&String, &Json)| {
                let expression = match (name.as_str(), value) {
                    ("iss", Json::String(_)) => issuer.clone(),
                    ("sub", Json::String(own)) if Some(own.as_str()) == text("iss") => {
                        issuer.clone()
                    }
                    ("sub", Json::String(own)) => self.value("subject", own),
                    ("aud", Json::String(own)) if is_same_url(own, sample) => expression(url),
                    ("aud", Json::String(own)) => self.open("assertion_audience", own),
                    ("iat" | "nbf", _) => "now_s".into(),
                    ("exp", _) => format!("now_s + {}", end.unwrap_or(LIFETIME)),
                    ("jti", _) => "uuid".into(),
                    _ => self.claim(name, value)?,
                };
                Some(format!("'{name}': {expression}"))
            };
            one.claims.iter().filter_map(shown).collect()
        };
        let wanted = one.header.get("alg").and_then(Json::as_str).unwrap_or("RS256");
        let known = ALGORITHMS.iter().find(|known| **known == wanted);
        let algorithm = known.copied().unwrap_or("RS256");
        let key = self.named_or_hidden(if algorithm.starts_with("HS") {
            "client_secret"
        } else {
            "private_key"
        });
        let header = if one.header.contains_key("kid") {
            format!(", header={{'kid': {}}}", self.named_or_hidden("key_id"))
        } else {
            String::new()
        };
        self.todo(format!(
            "`{}` is a signed assertion, which expires soon, so the filter `jwt` makes one for \
             each request: check its claims, its lifetime, `alg` and `kid`{}",
            one.name,
            if known.is_none() { "; `jwt` does not know the algorithm of the sample" } else { "" }
        ));
        format!("{{{}}}\n | jwt({key}, alg='{algorithm}'{header})", lines(&claims))
    }

    /// The input for the issuer, which is often the client.
    fn issuer(&mut self, assertion: &str, value: Option<&str>) -> String {
        let client = self.all.iter().find(|input| {
            input.name == "client_id"
                && (value.is_none() || input.value.is_none() || input.value.as_deref() == value)
        });
        match (client, value) {
            (Some(client), _) => client.name.clone(),
            (None, Some(value)) => self.value("issuer", value),
            (None, None) if assertion == "client_assertion" => self.hidden("client_id"),
            (None, None) => self.hidden("issuer"),
        }
    }

    fn named_or_hidden(&mut self, name: &str) -> String {
        let is_known = self.all.iter().any(|input| input.secret && input.name == name);
        if is_known { name.to_owned() } else { self.hidden(name) }
    }

    /// The expression for a claim of the API's own; `None` when the draft cannot show it.
    fn claim(&mut self, name: &str, value: &Json) -> Option<String> {
        let is_plain = is_field_name(name) && !name.contains(['\'', '\\']);
        let shown = match value {
            _ if !is_plain => None,
            Json::String(text) => {
                let shown = self.text(name, true, text, true);
                Some(if defaults::is_chosen(name) && defaults::is_plain(&shown) {
                    self.with_default(&snake(name), &shown)
                } else {
                    expression(&shown)
                })
            }
            Json::Bool(truth) => Some(truth.to_string()),
            Json::Number(number) => {
                Some(number.to_string()).filter(|digits| is_small_number(name, digits))
            }
            _ => None,
        };
        if shown.is_none() {
            let name = if is_plain { name } else { "…" };
            self.todo(format!(
                "the claim `{name}` of the assertion is left out: the draft cannot show its value"
            ));
        }
        shown
    }
}

/// Whether an audience is the URL of the request, perhaps with another end.
fn is_same_url(audience: &str, sample: &str) -> bool {
    let plain = |url: &str| escaped(url.split(['?', '#']).next().unwrap_or_default());
    plain(audience).trim_end_matches('/') == plain(sample).trim_end_matches('/')
}
