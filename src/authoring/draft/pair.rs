//! User and password of a sample, for Basic authentication.

use super::encoded::decoded;
use super::field::{Kind, kind};
use super::inputs::Inputs;
use super::values::{self, Part};
use crate::secret::may_stand_beside;

/// Users that stand before a key and are the same for everybody.
const USERS: [&str; 16] = [
    "api", "x", "any", "anystring", "anything", "user", "token", "__token__", "apikey", "key",
    "oauth2accesstoken", "x-token-auth", "x-access-token", "none", "unused", "dummy",
];

/// Passwords that stand behind a key.
const PASSWORDS: [&str; 7] =
    ["x", "api_token", "unused", "none", "dummy", "x-oauth-basic", "ignored"];

impl Inputs {
    /// The expression for Basic authentication: `(client_id ~ ':' ~ client_secret) | base64`.
    pub fn basic(&mut self, written: &str) -> String {
        match decoded(written) {
            Some(text) => self.pair(&text),
            None if written.contains(':') => self.pair(written),
            None if self.is_static() => {
                self.todo("the login of the command has no password: an empty one was taken");
                self.pair(&format!("{written}:"))
            }
            None => {
                let (user, password) = self.pair_names();
                let (user, password) = (
                    self.placeholder(Some(user), None, None),
                    self.placeholder(Some(password), None, None),
                );
                format!("({user} ~ ':' ~ {password}) | base64")
            }
        }
    }

    fn pair_names(&self) -> (&'static str, &'static str) {
        if self.is_oauth { ("client_id", "client_secret") } else { ("username", "password") }
    }

    /// Reads `user:password`, `base64(id:secret)` or `echo -n "$ID:$SECRET" | base64`.
    pub fn pair(&mut self, text: &str) -> String {
        let lower = text.to_ascii_lowercase();
        let wrapped = values::is_notation(text)
            || ["base64", "echo", "printf"].iter().any(|word| lower.contains(word));
        let text = if wrapped { joined(text) } else { text.to_owned() };
        let inner = if wrapped { core(&text) } else { &text };
        let (user, password) = split_pair(inner);
        if self.is_static()
            && let Some(pair) = self.key_pair(user.trim(), password.trim(), wrapped)
        {
            return pair;
        }
        let names = self.pair_names();
        let user = self.half(names.0, user, wrapped);
        if password.trim().is_empty() {
            return format!("({user} ~ ':') | base64");
        }
        let password = self.half(names.1, password, wrapped);
        format!("({user} ~ ':' ~ {password}) | base64")
    }

    /// A pair of which one half is the key, and the other one is empty or the same for everybody.
    fn key_pair(&mut self, user: &str, password: &str, wrapped: bool) -> Option<String> {
        let is_in =
            |known: &[&str], text: &str| known.iter().any(|known| known.eq_ignore_ascii_case(text));
        let quoted = |text: &str| text.replace('\'', "\\'");
        if password.is_empty() || is_in(&PASSWORDS, password) && !is_in(&USERS, user) {
            let key = self.half("api_key", user, wrapped);
            return Some(format!("({key} ~ ':{}') | base64", quoted(password)));
        }
        if user.is_empty() || is_in(&USERS, user) {
            let key = self.half("api_key", password, wrapped);
            return Some(format!("('{}:' ~ {key}) | base64", quoted(user)));
        }
        // `me@acme.example/token:KEY`
        let (name, word) = user.rsplit_once('/').filter(|(_, word)| is_in(&USERS, word))?;
        let name = self.half("username", name, wrapped);
        let key = self.half("api_key", password, wrapped);
        Some(format!("({name} ~ '/{}' ~ ':' ~ {key}) | base64", quoted(word)))
    }

    fn half(&mut self, default: &str, text: &str, wrapped: bool) -> String {
        let text = text.trim().trim_matches(['"', '\'']);
        let mut parts = values::parts(text, true);
        let is_name = |part: &Part| match part {
            Part::Text(text) => may_stand_beside(text),
            Part::Placeholder { .. } => true,
            Part::Command(_) => false,
        };
        // `{email}/token:{api_token}`
        if parts.len() > 1 && parts.iter().all(is_name) {
            let pieces: Vec<String> = parts
                .into_iter()
                .map(|part| match part {
                    Part::Text(text) => format!("'{}'", text.replace('\'', "\\'")),
                    Part::Placeholder { name, variable, .. } => {
                        let field = name.is_none().then_some(default);
                        self.placeholder(field, name, variable)
                    }
                    Part::Command(_) => String::new(),
                })
                .collect();
            return pieces.join(" ~ ");
        }
        if parts.len() == 1
            && let Some(Part::Placeholder { name, variable, .. }) = parts.pop()
        {
            let field = name.is_none().then_some(default);
            return self.placeholder(field, name, variable);
        }
        if text.is_empty() {
            return self.placeholder(Some(default), None, None);
        }
        // `base64(client_id:client_secret)` and `-u client_id:client_secret` name the inputs.
        if let Some(name) = values::clean(text).filter(|name| {
            wrapped && kind(name) == Kind::Credential
                || matches!(
                    name.as_str(),
                    "client_id"
                        | "client_secret"
                        | "username"
                        | "password"
                        | "api_key"
                        | "api_secret"
                )
        }) {
            return self.placeholder(None, Some(name), None);
        }
        self.value(default, text)
    }
}

/// `base64(id:secret)` for `base64(id + ":" + secret)`.
fn joined(text: &str) -> String {
    let Some((before, after)) = text.split_once("\":\"").or_else(|| text.split_once("':'")) else {
        return text.to_owned();
    };
    let is_joint = |c: char| " +.&~,".contains(c);
    format!("{}:{}", before.trim_end_matches(is_joint), after.trim_start_matches(is_joint))
}

/// The text in the brackets or quotes of `base64(…)` or `echo -n "…" | base64`.
fn core(text: &str) -> &str {
    let place = text.find(':').unwrap_or_default();
    let start = text[..place].rfind(['(', '"', '\'', ' ']).map_or(0, |start| start + 1);
    let end = text[place..].find([')', '"', '\'', ' ', '|']).map_or(text.len(), |end| place + end);
    let inner = &text[start..end];
    // The bracket around the whole notation.
    [('<', '>'), ('{', '}'), ('[', ']')]
        .iter()
        .find(|(open, close)| inner.ends_with(*close) && !inner.contains(*open))
        .map_or(inner, |(_, close)| inner.trim_end_matches(*close))
}

/// Splits at the first `:` outside of a placeholder.
fn split_pair(text: &str) -> (&str, &str) {
    values::find_outside_brackets(text, &[':'])
        .map_or((text, ""), |place| (&text[..place], &text[place + 1..]))
}
