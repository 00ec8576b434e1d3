//! The `[response]` of a draft, from sample responses or from usual ones.

use super::write::{self, key};
use crate::authoring::suggest::{Rules, Suggestion};
use crate::recipe::definition::CredentialKind;

/// Where refusals often have their code.
const CODES: [&str; 3] = ["json.error.code", "json.code", "json.error"];

/// Where they often have their message.
const MESSAGES: [&str; 3] = ["json.error.message", "json.error_description", "json.message"];

/// The rules for a usual response, when there is no sample.
pub fn guessed(is_oauth: bool, kind: CredentialKind) -> Vec<Suggestion> {
    let rules: [(&'static str, &str); 4] = if is_oauth && kind == CredentialKind::Issued {
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
    let is_about_a_token = |rule: &str| matches!(rule, "token" | "expiry");
    rules
        .into_iter()
        .filter(|(rule, _)| kind == CredentialKind::Issued || !is_about_a_token(rule))
        .map(|(rule, value)| Suggestion {
            rule,
            line: format!("{rule} = {value}"),
            why: why(rule).into(),
            todo: Vec::new(),
            or: None,
        })
        .collect()
}

/// Adds the `[response]` of the draft.
pub fn lines(
    lines: &mut Vec<String>,
    name: &str,
    rules: &Rules,
    has_samples: bool,
    kind: CredentialKind,
) {
    let issues = kind == CredentialKind::Issued;
    lines.push(format!("[recipes.{}.response]", key(name)));
    if !rules.statuses.is_empty() {
        let statuses: Vec<String> = rules.statuses.iter().map(u16::to_string).collect();
        lines.push(format!("statuses = [{}]", statuses.join(", ")));
    }
    let has = |rule: &str| rules.suggestions.iter().any(|known| known.rule == rule);
    if issues && !has("token") {
        lines.push("# TODO: nothing in the sample looks like a token: where is it?".into());
        lines.push("token = \"json.access_token\"".into());
    }
    for rule in &rules.suggestions {
        if !rule.why.is_empty() && !matches!(rule.rule, "code" | "message" | "format")
            || rule.why.starts_with("TODO")
        {
            let why = sentence(&rule.why);
            lines.push(format!("# {why}{}", if why.ends_with('?') { "" } else { "." }));
        }
        lines.extend(rule.todo.iter().map(|todo| write::todo(todo)));
        // A question about the place stands on the line itself, where nobody overlooks it.
        let or = rule.or.as_ref().map(|or| format!("  {}", write::todo(or)));
        lines.push(format!("{}{}", rule.line, or.unwrap_or_default()));
    }
    if !issues {
        lines.extend(no_end(rules, has_samples));
    } else if has_samples && !has("expiry") {
        lines.push(write::todo(&rules.unread_expiry.as_ref().map_or_else(
            || {
                "the sample has no expiry. If the documentation says, for example, “valid for an \
                 hour”:"
                    .to_owned()
            },
            |path| {
                format!(
                    "`{path}` may be the expiry, and no unit reads its form. Compute another \
                     form, or take what the documentation says, for example, “valid for an hour”:"
                )
            },
        )));
        lines.push("# expiry = [{ value = \"3600\", unit = \"seconds\" }]".into());
    }
    for (rule, path) in &rules.left_out {
        lines.push(write::todo(&format!(
            "`{rule}` of a refusal is at `{path}`, where a success has its token: a rule cannot \
             show that place"
        )));
    }
    let is_left_out = rules.left_out.iter().any(|(rule, _)| *rule == "code");
    if rules.has_refusal && !has("code") && !is_left_out {
        lines.push(
            "# No member of the refusal looks like a code, so the code is `http_` and the status."
                .into(),
        );
    } else if has_samples && !rules.has_refusal && !(has("code") && has("message")) {
        lines.push(
            "# TODO: the samples do not show a whole refusal: give one as a further \
            --answer, or check this in the documentation."
                .into(),
        );
        for (rule, places) in [("code", CODES), ("message", MESSAGES)] {
            let shown: Vec<String> = places
                .into_iter()
                .filter(|place| !has(rule) && rules.may_show(place))
                .map(|place| format!("\"{place}\""))
                .collect();
            if !shown.is_empty() {
                lines.push(format!("{rule} = [{}]", shown.join(", ")));
            }
        }
    }
    lines.push(String::new());
}

/// The question about the end of a key that no rule reads.
fn no_end(rules: &Rules, has_samples: bool) -> Vec<String> {
    let has_end = |rule: &Suggestion| matches!(rule.rule, "credential_expiry" | "list.expiry");
    if rules.suggestions.iter().any(has_end) {
        return Vec::new();
    }
    if let Some(path) = &rules.unread_expiry {
        return vec![write::todo(&format!(
            "`{path}` may be the end of the key, and no unit reads its form: compute another form"
        ))];
    }
    if has_samples {
        return vec![write::todo(
            "the sample does not tell when the key ends; where the vendor's page or console says \
             it, set `secret_expires` of the provider",
        )];
    }
    vec![
        write::todo(
            "does the answer tell when the key ends? `--answer FILE` finds it. A rule has this \
             form:",
        ),
        "# credential_expiry = { value = \"json.expires_at\", unit = \"date\" }".into(),
    ]
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}
