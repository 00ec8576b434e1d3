//! One provider of the answers, as a line shows it.

use serde_json::Value;

use crate::time::human_duration;

/// A provider that is broken or failing.
#[derive(Debug, PartialEq)]
pub struct Row {
    pub name: String,
    pub state: String,
    /// The reason and the code.
    pub reason: String,
    pub message: String,
    pub since: String,
    pub runway: String,
    /// Where the row stands: smaller is more urgent.
    pub rank: (u8, f64),
}

/// The classes, the most urgent first.
const CLASSES: [&str; 4] = ["credential", "provider", "network", "config"];

impl Row {
    /// The row of a provider of `/api/v1/providers`; `now` is in seconds since the Unix epoch.
    pub fn of(provider: &Value, now: f64) -> Self {
        let text = |path: &str| {
            let found = provider.pointer(path).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        let class = text("/failure/class");
        let since = provider.pointer("/failure/since").and_then(Value::as_str);
        let since = since.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let age = since.map(|since| now - crate::time::unix_seconds(since));
        let left = provider.pointer("/token/time_to_expiry_seconds").and_then(Value::as_f64);
        let state = text("/state");
        let order = CLASSES.iter().position(|known| *known == class).unwrap_or(CLASSES.len());
        let order = u8::try_from(order).unwrap_or(u8::MAX);
        let order = if state == "broken" { order } else { order + 10 };
        Self {
            name: text("/name"),
            reason: format!("{} {}", text("/failure/reason"), text("/failure/code")),
            message: text("/failure/message"),
            since: age.map_or_else(|| "–".to_owned(), in_seconds),
            runway: runway(provider, left),
            rank: (order, left.unwrap_or(0.0).max(0.0)),
            state,
        }
    }
}

/// A duration for people, in whole seconds.
fn in_seconds(seconds: f64) -> String {
    if seconds < 10.0 { format!("{:.0}s", seconds.max(1.0)) } else { human_duration(seconds) }
}

/// How long tokens from before still work.
fn runway(provider: &Value, left: Option<f64>) -> String {
    let token = provider.get("token").filter(|token| !token.is_null());
    let never = token.and_then(|token| token.get("never_expires")?.as_bool());
    match (left, never) {
        (Some(left), _) if left > 0.0 => in_seconds(left),
        (Some(left), _) => format!("ended {} ago", in_seconds(-left)),
        (None, Some(true)) => "no end".to_owned(),
        (None, _) if token.is_some() => "not told".to_owned(),
        _ if provider.get("kind").and_then(Value::as_str) == Some("static") => "–".to_owned(),
        _ => "none seen".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_tells_since_when_and_how_long_tokens_last() {
        let now = 1_764_500_000.0; // 2025-11-30T10:53:20Z
        let provider = json!({
            "name": "crm", "kind": "issued", "state": "broken",
            "failure": {
                "class": "credential", "reason": "rejected", "code": "invalid_client",
                "message": "no", "since": "2025-11-30T10:43:20Z",
            },
            "token": { "time_to_expiry_seconds": 125.0, "never_expires": false },
        });
        let row = Row::of(&provider, now);
        assert_eq!(
            (row.reason.as_str(), row.since.as_str(), row.runway.as_str(), row.rank),
            ("rejected invalid_client", "10m", "2m 5s", (0, 125.0))
        );
        let mut ended = provider.clone();
        ended["token"]["time_to_expiry_seconds"] = json!(-60);
        assert_eq!(Row::of(&ended, now).runway, "ended 1m ago");
        ended["token"] = json!(null);
        ended["state"] = json!("failing");
        let row = Row::of(&ended, now);
        assert_eq!((row.runway.as_str(), row.rank), ("none seen", (10, 0.0)));
        assert_eq!(Row::of(&json!({}), now).since, "–");
        assert_eq!([in_seconds(0.2), in_seconds(4.6), in_seconds(61.0)], ["1s", "5s", "1m 1s"]);
    }
}
