//! The rules that sample responses suggest.

use http::HeaderMap;
use jiff::Timestamp;

use super::candidate::{Candidate, Suggestion};
use super::expiries::{self, UNREAD};
use super::find::candidates;
use super::members::{self, Member};
use super::places::places;
use super::scopes::scopes;
use super::structure::trees;
use super::tokens::WEAK;
use crate::language::names::Secrecy;
use crate::language::taint::{shown_secret, taken_paths};
use crate::recipe::definition::Unit;

/// A sample response. It can hold a token, so it has no `Debug`.
#[derive(Default)]
pub struct Answer {
    /// The HTTP status, if the sample shows it.
    pub status: Option<u16>,
    /// The headers; empty if the sample shows none.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// What sample responses suggest.
#[derive(Default)]
pub struct Rules {
    /// The best candidate of each rule.
    pub suggestions: Vec<Suggestion>,
    /// Whether one of the samples is a refusal.
    pub has_refusal: bool,
    /// Code and message of a refusal at the place of the token: their rules and paths.
    pub left_out: Vec<(&'static str, String)>,
    /// The path of an expiry in a form that no unit reads, where there is no other.
    pub unread_expiry: Option<String>,
    /// The statuses of the samples with a token, where one of them is no 2xx.
    pub statuses: Vec<u16>,
    /// The places of the token, which no other rule may show.
    hidden: Vec<Vec<String>>,
}

impl Rules {
    /// Rules that come from no sample.
    #[must_use]
    pub fn guessed(suggestions: Vec<Suggestion>) -> Self {
        Self { suggestions, ..Self::default() }
    }

