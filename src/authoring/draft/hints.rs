//! Hints that a draft gives as TODO: signatures, further calls, a built-in recipe that may fit.

use super::digests::Digest;
use super::inputs::Inputs;
use super::names::snake;
use super::parts::{Body, Request};
use super::write::{Value, key};
use crate::authoring::curl::Other;
use crate::authoring::suggest::Suggestion;
use crate::recipe::builtin::BUILTINS;
use crate::secret::{is_random_step, may_show_host};

/// The computed values, each with a first guess of its expression.
pub fn bindings(inputs: &mut Inputs) -> Vec<(String, String)> {
    let mut bindings = Vec::new();
    for signature in inputs.signatures.clone() {
        let by_method = signature.digest.is_none();
        let digest = signature.digest.or(inputs.method);
        let is = |test: fn(&Digest) -> bool| digest.as_ref().is_some_and(test);
        let is_key = |name: &str| name.contains("secret") || name.contains("private");
        let known = inputs
            .all
            .iter()
            .find(|input| input.secret && is_key(&input.name))
            .map(|input| input.name.clone());
        let key = known.unwrap_or_else(|| {
            inputs.hidden(if is(|digest| digest.rsa) { "private_key" } else { "secret_key" })
        });
        let mut signed: Vec<String> = inputs
            .all
            .iter()
            .filter(|input| input.secret && input.name != key)
            .take(1)
            .map(|input| input.name.clone())
            .collect();
        signed.extend(inputs.time.clone());
        let signed = if signed.is_empty() { "now_s".to_owned() } else { signed.join(" ~ ") };
        let name = signature.name;
        let upper = if is(|digest| digest.upper) { " | upper" } else { "" };
        let coding = if is(|digest| digest.base64) { "base64" } else { "hex" };
        let source = if by_method { "its method" } else { "the length of the sample" };
        let name_of = digest.map_or("", |digest| digest.name);
        let plain =
            format!("{name_of}, going by {source}; the signed text and its order are a guess");
        let (todo, expression) = match name_of {
            _ if is(|digest| digest.rsa) => {
                (plain, format!("({signed}) | rsa_sha256({key}) | base64"))
            }
            "" => (
                "a guess: check the signed text, its order, the digest, and hex or Base64"
                    .to_owned(),
                format!("({signed}) | hmac_sha256({key}) | hex"),
            ),
            // APIs do not use HMAC-MD5; they append the secret to the text.
            "md5" => (plain, format!("({signed} ~ {key}) | md5 | {coding}{upper}")),
            digest => (
                format!(
                    "{plain}, and so is the HMAC: without one, end it in `| {digest} | {coding}`"
                ),
                format!("({signed}) | hmac_{digest}({key}) | {coding}{upper}"),
            ),
        };
        inputs.todo(format!("`{name}` is {todo}"));
        bindings.push((name, expression));
    }
    bindings
}

/// Whether an `Authorization` signs the request: `X-HMAC-… Credential=…, Signature=…`, or the
/// schemes `Signature` and `OAuth` with a `signature`.
pub fn is_request_signature(value: &str) -> bool {
    let (scheme, rest) = value.trim().split_once(' ').unwrap_or_default();
    let rest = rest.to_ascii_lowercase();
    let signs = scheme.to_ascii_uppercase().contains("-HMAC-")
        || ["signature", "oauth"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    signs && rest.contains("signature=")
}

/// The TODO for such a header.
pub fn request_signature() -> String {
    let known = BUILTINS
        .iter()
        .find(|(_, text)| text.contains("-HMAC-SHA256 Credential="))
        .map(|(name, _)| *name);
    let example = known
        .map(|name| format!("; copy one from `credwatch recipes show {name}`"))
        .unwrap_or_default();
    format!(
        "`Authorization` is left out: it is a signature over the request and not a credential; \
         compute it in `let`{example}"
    )
}

/// The built-in recipe for this host whose path is most like this one, and what both share.
pub fn neighbour(host: &str, path: &str) -> Option<(&'static str, &'static str)> {
    let steps = |path: &str| -> Vec<String> {
        let path = path.split('?').next().unwrap_or_default();
        path.split('/').filter(|step| !step.is_empty()).map(str::to_owned).collect()
    };
    let wanted = steps(path);
    let is_own = |step: &String| step.contains("{{");
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || "-.:".contains(c));
    let has_host = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with("documentation") && !line.starts_with('#'))
            .any(|line| line.split(&format!("//{host}")).skip(1).any(ends))
    };
    // How many steps are the same, and whether all are.
    let likeness = |text: &str| {
        let paths = text.split("{{ base_url }}").skip(1).map(|rest| {
            let known = steps(rest.split(['"', '\'', '\n']).next().unwrap_or_default());
            let same = known
                .iter()
                .zip(&wanted)
                .take_while(|(one, other)| one == other || is_own(one) || is_own(other))
                .count();
            (same == wanted.len() && same == known.len(), same)
        });
        paths.max().unwrap_or_default()
    };
    let found: Vec<(&'static str, (bool, usize))> = BUILTINS
        .iter()
        .filter(|(_, text)| has_host(text))
        .map(|(name, text)| (*name, likeness(text)))
        .collect();
    // The first of equal ones.
    let (name, (is_same, steps)) =
        found.iter().rev().max_by_key(|(_, likeness)| *likeness).copied()?;
    // Where several share a host, as in a cloud, the host alone says nothing.
    let tells = is_same || steps > 0 || found.len() == 1;
    tells.then_some((name, if is_same { "host and path" } else { "host with another path" }))
}

