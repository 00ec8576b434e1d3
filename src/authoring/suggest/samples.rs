//! The rules that sample responses suggest.

use http::HeaderMap;
use jiff::Timestamp;

use super::candidate::{Candidate, Suggestion, quoted};
use super::expiries;
use super::find::candidates;

/// The best candidate of each rule from all samples, such as a success and a failure.
#[must_use]
pub fn of_samples(samples: &[(HeaderMap, Vec<u8>)], now: Timestamp) -> Vec<Suggestion> {
    let mut all: Vec<Candidate> =
        samples.iter().flat_map(|(headers, body)| candidates(body, headers, now, None)).collect();
    all.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    let mut suggestions: Vec<Suggestion> = Vec::new();
    for rule in ["format", "issued", "token", "expiry"] {
        let place = if rule == "expiry" {
            expiries::choose(&mut all)
        } else {
            all.iter().position(|candidate| candidate.rule == rule)
        };
        if let Some(place) = place {
            suggestions.push(all.remove(place).suggestion());
        }
    }
    for rule in ["code", "message"] {
        let mut several: Vec<&Candidate> = Vec::new();
        for candidate in all.iter().filter(|candidate| candidate.rule == rule) {
            if several.len() < 3 && !several.iter().any(|known| known.path == candidate.path) {
                several.push(candidate);
            }
        }
        if let Some(first) = several.first() {
            let paths: Vec<String> =
                several.iter().map(|candidate| quoted(&candidate.path)).collect();
            let value = if let [only] = paths.as_slice() {
                only.clone()
            } else {
                format!("[{}]", paths.join(", "))
            };
            suggestions.push(Suggestion {
                rule,
                line: format!("{rule} = {value}"),
                why: first.why.clone(),
                todo: Vec::new(),
            });
        }
    }
    suggestions
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDM2MDB9.c2lnbmF0dXJl";
    const RANDOM: &str = "a81bc81b04e54d0e9e6b2d4f5c3a1b77";

    fn now() -> Timestamp {
        "2023-11-14T22:13:20Z".parse().expect("a date")
    }

    fn lines(bodies: &[&str]) -> Vec<String> {
        let samples: Vec<_> =
            bodies.iter().map(|body| (HeaderMap::new(), body.as_bytes().to_vec())).collect();
        of_samples(&samples, now()).into_iter().map(|suggestion| suggestion.line).collect()
    }

    #[test]
    fn samples_become_rules() {
        for (bodies, expected) in [
            (
                vec![
                    r#"{"token_type":"Bearer","expires_in":3600,"refresh_token":"r",
                        "access_token":"a","refresh_expires_in":60}"#,
                ],
                vec![
                    r#"token = "json.access_token""#,
                    r#"expiry = [{ value = "json.expires_in", unit = "seconds" }]"#,
                ],
            ),
            (
                vec![r#"{"code":0,"msg":"ok","expire":7200,"tenant_access_token":"t-xyz"}"#],
                vec![
                    r#"issued = "json.code == 0""#,
                    r#"token = "json.tenant_access_token""#,
                    r#"expiry = [{ value = "json.expire", unit = "seconds" }]"#,
                    r#"code = "json.code""#,
                    r#"message = "json.msg""#,
                ],
            ),
            (
                vec![
                    r#"{"data":{"jwt":"x","valid-until":"2023-11-14T23:13:20Z"},"expires":1}"#,
                    r#"{"error":{"code":"E7","message":"no such key"}}"#,
                ],
                vec![
                    r#"token = "json.data.jwt""#,
                    r#"expiry = [{ value = "json.data['valid-until']", unit = "rfc3339" }]"#,
                    r#"code = "json.error.code""#,
                    r#"message = "json.error.message""#,
                ],
            ),
            (
                vec!["access_token=abc&expires_in=60"],
                vec![
                    r#"format = "form""#,
                    r#"token = "form.access_token""#,
                    r#"expiry = [{ value = "form.expires_in", unit = "seconds" }]"#,
                ],
            ),
            (
                vec!["<r><Token>abc</Token><Ttl>3600</Ttl></r>"],
                vec![
                    r#"format = "xml""#,
                    r#"token = "xml.r.Token""#,
                    r#"expiry = [{ value = "xml.r.Ttl", unit = "seconds" }]"#,
                ],
            ),
            (vec![RANDOM], vec![r#"format = "text""#, r#"token = "body""#]),
        ] {
            assert_eq!(lines(&bodies), expected, "{bodies:?}");
        }
    }

    #[test]
    fn the_exp_of_a_token_is_enough_for_an_expiry() {
        assert_eq!(
            lines(&[&format!(r#"{{"value":"{JWT}"}}"#)]),
            [r#"token = "json.value""#, r#"expiry = [{ value = "token", unit = "jwt" }]"#]
        );
    }

    #[test]
    fn a_token_in_a_header_is_found_and_other_headers_are_none() {
        let headers = HeaderMap::from_iter([
            (http::HeaderName::from_static("x-request-id"), RANDOM.parse().expect("a value")),
            (http::HeaderName::from_static("x-subject-token"), RANDOM.parse().expect("a value")),
        ]);
        let lines: Vec<String> = of_samples(
            &[(headers, br#"{"token":{"expires_at":"2023-11-14T23:13:20Z"}}"#.to_vec())],
            now(),
        )
        .into_iter()
        .map(|suggestion| suggestion.line)
        .collect();
        assert_eq!(
            lines,
            [
                r#"token = "http.headers['x-subject-token']""#,
                r#"expiry = [{ value = "json.token.expires_at", unit = "rfc3339" }]"#
            ]
        );
    }

    #[test]
    fn a_member_that_only_resembles_a_token_is_not_suggested() {
        for body in [
            r#"{"token_type":"Bearer","refresh_token":"abcdef","token_url":"https://x.example/t",
                "request_id":"a81bc81b04e54d0e9e6b2d4f5c3a1b77",
                "expires":"2023-11-14T23:13:20.000000Z","name":"two words"}"#,
            "two words",
            "<html><body>Bad gateway</body></html>",
        ] {
            assert!(
                !lines(&[body]).iter().any(|line| line.starts_with("token")),
                "{body}: {:?}",
                lines(&[body])
            );
        }
    }

    #[test]
    fn no_line_repeats_a_value() {
        for body in [
            format!(
                r#"{{"token":"{RANDOM}","{RANDOM}":"{JWT}",
                    "error":"{RANDOM}","message":"{RANDOM}"}}"#
            ),
            RANDOM.into(),
            format!("token={RANDOM}&x={JWT}"),
        ] {
            let samples = [(HeaderMap::new(), body.clone().into_bytes())];
            let shown = format!("{:?}", of_samples(&samples, now()));
            assert!(
                shown.contains("token") && !shown.contains(RANDOM) && !shown.contains("eyJ"),
                "{shown}"
            );
        }
    }
}
