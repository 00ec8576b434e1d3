//! Issued tokens that are JSON Web Tokens: their own end, and the clocks that it depends on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credwatch::outcome::{Issued, Outcome, Probe};
use credwatch::probe::Prober;
use jiff::{SignedDuration, Timestamp};

use super::support::daemon::{Daemon, credwatch};
use super::support::endpoint::{Endpoint, http};
use super::support::provider;

fn token(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"RS256","typ":"JWT"}"#), part(claims), part("signature"))
}

fn text(url: &str, more: &str) -> String {
    format!(
        "[providers.p]\nrecipe = \"oauth2-client-credentials\"\nparameters.token_url = {url:?}\n\
         credentials = {{ client_id = \"some-client\", client_secret = \"a-secret-of-the-tests\" \
         }}\n{more}\n"
    )
}

/// A time so many seconds from now, in seconds since 1970.
fn at(seconds: i64) -> i64 {
    Timestamp::now().as_second() + seconds
}

/// The answer with this token, these members and a clock that is ahead of ours by these seconds.
fn endpoint(token: &str, members: &str, ahead: i64) -> Endpoint {
    let clock = Timestamp::now() + SignedDuration::from_secs(ahead);
    let headers = format!(
        "Content-Type: application/json\r\nDate: {}\r\n",
        clock.strftime("%a, %d %b %Y %H:%M:%S GMT")
    );
    let body = format!(r#"{{"access_token":"{token}"{members}}}"#);
    Endpoint::answering(http("200 OK", &headers, body.as_bytes()))
}

async fn probe(endpoint: &Endpoint, more: &str) -> Probe {
    Prober::new().probe(&provider(&text(&endpoint.url(), more))).await
}

fn issued(probe: &Probe) -> &Issued {
    match &probe.outcome {
        Outcome::Issued(issued) => issued,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_end_in_a_token_is_compared_with_the_answer_and_counts_where_the_answer_tells_none() {
    let hour = token(&format!(r#"{{"exp":{}}}"#, at(3600)));
    for (token, members, ahead, lifetime, disagreement) in [
        (&*hour, r#","expires_in":3600"#, 0, Some(3600.0), Some(0.0)),
        (&*hour, r#","expires_in":7200"#, 0, Some(7200.0), Some(-3600.0)),
        (&*hour, r#","expires_in":1800"#, 0, Some(1800.0), Some(1800.0)),
        (&*hour, "", 0, Some(3600.0), None),
        ("opaque.token.x", r#","expires_in":3600"#, 0, Some(3600.0), None),
        ("opaque.token.x", "", 0, None, None),
        // The provider's clock is ten minutes ahead, so the token lives for 50 minutes there.
        (&*hour, r#","expires_in":3000"#, 600, Some(3000.0), Some(0.0)),
    ] {
        let probe = probe(&endpoint(token, members, ahead), "").await;
        let issued = issued(&probe);
        let near = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => (one - other).abs() < 5.0,
            (one, other) => one == other,
        };
        assert!(near(issued.lifetime, lifetime), "{members} {ahead} {:?}", issued.lifetime);
        let found = issued.disagreement;
        assert!(near(found, disagreement), "{members} {ahead} {found:?}");
    }
}

#[tokio::test]
async fn a_token_that_has_ended_by_its_own_words_is_expired() {
    let old = token(&format!(r#"{{"exp":{}}}"#, at(-600)));
    let probe = probe(&endpoint(&old, "", 0), "").await;
    let Outcome::Failed(failure) = &probe.outcome else { panic!("it is issued") };
    assert_eq!(failure.reason.word(), "expired");
}

#[test]
fn a_disagreement_of_more_than_a_minute_is_shown_everywhere() {
    let series = "credwatch_token_expiry_disagreement_seconds{provider=\"p\"}";
    for (members, expected, is_shown) in [
        (r#","expires_in":7200"#, Some(-3600.0), true),
        (r#","expires_in":3630"#, Some(-30.0), false),
        ("", None, false),
    ] {
        let ended = token(&format!(r#"{{"exp":{},"sub":"a-subject"}}"#, at(3600)));
        let endpoint = endpoint(&ended, members, 0);
        let daemon = Daemon::start(&text(&endpoint.url(), ""));
        daemon.wait_for_state("p", "healthy");
        let found = daemon.sample(series);
        let is_near = match (found, expected) {
            (Some(found), Some(expected)) => f64::abs(found - expected) < 5.0,
            (found, expected) => found == expected,
        };
        assert!(is_near, "{members} {found:?}");
        let page = daemon.get("/providers/p").body;
        assert_eq!(page.contains("before the end that the answer tells"), is_shown, "{page}");
        let api: serde_json::Value =
            serde_json::from_str(&daemon.get("/api/v1/providers/p").body).expect("JSON");
        assert_eq!(api["token"]["expiry_disagreement_seconds"].as_f64(), found);
        let file = daemon.folder().join("credwatch.toml");
        for (output, words) in [
            ("text", "the end in the token (`exp`) is"),
            ("json", "\"expiry_disagreement_seconds\": -3"),
        ] {
            let run = credwatch()
                .args(["probe", "p", "--output", output, "--config.file"])
                .arg(&file)
                .output()
                .expect("it runs");
            let shown = String::from_utf8_lossy(&run.stdout);
            let is_there = is_shown || output == "json" && expected.is_some();
            assert_eq!(shown.contains(words), is_there, "{shown}");
            assert!(!shown.contains("a-subject"), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_wrong_clock_of_this_host_is_not_blamed_on_the_token() {
    const VERIFY: &str = "verify.jwt = {}";
    for (name, claims, expires_in, ahead, code) in [
        ("ended", r#"{"exp":AT}"#, 300, -3600, "jwt_expired"),
        ("begins", r#"{"exp":9999999999,"nbf":AT}"#, 0, 600, "jwt_not_yet_valid"),
        ("made", r#"{"exp":9999999999,"iat":AT}"#, 0, 600, "jwt_issued_in_future"),
    ] {
        // The time of each claim fits the provider's clock.
        let time = if ahead < 0 { at(ahead + 300) } else { at(ahead) };
        let token = token(&claims.replace("AT", &time.to_string()));
        let members =
            if expires_in > 0 { format!(r#","expires_in":{expires_in}"#) } else { String::new() };
        for (ahead, reason) in [(ahead, "local"), (0, "unverified")] {
            let probe = probe(&endpoint(&token, &members, ahead), VERIFY).await;
            let Outcome::Failed(failure) = &probe.outcome else { panic!("{name} is issued") };
            let found = (failure.reason.word(), failure.code.as_str());
            assert_eq!(found, (reason, code), "{name} {}", failure.message.as_str());
            let says = failure.message.as_str().contains("the clock of this host is");
            assert_eq!(says, reason == "local", "{}", failure.message.as_str());
        }
    }
    // Our clock is ahead, so the end that the answer tells seems to be later than `exp`.
    let token = token(&format!(r#"{{"exp":{}}}"#, at(3000)));
    for (ahead, expected) in [(-600, "local"), (0, "unverified")] {
        let probe = probe(&endpoint(&token, r#","expires_in":3600"#, ahead), VERIFY).await;
        let Outcome::Failed(failure) = &probe.outcome else { panic!("it is issued") };
        let found = (failure.reason.word(), failure.code.as_str());
        assert_eq!(found, (expected, "jwt_expiry_differs"));
    }
}