/// The TODO for a further command in the text.
pub fn other_command(other: &Other, name: &str, inputs: &Inputs) -> String {
    let url = shown(&other.url, inputs);
    if other.uses_a_token {
        return format!(
            "the text has another command, for {url}, which uses the token and is not in this \
             draft: `verify` of the provider can make such a call"
        );
    }
    format!(
        "the text has another command, for {url}, which is not in this draft: add a call before \
         the token request as `[[recipes.{}.steps]]`; if that command is the token request, draft \
         it alone",
        key(name)
    )
}

/// Scheme, host and path of a URL, without parts that could be secret.
fn shown(url: &str, inputs: &Inputs) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let rest = rest.split_once('/').map_or_else(|| (rest, ""), |(host, path)| (host, path));
    let host = rest.0.rsplit('@').next().unwrap_or_default();
    let hidden =
        |step: &str| is_random_step(step) || inputs.shows_a_secret(step) || step.len() > 60;
    let path = rest.1.split('/').filter(|step| !step.is_empty());
    let steps: Vec<&str> = std::iter::once(if may_show_host(host) { host } else { "…" })
        .chain(path.map(|step| if hidden(step) { "…" } else { step }))
        .collect();
    let scheme = if scheme.eq_ignore_ascii_case("http") { "http" } else { "https" };
    format!("`{scheme}://{}`", steps.join("/"))
}

/// The built-in recipe for a form that is an OAuth 2 grant (RFC 6749, 7523, 8693) with standard
/// fields only and the standard response.
pub fn grant(request: &Request, rules: &[Suggestion]) -> Option<&'static str> {
    const FIELDS: [&str; 17] = [
        "grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type",
        "scope", "audience", "resource", "refresh_token", "username", "password", "assertion",
        "subject_token", "subject_token_type", "actor_token", "actor_token_type",
        "requested_token_type",
    ];
    let (Body::Form(form) | Body::Multipart(form)) = &request.body else { return None };
    let grant = form.iter().find_map(|(name, value)| {
        if let ("grant_type", Value::Text(grant)) = (name.as_str(), value) {
            Some(grant)
        } else {
            None
        }
    })?;
    // The built-in recipes read the answer of RFC 6749.
    let reads = |rule: &str, wanted: &str| {
        rules.iter().filter(|known| known.rule == rule).all(|known| known.line.contains(wanted))
    };
    let fits = reads("token", "\"json.access_token\"")
        && reads("expiry", "value = \"json.expires_in\", unit = \"seconds\"")
        && reads("code", "\"json.error\"")
        && reads("issued", "never");
    let is_plain = fits
        && request.method.is_none()
        && request.query.is_empty()
        && form.iter().all(|(name, _)| FIELDS.contains(&name.as_str()));
    let word = grant.rsplit(':').next().map(snake)?;
    let is_known = matches!(grant.as_str(), "client_credentials" | "refresh_token" | "password")
        || matches!(
            grant.as_str(),
            "urn:ietf:params:oauth:grant-type:jwt-bearer"
                | "urn:ietf:params:oauth:grant-type:token-exchange"
        );
    let name = format!("oauth2-{}", word.replace('_', "-"));
    BUILTINS.iter().map(|(known, _)| *known).find(|known| is_plain && is_known && *known == name)
}
