//! `/`: every provider at a glance, the most urgent first.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::Faces;
use crate::outcome::Expiry;
use crate::state::{Entry, Moment, State};
use crate::time::{human_duration, unix_seconds};

const STYLE: &str = include_str!("page.css");

/// The most rows: beyond that a page is no glance any more, and `/healthz` has them all.
const MOST_ROWS: usize = 500;

/// Nothing may be loaded, run or framed; the one style sheet is allowed by its digest.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
});

/// Text as it may stand in HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

pub async fn overview(Shared(faces): Shared<Faces>) -> Response {
    let now = faces.ledger.now();
    let roster = faces.ledger.roster();
    let mut rows: Vec<(u8, &Entry)> = roster.entries().iter().map(|entry| (urgency(entry), entry.as_ref())).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.provider.name.cmp(&b.1.provider.name)));
    let count = |state: State| rows.iter().filter(|(_, entry)| entry.health().state == state).count();
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"5\"><title>credwatch</title><style>{STYLE}</style></head><body><main><h1>credwatch</h1><p class=\"sum\">"
    );
    for state in [State::Broken, State::Failing, State::Unknown, State::Healthy] {
        let _ = write!(html, "<span class=\"{0}\">{1} {0}</span> ", state.word(), count(state));
    }
    html.push_str("</p><table><thead><tr><th>Provider</th><th>State</th><th>Why</th><th>Since</th><th>Token lives</th><th>Next probe</th></tr></thead><tbody>");
    for (_, entry) in rows.iter().take(MOST_ROWS) {
        row(&mut html, entry, now);
    }
    html.push_str("</tbody></table>");
    if rows.len() > MOST_ROWS {
        let _ = write!(html, "<p>The {MOST_ROWS} most urgent of {} providers; <a href=\"/healthz\">/healthz</a> has all.</p>", rows.len());
    }
    html.push_str("<p class=\"links\"><a href=\"/metrics\">/metrics</a> <a href=\"/healthz\">/healthz</a> <a href=\"/livez\">/livez</a> <a href=\"/readyz\">/readyz</a></p></main></body></html>");
    ([(header::CONTENT_SECURITY_POLICY, POLICY.as_str()), (header::CACHE_CONTROL, "no-store")], Html(html)).into_response()
}

fn urgency(entry: &Entry) -> u8 {
    match entry.health().state {
        State::Broken => 0,
        State::Failing => 1,
        State::Unknown => 2,
        State::Healthy => 3,
    }
}

fn row(html: &mut String, entry: &Entry, now: Moment) {
    let health = entry.health();
    let wall = unix_seconds(now.wall);
    let ago = |since: f64| format!("{} ago", human_duration((wall - since).max(0.0)));
    let why = health.trouble.as_ref().map_or_else(String::new, |trouble| {
        let failure = &trouble.failure;
        let facts = failure.reason.facts();
        let code = if failure.code.is_empty() { String::new() } else { format!(" <code>{}</code>", escape(failure.code.as_str())) };
        format!("<b>{}</b>{code} {}<br><small>{} {}</small>", facts.word, escape(failure.message.as_str()), escape(facts.meaning), escape(facts.action))
    });
    let lives = match health.token.map(|token| token.expiry) {
        Some(Expiry::At(end)) => human_duration(unix_seconds(end) - wall),
        Some(Expiry::Never) => "for ever".into(),
        Some(Expiry::Unknown) => "not known".into(),
        None => String::new(),
    };
    let since = health.trouble.as_ref().map(|trouble| trouble.since).or(health.since).map(|since| ago(unix_seconds(since))).unwrap_or_default();
    let next = health.next_due.map(|due| human_duration((now.unix_seconds_at(due) - wall).max(0.0))).unwrap_or_default();
    let insecure = if entry.provider.transport.insecure { " <small class=\"failing\">insecure TLS</small>" } else { "" };
    let _ = write!(
        html,
        "<tr><td><b>{}</b>{insecure}<br><small>{}</small></td><td class=\"{2}\">{2}</td><td>{why}</td><td>{since}</td><td>{lives}</td><td>{next}</td></tr>",
        escape(&entry.provider.name),
        escape(&entry.provider.recipe.name),
        health.state.word(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escape("<a href=\"x\" id='y'>&"), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;");
    }
}
