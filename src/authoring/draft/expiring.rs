//! Asks about values of a sample that work only once or for a short time, and that the draft cannot
//! compute.

use super::field::{Kind, kind};
use super::inputs::Inputs;
use super::names::snake;
use super::values::{self, Part};
use crate::authoring::suggest::words;

/// Names of a code that works once or for less than an hour.
const CODES: [&str; 15] = [
    "otp", "totp", "otpcode", "totpcode", "mfacode", "mfatoken", "onetimepassword", "onetimecode",
    "twofactorcode", "verificationcode", "authorizationcode", "authcode", "devicecode", "smscode",
    "captcha",
];

/// Names of tokens that another call hands out.
const TOKENS: [&str; 9] = [
    "subjecttoken", "actortoken", "idtoken", "requesttoken", "exchangetoken", "onetimetoken",
    "accesstoken", "sessiontoken", "fbexchangetoken",
];

impl Inputs {
    /// Asks about a value that will expire, by its name, its form or the name of its placeholder.
    pub fn ask_about_short_life(&mut self, field: &str, value: &str) {
        let field_kind = kind(field);
        let is_web_token = value.trim_start().starts_with("eyJ");
        let is_other = field_kind.is_open() || matches!(field_kind, Kind::Once | Kind::Signature);
        if is_other && !is_web_token {
            return;
        }
        let placeholder = match values::parts(value, true).as_slice() {
            [Part::Placeholder { name: Some(name), .. }] => name.clone(),
            _ => String::new(),
        };
        let names = [words(field), words(&placeholder)];
        let has =
            |wanted: &[&str]| names.iter().any(|words| wanted.contains(&words.concat().as_str()));
        let has_word =
            |wanted: &[&str]| names.iter().flatten().any(|word| wanted.contains(&word.as_str()));
        let name = if field == "bearer_token" {
            "the text behind `Bearer`".to_owned()
        } else {
            format!("`{}`", snake(field))
        };
        let is_code =
            has(&CODES) || snake(field) == "code" && self.grant.contains("authorization_code");
        let is_saml =
            has_word(&["saml"]) || self.grant.contains("saml") && has_word(&["assertion"]);
        let question = if has_word(&["refresh"]) {
            return;
        } else if is_saml {
            "a SAML assertion, which expires soon and which a recipe cannot make: use another \
             grant, or a credential with `command`"
        } else if is_code {
            "a code that works only once or for a short time: use a login or a grant without it"
        } else if is_web_token || has_word(&["jwt", "jws", "assertion"]) {
            "a JSON Web Token: if it is a signed assertion, which expires soon, the filter `jwt` \
             makes one for each request"
        } else if has(&TOKENS) && self.is_static() {
            "a token: does it live for months, as an API key does? If another call issues it for \
             hours, draft that call"
        } else if has(&TOKENS) {
            "a token: if it expires, get it in a step before this request"
        } else {
            return;
        };
        self.todo(format!("{name} is {question}"));
    }
}
