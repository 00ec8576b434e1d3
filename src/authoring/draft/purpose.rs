//! Decides whether a sample command requests a token or presents a key.

use percent_encoding::percent_decode_str;

use super::values::{self, Part};
use crate::authoring::curl::{Piece, Sample};
use crate::authoring::suggest::{Evidence, words};
use crate::recipe::definition::CredentialKind;
use crate::secret::{is_random_step, looks_random, may_be_constant, names_a_secret};

/// Last steps of a path at which a login or an exchange issues a token.
const ISSUERS: [&str; 12] = [
    "auth", "oauth", "oauth2", "authorize", "authorization", "session", "sessions", "connect",
    "ticket", "tickets", "tokens", "jwt",
];

/// How the names of calls begin that only ask about a token.
const QUESTIONS: [&str; 9] =
    ["check", "verify", "validate", "introspect", "debug", "test", "inspect", "lookup", "revoke"];

/// Headers that never present a key.
const OPEN: [&str; 6] =
    ["accept", "accept-language", "content-type", "user-agent", "origin", "referer"];

/// The kind of the recipe, and what its author must check.
pub struct Purpose {
    pub kind: CredentialKind,
    pub todo: Vec<String>,
}

/// What a sample command is for: by the author's word, by the sample answers, or by its form.
pub fn purpose(sample: &Sample, seen: &Evidence, wanted: Option<CredentialKind>) -> Purpose {
    let kind = wanted.unwrap_or_else(|| {
        if presents_a_key(sample) { likely(sample, seen) } else { CredentialKind::Issued }
    });
    let mut todo = Vec::new();
    match (kind, seen) {
        (CredentialKind::Static, _) if !sample.is_read() => todo.push(format!(
            "is this {} only a read? A probe repeats it at each interval, so it must change \
             nothing and cost nothing",
            if sample.method() == "POST" { "POST" } else { "call" }
        )),
        (CredentialKind::Issued, Evidence::Nothing) if wanted.is_none() => {
            let is_doubtful = presents_a_key(sample)
                && !has_grant(sample)
                && (sample.is_read()
                    || sample.headers.iter().any(|(name, value)| is_key_header(name, value)));
            if is_doubtful {
                todo.push(
                    "if the answer has no token, because this call only presents a key, draft it \
                     with `--kind static`"
                        .into(),
                );
            }
        }
        _ => {}
    }
    if let (CredentialKind::Static, Evidence::Token(path)) = (kind, seen) {
        todo.push(format!(
            "`{path}` of the sample may be a token that this call issues: if so, draft it with \
             `--kind issued`"
        ));
    }
    Purpose { kind, todo }
}

/// The kind of a command that presents a key.
fn likely(sample: &Sample, seen: &Evidence) -> CredentialKind {
    let is_static = !has_grant(sample)
        && match seen {
            Evidence::Token(_) => false,
            Evidence::NoToken => {
                let has_key = sample.user.is_some()
                    || sample.headers.iter().any(|(name, value)| is_key_header(name, value));
                sample.is_read() || has_key && !names_an_issuer(sample)
            }
            Evidence::Nothing => {
                if sample.is_read() {
                    !names_an_issuer(sample)
                } else {
                    is_graph_query(sample)
                }
            }
        };
    if is_static { CredentialKind::Static } else { CredentialKind::Issued }
}

fn has_grant(sample: &Sample) -> bool {
    sample.url.contains("grant_type") || sample.texts().any(|text| text.contains("grant_type"))
}

/// Whether a query of GraphQL reads, with a key in a header.
fn is_graph_query(sample: &Sample) -> bool {
    let data: String = sample.texts().collect();
    let has_query = data.contains("\"query\"") && !data.contains("mutation");
    has_query && sample.headers.iter().any(|(name, value)| is_key_header(name, value))
}

/// Whether the last step of the path names a place that issues tokens.
fn names_an_issuer(sample: &Sample) -> bool {
    let last = sample.path().rsplit('/').find(|step| !step.is_empty()).unwrap_or_default();
    let name = words(last.split('.').next().unwrap_or_default()).concat();
    let asks = QUESTIONS.iter().any(|question| name.starts_with(question));
    let has_key_header = sample.headers.iter().any(|(name, value)| is_key_header(name, value));
    let logs_in =
        ["login", "logon", "signin", "authenticate"].iter().any(|word| name.contains(word));
    let creates = ["gettoken", "generatetoken", "createtoken"].contains(&name.as_str());
    creates
        || logs_in && !has_key_header
        || name.ends_with("token") && !asks
        || ISSUERS.contains(&name.as_str()) && !has_key_header
}

fn is_key_header(name: &str, value: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if OPEN.contains(&lower.as_str()) || values::is_constant_header(name, value) {
        return false;
    }
    let has_placeholder =
        || values::parts(value, true).iter().any(|part| matches!(part, Part::Placeholder { .. }));
    let is_basic = value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "));
    lower == "authorization" && !is_basic
        || names_a_secret(name)
        || lower.contains("auth") && !is_basic
        || has_placeholder()
        || !may_be_constant(value)
}

/// Whether the command shows who calls: a login, a key in a header, in the query or in the path.
fn presents_a_key(sample: &Sample) -> bool {
    let names_one = |part: &Part| match part {
        Part::Placeholder { name, .. } => name.as_deref().is_some_and(names_a_secret),
        Part::Text(text) => looks_random(text) || text.len() >= 16 && is_random_step(text),
        Part::Command(_) => false,
    };
    let is_key = |text: &str| values::parts(text, true).iter().any(names_one);
    let query = sample.url.split_once('?').map_or("", |(_, query)| query);
    let has_user = sample.url.split('/').nth(2).is_some_and(|host| host.contains('@'));
    let in_query = query.split('&').any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        names_a_secret(name) || is_key(&percent_decode_str(value).decode_utf8_lossy())
    });
    let has_basic = |(name, _): &(String, String)| name.eq_ignore_ascii_case("authorization");
    sample.user.is_some()
        || has_user
        || in_query
        || sample.headers.iter().any(has_basic)
        || sample.headers.iter().any(|(name, value)| is_key_header(name, value))
        || sample.path().split('/').skip(3).any(is_key)
        || sample.data.iter().any(|piece| match piece {
            Piece::Raw(text) | Piece::Plain(text, _) => names_a_secret(text),
        })
}

/// The texts of a command in which an answer can repeat the key.
pub fn shown(sample: &Sample) -> String {
    let headers = sample.headers.iter().map(|(_, value)| value.as_str());
    let user = sample.user.as_deref();
    let all = [sample.url.as_str()].into_iter().chain(headers).chain(user).chain(sample.texts());
    all.collect::<Vec<_>>().join("\n")
}
