//! Recorded answers with damage: a damaged answer must not make the credential look broken.

use std::collections::BTreeMap;

use bytes::Bytes;
use credwatch::exchange::Prepared;
use credwatch::outcome::{Class, Outcome};
use credwatch::recipe::builtin::{self, BUILTINS};
use credwatch::recipe::definition::CredentialKind;
use http::{HeaderMap, HeaderValue};

use super::support::mutate::{damaged_bytes, damaged_tree};
use super::targets::replay::{RECORDED, answering, replay};

/// The recorded exchanges of built-in recipes with a token as the outcome, at most so many of each.
fn successes(most: usize) -> Vec<&'static Prepared> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all: Vec<&Prepared> = RECORDED
        .iter()
        .filter(|prepared| {
            prepared.exchange.outcome.expires.is_some() && prepared.exchange.recipe_file.is_none()
        })
        .collect();
    all.retain(|prepared| {
        let count = counts.entry(prepared.exchange.recipe.as_str()).or_default();
        *count += 1;
        *count <= most
    });
    let issuing = BUILTINS.iter().filter_map(|(name, _)| builtin::recipe(name));
    let issuing = issuing.filter(|recipe| recipe.kind() == CredentialKind::Issued);
    assert_eq!(counts.len(), issuing.count(), "each such recipe has a recorded success");
    all
}

/// Each call of an exchange with its recorded answer.
fn answers(prepared: &Prepared) -> Vec<(String, u16, HeaderMap, Bytes)> {
    let mut answers = Vec::new();
    replay(prepared, &mut |name, response, _| {
        answers.push((
            name.to_owned(),
            response.status,
            response.headers.clone(),
            response.body.clone(),
        ));
        response
    });
    answers
}

#[test]
fn a_damaged_success_is_never_a_failure_of_the_credential() {
    let mut wrong = Vec::new();
    let (mut tried, mut failed) = (0, 0);
    // Two exchanges of each recipe, each with half of the kinds of damage.
    for (number, prepared) in successes(2).into_iter().enumerate() {
        for (call, status, headers, body) in answers(prepared) {
            let mut damaged = damaged_bytes(&body);
            if let Ok(tree) = serde_json::from_slice(&body) {
                damaged.extend(
                    damaged_tree(&tree)
                        .into_iter()
                        .map(|(what, tree)| (what, tree.to_string().into_bytes())),
                );
            }
            // An empty list of scopes is a right answer that grants no scope.
            damaged.retain(|(what, _)| what != "scope as []");
            for (what, body) in damaged.into_iter().skip(number % 2).step_by(2) {
                tried += 1;
                let Some(replayed) = answering(prepared, &call, status, &headers, &body) else {
                    continue;
                };
                if let Outcome::Failed(failure) = &replayed.outcome {
                    failed += 1;
                    if failure.reason.class() == Class::Credential
                        || failure.reason.class() == Class::Config
                    {
                        let about = &prepared.exchange.about;
                        wrong.push(format!(
                            "{} ({about}), `{call}` {what}: {} {}",
                            prepared.exchange.recipe,
                            failure.reason.word(),
                            failure.code
                        ));
                    }
                }
            }
        }
    }
    assert!(tried > 1_500 && failed > 500, "{tried} answers, {failed} failures");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

/// `replay` checks the class of each status with the reference.
#[test]
fn the_class_of_a_status_does_not_depend_on_the_body_and_only_2xx_yields_a_token() {
    let mut headers = HeaderMap::new();
    headers.insert("location", HeaderValue::from_static("https://elsewhere.example/"));
    headers.insert("retry-after", HeaderValue::from_static("99999999999"));
    for prepared in successes(1) {
        for (call, _, _, body) in answers(prepared) {
            let cut = &body[..body.len() / 2];
            for status in [199, 300, 302, 308, 400, 401, 403, 404, 429, 500, 503, 599] {
                for body in [&body[..], cut, b"", b"<html>"] {
                    let Some(replayed) = answering(prepared, &call, status, &headers, body) else {
                        continue;
                    };
                    let issued = matches!(replayed.outcome, Outcome::Issued(_));
                    assert!(
                        !issued || call != "token",
                        "{}: `{call}` with status {status} yields a token",
                        prepared.exchange.recipe
                    );
                }
            }
        }
    }
}

/// `replay` checks the cost of reading against the size of the answer.
#[test]
fn large_answers_of_every_shape_stay_within_the_cost_limit() {
    let many = |piece: &str| piece.repeat(200 * 1024 / piece.len());
    let bodies = [
        format!("{{\"a\":[{}0]}}", many("[],")),
        format!("{{{}\"a\":0}}", many("\"token\":\"aaaaaaaaaaaaaaaa\",")),
        format!(
            "{{\"access_token\":\"{0}\",\"error\":\"{0}\",\"error_description\":\"{0}\",\"message\"\
             :\"{0}\"}}",
            "ab1 ".repeat(12 * 1024)
        ),
        format!(
            "{{{}\"error_description\":\"{}\"}}",
            (0..4_000)
                .map(|number| format!("\"token{number}\":\"secret{number}abcdefghij\","))
                .collect::<Vec<_>>()
                .concat(),
            "a".repeat(50_000)
        ),
        format!("<a>{}</a>", many("<b c='d'/>")),
        format!(
            "<a {}/>",
            (0..15_000).map(|number| format!("a{number}='' ")).collect::<Vec<_>>().concat()
        ),
        format!(
            "<a {}/>",
            (0..8_000)
                .map(|number| format!("xmlns:a{number}='{number}' "))
                .collect::<Vec<_>>()
                .concat()
        ),
        many("token=abcdef123456&"),
        many("%61\\u0061&#97;"),
    ];
    for (number, prepared) in successes(1).into_iter().enumerate() {
        for body in bodies.iter().skip(number % 4).step_by(4) {
            let _ = answering(prepared, "token", 200, &HeaderMap::new(), body.as_bytes());
        }
    }
}
