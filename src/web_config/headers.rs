//! `http_server_config.headers`: the few headers that the format lets an operator set.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::definition::Text;
use super::report::Report;
use crate::diagnostic::{Sentence, Shown, suggestion};

/// The headers that can be set and their allowed values; an empty list allows any value. From the
/// exporter-toolkit's `web/handler.go`, where the list is closed on purpose.
const SETTABLE: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

/// The headers for every response.
pub fn check(headers: &[(Text, Text)], report: &mut Report) -> HeaderMap {
    let mut checked = HeaderMap::new();
    for (name, value) in headers {
        let Some((settable, allowed)) =
            SETTABLE.iter().find(|(settable, _)| *settable == name.value)
        else {
            let message = Sentence::naming(
                "the header `{}` cannot be configured",
                Shown::near(&name.value, SETTABLE.iter().map(|(settable, _)| *settable)),
                "this header cannot be configured",
            );
            report.error(
                &name.span,
                message,
                suggestion(&name.value, SETTABLE.iter().map(|(settable, _)| *settable)),
            );
            continue;
        };
        report.reveal_near(value, allowed.iter().copied());
        if !allowed.is_empty() && !allowed.contains(&value.value.as_str()) {
            report.error(
                &value.span,
                Sentence::fill("this is not a value for {}", [(*settable).into()]),
                suggestion(&value.value, allowed.iter().copied()),
            );
            continue;
        }
        match (
            HeaderName::try_from(name.value.as_str()),
            HeaderValue::try_from(value.value.as_str()),
        ) {
            (Ok(name), Ok(value)) => {
                checked.insert(name, value);
            }
            _ => report.error(
                &value.span,
                Sentence::fill("this cannot be sent as the value of {}", [(*settable).into()]),
                "use visible characters on one line",
            ),
        }
    }
    checked
}
