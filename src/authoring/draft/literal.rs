//! Values of a sample that stay, that are computed for each request, or that become inputs.

use super::digests;
use super::field::{Kind, is_count, is_expiry};
use super::inputs::{Inputs, SHORTEST_TO_FIND, Signature};
use super::names::{escaped, snake, usable};
use super::times;
use crate::secret::{is_harmless, is_small_number, may_be_constant, names_a_secret};

/// Whether a text is a word of JSON or a truth value, and so neither secret nor a customer's own.
fn is_word_of_json(text: &str) -> bool {
    ["true", "false", "null", "none", "undefined"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether a text is a duration of ISO 8601, such as `PT1H`.
fn is_duration(text: &str) -> bool {
    text.len() <= 16
        && text.len() >= 3
        && text.starts_with('P')
        && text.ends_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_digit() || "PYMWDTHS".contains(c))
        && text.chars().any(|c| c.is_ascii_digit())
}

impl Inputs {
    /// The expression for a field whose value differs in each request.
    pub fn computed(&mut self, field: &str, kind: Kind) -> Option<String> {
        match kind {
            Kind::Time => Some(self.now("now_s", field)),
            Kind::End => Some(self.end(field)),
            Kind::Once => Some("uuid".into()),
            Kind::Signature => Some(self.signature(field, "")),
            _ => None,
        }
    }

    /// A time after the request, in seconds.
    fn end(&mut self, field: &str) -> String {
        self.todo(format!(
            "`{}` is five minutes after the request: how long does the documentation want?",
            snake(field)
        ));
        "now_s + 300".into()
    }

    pub fn now(&mut self, form: &str, field: &str) -> String {
        self.time = Some(if form.contains('|') { format!("({form})") } else { form.to_owned() });
        self.todo(format!(
            "does `{field}` need `{form}`? `now_s` is the time in seconds since \
            1970, `now_ms` in milliseconds, `now_iso` as a date"
        ));
        form.into()
    }

    pub fn signature(&mut self, field: &str, sample: &str) -> String {
        let mut name = usable(&snake(field));
        // A part of the same text can be an input with this name already.
        while self.all.iter().any(|input| input.name == name) {
            name.push_str("_value");
        }
        if !self.signatures.iter().any(|known| known.name == name) {
            self.signatures
                .push(Signature { name: name.clone(), digest: digests::of_sample(sample) });
        }
        name
    }

    pub fn literal(&mut self, field: &str, kind: Kind, text: &str) -> String {
        let plain = text.trim();
        if kind == Kind::Constant {
            self.method = self.method.or_else(|| digests::of_method(field, plain));
        }
        let is_time =
            times::is_epoch(plain) || times::day(plain).is_some() || times::dated(plain).is_some();
        match kind {
            _ if plain.is_empty() => escaped(text),
            _ if is_word_of_json(plain) => escaped(text),
            _ if is_time && is_expiry(field) => self.end_like(field, plain),
            _ if is_count(field, plain) || is_duration(plain) => text.to_owned(),
            Kind::Constant if digests::is_method(plain) => text.to_owned(),
            Kind::Constant | Kind::Parameter if may_be_constant(text) => {
                if kind == Kind::Parameter {
                    self.ask_about_day(field, plain);
                }
                self.known(text)
            }
            Kind::Own if matches!(plain, "default" | "common" | "master" | "public") => {
                escaped(text)
            }
            Kind::Constant | Kind::Parameter | Kind::Own => {
                format!("{{{{ {} }}}}", self.open(&snake(field), text))
            }
            Kind::Time => {
                let form = times::expression(plain).unwrap_or_else(|| "now_s".into());
                format!("{{{{ {} }}}}", self.now(&form, field))
            }
            Kind::End if may_be_constant(text) => escaped(text),
            Kind::End => self.end_like(field, plain),
            Kind::Once => format!("{{{{ {} }}}}", self.once(field, plain)),
            Kind::Signature => {
                let (prefix, sample) = digests::prefixed(text);
                format!("{prefix}{{{{ {} }}}}", self.signature(field, sample))
            }
            Kind::Credential if is_small_number(field, text) && !self.is_login => text.to_owned(),
            Kind::Unknown
                if !self.is_login && (times::is_epoch(plain) || times::dated(plain).is_some()) =>
            {
                let form = times::expression(plain).unwrap_or_else(|| "now_s".into());
                format!("{{{{ {} }}}}", self.now(&form, field))
            }
            Kind::Unknown
                if is_harmless(text)
                    && snake(field) != snake(text)
                    && !(self.own_words || self.is_login) =>
            {
                self.ask_about_day(field, plain);
                self.known(text)
            }
            Kind::Credential | Kind::Unknown => {
                let is_structured = plain.contains(['{', '<', '"', '\n'])
                    || kind == Kind::Unknown && plain.contains([' ', '(', ',', ';']);
                if is_structured && !names_a_secret(field) {
                    self.ask_about_whole(field);
                }
                format!("{{{{ {} }}}}", self.value(&snake(field), text))
            }
        }
    }

    /// Asks about a day that stays as the sample has it.
    fn ask_about_day(&mut self, field: &str, text: &str) {
        if times::day(text).is_some() {
            self.todo(format!(
                "`{}` is a date and stays as it is: compute it if the request needs a later one \
                 each day",
                snake(field)
            ));
        }
    }

    /// The expression for a value that is used once, in the form of the sample.
    fn once(&mut self, field: &str, sample: &str) -> String {
        if times::is_epoch(sample) {
            let form = times::expression(sample).unwrap_or_else(|| "now_ms".into());
            return self.now(&form, field);
        }
        let is_hex = sample.len() == 32 && sample.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex { "uuid | replace('-', '')".into() } else { "uuid".into() }
    }

    /// The text for a time after the request, in the form of the sample.
    fn end_like(&mut self, field: &str, sample: &str) -> String {
        if let Some(form) = times::day(sample) {
            self.todo(format!(
                "`{}` is one day after the request: how long does the documentation want?",
                snake(field)
            ));
            return format!("{{{{ (now_s + 86400) | strftime('{form}') }}}}");
        }
        let end = self.end(field);
        let form = times::expression(sample).unwrap_or_default();
        let expression = match form.as_str() {
            "now_ms" => "now_ms + 300000".to_owned(),
            "now_ms * 1000" => "(now_ms + 300000) * 1000".to_owned(),
            "now_ms * 1000000" => "(now_ms + 300000) * 1000000".to_owned(),
            "now_iso" => format!("({end}) | strftime('%Y-%m-%dT%H:%M:%SZ')"),
            form if form.starts_with("(now_s ") => form.replacen("now_s", &end, 1),
            form => match form.strip_prefix("now_s | ") {
                Some(filter) => format!("({end}) | {filter}"),
                None => end,
            },
        };
        format!("{{{{ {expression} }}}}")
    }

    /// The text with expressions instead of the values of known inputs.
    pub fn known(&self, text: &str) -> String {
        let long = |value: &&str| value.len() >= SHORTEST_TO_FIND;
        let known = self.all.iter().filter(|input| input.secret).find_map(|input| {
            let value = input.value.as_deref().filter(long)?;
            Some((input, text.split_once(value)?))
        });
        match known {
            Some((input, (before, after))) => {
                format!("{}{{{{ {} }}}}{}", self.known(before), input.name, self.known(after))
            }
            None => escaped(text),
        }
    }
}
