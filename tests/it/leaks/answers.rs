//! Generated answers with canaries in them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use credwatch::recipe::TokenResponse;
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::{BASIC, DIGEST, GIVEN, KEY, MEMBERS, NOW, PIN, SESSION};
use crate::support::mutate::Dice;

/// The canaries, in the order in which a server learns them.
pub fn canaries(token: &str, assertion: &str) -> Vec<String> {
    [KEY, PIN, BASIC, DIGEST, assertion, GIVEN, &SESSION.to_string(), token]
        .map(str::to_owned)
        .to_vec()
}

fn each(pieces: impl Iterator<Item = String>) -> String {
    pieces.collect::<Vec<_>>().concat()
}

/// A canary in a random form in which a server could repeat it.
fn repeated(canary: &str, dice: &mut Dice) -> String {
    let hex = |byte: u8| format!("%{byte:02x}");
    match dice.below(16) {
        0 => canary.to_uppercase(),
        1 => canary.to_lowercase(),
        2 => canary.bytes().map(hex).collect(),
        3 => each(canary.bytes().map(|byte| format!("%25{byte:02X}"))),
        4 => url::form_urlencoded::byte_serialize(canary.as_bytes()).collect(),
        5 => each(canary.chars().map(|character| format!("\\u{:04x}", u32::from(character)))),
        6 => canary.replace('/', "\\/").replace('+', "\\u002b"),
        7 => each(canary.chars().map(|character| format!("&#{};", u32::from(character)))),
        8 => canary.replace('+', "&#x2B;").replace('-', "&#45;"),
        9 => STANDARD.encode(canary),
        10 => URL_SAFE_NO_PAD.encode(canary),
        11 => STANDARD.encode(format!("id:{canary}:more")),
        12 => STANDARD.encode(format!("i:{canary}")),
        13 => each(canary.bytes().map(|byte| format!("{byte:02x}"))),
        _ => canary.to_owned(),
    }
}

/// A text with a canary in it.
fn sentence(canary: &str, dice: &mut Dice) -> String {
    match dice.below(8) {
        0 => format!("bad value {canary}."),
        1 => format!("x{canary}y"),
        2 => format!("'{canary}'"),
        3 => format!("{}{canary}", "word ".repeat(dice.below(80))),
        4 => format!("{canary} {canary}"),
        5 => format!("error={canary}&more=1"),
        _ => canary.to_owned(),
    }
}

/// A random answer with canaries in many places, and the texts of these canaries.
pub fn answer(
    token: &str,
    assertion: &str,
    call: &str,
    dice: &mut Dice,
) -> (TokenResponse, Vec<String>) {
    let mut put = Vec::new();
    let known = canaries(token, assertion);
    // At the login the server does not know the later canaries yet.
    let known = if call == "login" { &known[..5] } else { &known[..] };
    let mut text = |dice: &mut Dice| {
        let canary = repeated(dice.pick(known).as_str(), dice);
        put.push(canary.clone());
        sentence(&canary, dice)
    };
    let mut body = serde_json::Map::new();
    // The values that are secret by their place come first, so that a cut answer has them.
    if call == "login" {
        body.insert("given".into(), GIVEN.into());
        body.insert("session".into(), SESSION.into());
    } else {
        let number = token.parse::<u64>().ok().filter(|_| dice.below(2) == 0);
        body.insert("access_token".into(), number.map_or(json!(token), |number| json!(number)));
        body.insert("expires_in".into(), 60.into());
    }
    let secret = serde_json::Value::from(body.clone()).to_string().len();
    for member in &MEMBERS[1..] {
        let value = match dice.below(6) {
            0 => continue,
            1 => json!([text(dice), { "a": text(dice) }]),
            2 => json!(PIN.parse::<u64>().expect("a number")),
            3 if call != "login" => json!(SESSION),
            _ => text(dice).into(),
        };
        body.insert((*member).to_owned(), value);
    }
    if dice.below(4) == 0 {
        body.insert(text(dice), json!({ "of": text(dice) }));
    }
    let mut headers = HeaderMap::new();
    let (realm, place) = (text(dice), text(dice));
    for (name, value) in [
        ("www-authenticate", format!("Bearer error=\"{realm}\"")),
        ("location", format!("https://host.invalid/{place}/x?{place}")),
        ("x-request-id", text(dice)),
        ("server", text(dice)),
    ] {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(name, value);
        }
    }
    let text = serde_json::Value::from(body).to_string();
    let body = match dice.below(8) {
        0 => text.as_bytes()[..secret + dice.below(text.len() - secret + 1)].to_vec(),
        1 => format!("<html>{text}</html>").into_bytes(),
        2 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => text.into_bytes(),
    };
    let status = match call {
        "login" => *dice.pick(&[200, 200, 200, 200, 401, 302]),
        "token" => *dice.pick(&[200, 200, 200, 200, 401, 400, 302, 500, 429]),
        _ => *dice.pick(&[200, 200, 200, 401, 302, 503]),
    };
    (
        TokenResponse {
            status,
            headers,
            body: Bytes::from(body),
            received: NOW.parse().expect("a time"),
            damage: None,
        },
        put,
    )
}
