//! Failures that this host causes.

use credwatch::outcome::Probe;
use credwatch::probe::Prober;
use httpdate::fmt_http_date;
use std::time::{Duration, SystemTime};

use super::{assert_failure, failure};
use crate::support::endpoint::{Endpoint, http};
use crate::support::provider;

/// A provider with this URL, form and secret. The secret is a part of the URL.
async fn probe(url: &str, form: &str, secret: &str) -> Probe {
    let text = format!(
        "[recipes.r]\nparameters = {{ url = {{}} }}\ncredentials = [\"key\"]\n\
         request.url = \"{{{{ url }}}}?key={{{{ key }}}}\"\nrequest.form = {form}\n\
         response.token = \"json.token\"\nresponse.code = \"json.error\"\n\
         response.message = \"json.text\"\nresponse.expiry = {{ value = \"json.end\", unit = \
         \"epoch\" }}\n[providers.p]\nrecipe = \"r\"\n\
         parameters.url = {url:?}\ncredentials.key = {secret:?}\n"
    );
    Prober::new().probe(&provider(&text)).await
}

#[tokio::test]
async fn a_url_that_the_library_cannot_send_is_local() {
    let probe = probe("http://127.0.0.1/token", "{}", &"k".repeat(65_530)).await;
    assert_failure(&probe, "config", "local", "");
    assert_eq!(
        failure(&probe).message.as_str(),
        "the request is too large: its URL has 65557 bytes, and at most 65534 can be sent"
    );
}

#[tokio::test]
async fn a_refusal_names_the_clocks_when_they_differ_and_the_request_used_the_time() {
    let two_hours = Duration::from_secs(2 * 3600 + 10);
    let (ahead, behind) = (SystemTime::now() - two_hours, SystemTime::now() + two_hours);
    let timed = "{ at = \"{{ now_s }}\" }";
    for (form, date, start) in [
        (timed, ahead, "the clock of this host is 2h ahead of that of the provider; not you"),
        (timed, behind, "the clock of this host is 2h behind that of the provider; not you"),
        (timed, SystemTime::now(), "not you"),
        ("{ at = \"x\" }", ahead, "not you"),
    ] {
        let date = format!("Date: {}\r\n", fmt_http_date(date));
        let body = br#"{"error":"invalid_client","text":"not you"}"#;
        let endpoint = Endpoint::answering(http("401 Unauthorized", &date, body));
        let probe = probe(&endpoint.url(), form, "a-key-of-the-tests").await;
        assert_failure(&probe, "credential", "rejected", "invalid_client");
        assert!(
            failure(&probe).message.as_str().starts_with(start),
            "{}",
            failure(&probe).message.as_str()
        );
    }
}

#[tokio::test]
async fn a_token_that_ended_only_by_our_clock_is_local() {
    let two_hours = Duration::from_secs(2 * 3600 + 10);
    let then = SystemTime::now() - two_hours;
    // The token lives for an hour by the clock of the provider.
    let end = (then + Duration::from_secs(3600)).duration_since(SystemTime::UNIX_EPOCH);
    let body = format!("{{\"token\":\"a-token\",\"end\":{}}}", end.expect("later").as_secs());
    for (date, class, reason) in
        [(then, "config", "local"), (SystemTime::now(), "credential", "expired")]
    {
        let date = format!("Date: {}\r\n", fmt_http_date(date));
        let endpoint = Endpoint::answering(http("200 OK", &date, body.as_bytes()));
        let probe = probe(&endpoint.url(), "{}", "a-key-of-the-tests").await;
        assert_failure(&probe, class, reason, "");
        let message = failure(&probe).message.as_str();
        let start = "the clock of this host is 2h ahead of that of the provider, so the token";
        assert_eq!(message.starts_with(start), reason == "local", "{message}");
    }
}

#[tokio::test]
async fn a_lifetime_that_no_clock_changes_is_not_blamed_on_a_clock() {
    let then = SystemTime::now() - Duration::from_secs(600);
    let date = format!("Date: {}\r\n", fmt_http_date(then));
    let body = r#"{"token":"a-token","expires_in":60}"#;
    let endpoint = Endpoint::answering(http("200 OK", &date, body.as_bytes()));
    let provider = provider(&format!(
        "[recipes.r]\nparameters = {{ url = {{}} }}\nrequest.url = \"{{{{ url }}}}\"\n\
         response = {{ token = \"json.token\", expiry = {{ value = \"json.expires_in\", unit = \
         \"seconds\" }} }}\n[providers.p]\nrecipe = \"r\"\nmin_lifetime = \"5m\"\n\
         parameters.url = {:?}\n",
        endpoint.url()
    ));
    let probe = Prober::new().probe(&provider).await;
    assert_failure(&probe, "credential", "expired", "");
}