    /// Whether a rule for a code or a message may read this.
    #[must_use]
    pub fn may_show(&self, path: &str) -> bool {
        may_show(path, &self.hidden)
    }
}

fn may_show(path: &str, hidden: &[Vec<String>]) -> bool {
    shown_secret(path, |_| Secrecy::Open, hidden).is_none()
}

/// The rules from all samples, such as a success and a refusal.
#[must_use]
pub fn of_samples(samples: &[Answer], now: Timestamp) -> Rules {
    let mut successes: Vec<Candidate> = Vec::new();
    let mut refusals: Vec<Vec<Candidate>> = Vec::new();
    let mut statuses: Vec<u16> = Vec::new();
    let mut answered: Vec<Member> = Vec::new();
    for (place, sample) in samples.iter().enumerate() {
        let found = candidates(sample.status, &sample.headers, &sample.body, now, None);
        if is_refusal(place, sample, &found) {
            refusals.push(found);
        } else {
            let is_new = |status: &u16| has_token(&found, 0) && !statuses.contains(status);
            statuses.extend(sample.status.filter(is_new));
            answered.extend(members::all(&trees(&sample.body), &sample.headers));
            successes.extend(found);
        }
    }
    // What is the same in a refusal does not tell a success.
    let same = |candidate: &Candidate| {
        candidate.rule == "issued"
            && refusals.iter().flatten().any(|other| {
                other.rule == "issued"
                    && (&other.path, &other.value) == (&candidate.path, &candidate.value)
            })
    };
    successes.retain(|candidate| !same(candidate));
    successes.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    let token = successes.iter().find(|candidate| candidate.rule == "token");
    let hidden = token.map(|token| taken_paths(&token.path)).unwrap_or_default();
    let is_shown = |candidate: &Candidate| {
        matches!(candidate.rule, "format" | "token")
            || candidate.unit == Some(Unit::Jwt)
            || may_show(&candidate.path, &hidden)
    };
    successes.retain(is_shown);
    let mut left_out: Vec<(&'static str, String)> = Vec::new();
    for refusal in &mut refusals {
        refusal.retain(|candidate| {
            let is_new = !left_out.iter().any(|(rule, _)| *rule == candidate.rule);
            if !is_shown(candidate) && is_new && matches!(candidate.rule, "code" | "message") {
                left_out.push((candidate.rule, candidate.path.clone()));
            }
            is_shown(candidate)
        });
    }
    let mut suggestions: Vec<Suggestion> = Vec::new();
    let mut fallbacks = places(&[&successes]);
    for rule in ["format", "issued", "token", "expiry"] {
        let place = if rule == "expiry" {
            expiries::choose(&mut successes)
        } else {
            successes.iter().position(|candidate| candidate.rule == rule)
        };
        if let Some(place) = place {
            suggestions.push(successes.remove(place).suggestion());
        }
    }
    // The scopes of a token stand at the top, beside it.
    answered.retain(|member| member.depth <= 2 && may_show(&member.path, &hidden));
    if !hidden.is_empty() {
        suggestions.extend(scopes(&answered));
    }
    let has_refusal = !refusals.is_empty();
    if has_refusal {
        fallbacks = places(&refusals.iter().collect::<Vec<_>>());
    }
    suggestions.extend(fallbacks);
    left_out.retain(|(rule, _)| !suggestions.iter().any(|known| known.rule == *rule));
    let has_expiry = suggestions.iter().any(|known| known.rule == "expiry");
    let unread = successes.iter().find(|candidate| candidate.rule == UNREAD && !has_expiry);
    let unread_expiry = unread.map(|candidate| candidate.path.clone());
    if statuses.iter().all(|status| (200..300).contains(status)) {
        statuses.clear();
    }
    Rules { suggestions, has_refusal, left_out, unread_expiry, statuses, hidden }
}

/// Whether a sample is a refusal. Without a status, that is one without a token but with a code or
/// a message.
fn is_refusal(place: usize, sample: &Answer, found: &[Candidate]) -> bool {
    if let Some(status) = sample.status {
        return status >= 400 || place > 0 && !has_token(found, WEAK) && explains(found);
    }
    let enough = if place == 0 { 0 } else { WEAK };
    !has_token(found, enough) && (explains(found) || place > 0)
}

fn has_token(found: &[Candidate], enough: u32) -> bool {
    found.iter().any(|candidate| candidate.rule == "token" && candidate.score >= enough)
}

fn explains(found: &[Candidate]) -> bool {
    found.iter().any(|candidate| matches!(candidate.rule, "code" | "message"))
}

#[cfg(test)]
mod tests {
    use super::super::candidate::quoted;
    use super::*;

    const JWT: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDM2MDB9.c2lnbmF0dXJl";
    const RANDOM: &str = "a81bc81b04e54d0e9e6b2d4f5c3a1b77";

    fn now() -> Timestamp {
        "2023-11-14T22:13:20Z".parse().expect("a date")
    }

    #[test]
    fn the_scopes_beside_a_token_are_read() {
        let sample = |body: &str| Answer { body: body.as_bytes().to_vec(), ..Answer::default() };
        let line = "scopes = \"json.scope\"".to_owned();
        let with = |scope: &str| {
            let text = format!("{{\"access_token\":\"{RANDOM}\",\"expires_in\":3600{scope}}}");
            found(&[sample(&text)])
        };
        assert!(with(",\"scope\":\"read write\"").contains(&line));
        assert!(with(",\"scope\":[\"read\",\"write\"]").contains(&line));
        for none in ["", ",\"scope\":null", ",\"user\":{\"of\":{\"scope\":\"a\"}}"] {
            assert!(!with(none).iter().any(|line| line.starts_with("scopes")), "{none}");
        }
        let elsewhere = found(&[sample(&format!("{{\"scope\":\"{RANDOM}\"}}"))]);
        assert!(!elsewhere.contains(&line), "{elsewhere:?}");
    }

    fn found(samples: &[Answer]) -> Vec<String> {
        let rules = of_samples(samples, now());
        rules.suggestions.into_iter().map(|suggestion| suggestion.line).collect()
    }

    fn lines(bodies: &[&str]) -> Vec<String> {
        let samples: Vec<Answer> = bodies
            .iter()
            .map(|body| Answer { body: body.as_bytes().to_vec(), ..Answer::default() })
            .collect();
        found(&samples)
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
        let body = br#"{"token":{"expires_at":"2023-11-14T23:13:20Z"}}"#.to_vec();
        assert_eq!(
            found(&[Answer { status: None, headers, body }]),
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
            let samples = [Answer { body: body.clone().into_bytes(), ..Answer::default() }];
            let shown = format!("{:?}", of_samples(&samples, now()).suggestions);
            assert!(
                shown.contains("token") && !shown.contains(RANDOM) && !shown.contains("eyJ"),
                "{shown}"
            );
        }
    }

    #[test]
    fn an_elided_token_is_found_by_its_name_and_its_neighbours() {
        for (body, token) in [
            (r#"{"access_token":"...","expires_in":60}"#, "json.access_token"),
            (r#"{"access_token":"<your access token>"}"#, "json.access_token"),
            (r#"{"Token":{"Id":"88916699","ExpireTime":1700086400}}"#, "json.Token.Id"),
            (r#"{"result":{"securityToken":"TOK"}}"#, "json.result.securityToken"),
            (r#"{"jsonrpc":"2.0","result":"0424bd59","id":1}"#, "json.result"),
            (r#"{"credential":"abc","expires_in":3600,"token_type":"x"}"#, "json.credential"),
            (r#"{"data":{"ticket":"TGT-1"}}"#, "json.data.ticket"),
            (r#"{"session":{"value":"abc"},"user":{"id":"u1"}}"#, "json.session.value"),
            (r#"{"Authorization":"ok","SessionId":"7a"}"#, "json.SessionId"),
            (r#""TOK""#, "json"),
            (
                "<response status = 'success'><result><key>TOK</key></result></response>",
                "xml.response.result.key",
            ),
            ("eyTOK", "body"),
        ] {
            let line = format!("token = {}", quoted(token));
            assert!(lines(&[body]).contains(&line), "{body}: {:?}", lines(&[body]));
        }
    }

    #[test]
    fn a_code_that_repeats_the_status_comes_last() {
        let good = r#"{"access_token":"a"}"#;
        for (refusals, expected) in [
            (vec![r#"{"code":401,"message":"INVALID_LOGIN"}"#], r#"["json.message", "json.code"]"#),
            (
                vec![r#"{"status":"Failure","reason":"Forbidden","code":403}"#],
                r#"["json.reason", "json.code"]"#,
            ),
            (vec![r#"{"code":401,"message":"Who are you?"}"#], r#""json.code""#),
            (
                vec![
                    r#"{"error":{"status":400,"name":"ValidationError","message":"No such user"}}"#,
                ],
                r#"["json.error.name", "json.error.status"]"#,
            ),
            (vec![r#"{"status":"error","code":403}"#], r#""json.code""#),
            (vec![r#"{"status":"error"}"#], r#""json.status""#),
            // The sentence of one refusal begins with the code that another one has alone.
            (
                vec![
                    r#"{"error":{"message":"BAD_LOGIN"}}"#,
                    r#"{"error":{"message":"TRY_LATER : Too many attempts."}}"#,
                ],
                r#""json.error.message | split(':') | first | trim""#,
            ),
            (vec![r#"{"__type":"UnrecognizedClient"}"#], r#""json.__type""#),
            (vec![r#"{"fault":{"code":"E7"}}"#], r#""json.fault.code""#),
            (vec![r#"{"errors":[{"code":"E7","message":"a b"}]}"#], r#""json.errors[0].code""#),
            // The place that differs between refusals tells more.
            (
                vec![
                    r#"{"error":{"type":"invalid_client","code":1600}}"#,
                    r#"{"error":{"type":"unsupported_grant_type","code":1600}}"#,
                ],
                r#"["json.error.type", "json.error.code"]"#,
            ),
        ] {
            let bodies: Vec<&str> = [good].into_iter().chain(refusals).collect();
            let line = format!("code = {expected}");
            assert!(lines(&bodies).contains(&line), "{bodies:?}: {:?}", lines(&bodies));
        }
        let status_200 = Answer {
            status: Some(200),
            body: br#"{"status":"ERROR","subCode":"401","message":"no such user"}"#.to_vec(),
            ..Answer::default()
        };
        let good = Answer { body: good.as_bytes().to_vec(), ..Answer::default() };
        assert!(found(&[good, status_200]).contains(&r#"code = "json.subCode""#.to_owned()));
    }

    #[test]
    fn only_what_differs_in_a_refusal_tells_a_success() {
        let good = r#"{"ok":true,"id":0,"code":0,"token":"a"}"#;
        assert!(lines(&[good]).contains(&r#"issued = "json.ok == true""#.to_owned()));
        let refusal = r#"{"ok":true,"code":7,"message":"no such user"}"#;
        assert!(lines(&[good, refusal]).contains(&r#"issued = "json.code == 0""#.to_owned()));
    }
}
