//! Each alert as people read it: a real Alertmanager with the receivers of the documents and the
//! shipped templates sends to Slack, `PagerDuty` and a mail server that record everything.
//!
//! The alerts are those that the unit tests of the rules expect. promtool verifies that the rules
//! make exactly these.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Mutex;

use serde_json::{Value as Json, json};

use super::programs::servers::Alertmanager;
use super::support::alerts::{read, shown_alerts};
use super::support::documents::blocks;
use super::support::endpoint::Endpoint;
use super::support::wait_for;

/// The longest text that a person reads within fifteen seconds, in words.
const MOST_WORDS: usize = 55;

/// The three receivers, and the Alertmanager that sends to them.
struct Receivers {
    slack: Endpoint,
    pagerduty: Endpoint,
    mail: Endpoint,
    alertmanager: Alertmanager,
}

impl Receivers {
    /// `group_by` replaces that of the documents.
    fn start(group_by: &str) -> Self {
        let slack = Endpoint::json("200 OK", r#"{"ok":true}"#);
        let pagerduty = Endpoint::json("202 Accepted", r#"{"status":"success"}"#);
        let mail = Endpoint::serving(receive_mail);
        let page = read("docs/alerting.md");
        let found = blocks(&page, "yaml alertmanager");
        assert_eq!(found.len(), 1);
        let mut text = found[0].1.clone();
        let at = |endpoint: &Endpoint| format!("127.0.0.1:{}", endpoint.port());
        for (from, to) in [
            ("https://hooks.slack.com/", format!("http://{}/", at(&slack))),
            (
                "      - routing_key:",
                format!("      - url: http://{}/\n        routing_key:", at(&pagerduty)),
            ),
            ("mail.example.com:587", format!("{}\n        require_tls: false", at(&mail))),
            (
                "  group_by: [alertname, provider, api_host]",
                format!("  group_by: {group_by}\n  group_wait: 0s\n  group_interval: 1s"),
            ),
        ] {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text = text.replace(from, &to);
        }
        let alertmanager = Alertmanager::start(&text);
        Self { slack, pagerduty, mail, alertmanager }
    }

    /// Waits until each receiver has this many notifications.
    fn wait_for(&self, number: usize) {
        for (name, endpoint) in
            [("Slack", &self.slack), ("PagerDuty", &self.pagerduty), ("the mail", &self.mail)]
        {
            wait_for(&format!("{number} notifications at {name}"), || {
                (endpoint.requests().len() >= number).then_some(())
            });
        }
    }

    /// Title, text and colour of each message in Slack.
    fn of_slack(&self) -> BTreeMap<String, (String, String)> {
        let attachment = |request: &String| {
            let body = json_of(request)["attachments"][0].take();
            let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
            (text("title"), (text("text"), text("color")))
        };
        self.slack.requests().iter().map(attachment).collect()
    }

    /// The events of `PagerDuty`, by summary.
    fn of_pagerduty(&self) -> BTreeMap<String, Json> {
        let event = |request: &String| {
            let event = json_of(request);
            (event["payload"]["summary"].as_str().unwrap_or_default().to_owned(), event)
        };
        self.pagerduty.requests().iter().map(event).collect()
    }

    /// Text and HTML of each mail, by subject.
    fn of_the_mail(&self) -> BTreeMap<String, (String, String)> {
        let requests = self.mail.requests();
        requests
            .iter()
            .map(|mail| (subject(mail), (part(mail, "plain"), part(mail, "html"))))
            .collect()
    }
}

/// The body of an HTTP request.
fn json_of(request: &str) -> Json {
    let body = request.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {request}"))
}

/// Takes one mail (RFC 5321) and records it.
fn receive_mail(mut stream: TcpStream, mails: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream.try_clone().expect("a copy")).lines();
    let _ = stream.write_all(b"220 mail.example\r\n");
    while let Some(Ok(line)) = lines.next() {
        let answer = match line.split(' ').next().unwrap_or_default() {
            "DATA" => {
                let _ = stream.write_all(b"354 go on\r\n");
                let data = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".");
                // A line that begins with a point has a second one (section 4.5.2).
                let data =
                    data.map(|line| line.strip_prefix('.').map_or(line.clone(), str::to_owned));
                let mail = data.collect::<Vec<_>>().join("\n");
                mails.lock().expect("not poisoned").push(mail);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        let _ = stream.write_all(format!("{answer}\r\n").as_bytes());
    }
}

fn subject(mail: &str) -> String {
    let line = mail.lines().find_map(|line| line.strip_prefix("Subject: "));
    line.unwrap_or_else(|| panic!("{mail}")).to_owned()
}

/// The part of a mail with this type, decoded (RFC 2045, section 6.7).
fn part(mail: &str, kind: &str) -> String {
    let (_, rest) = mail.split_once(&format!("Content-Type: text/{kind}")).expect("the part");
    let (_, body) = rest.split_once("\n\n").expect("a body");
    let body = body.split("\n--").next().unwrap_or_default().replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'=').then(|| std::str::from_utf8(&after[..2]).expect("digits"));
        bytes.push(digits.map_or(*first, |digits| u8::from_str_radix(digits, 16).expect("hex")));
        rest = if digits.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).expect("text")
}

/// All alerts of the unit tests, once for each set of labels and for each summary.
fn distinct_alerts() -> Vec<(String, Json)> {
    let alerts = shown_alerts().into_iter().map(|(name, mut labels, annotations)| {
        labels["alertname"] = name.as_str().into();
        (labels.to_string(), (name, json!({ "labels": labels, "annotations": annotations })))
    });
    let by_labels: BTreeMap<String, (String, Json)> = alerts.collect();
    let summary = |alert: &Json| alert["annotations"]["summary"].to_string();
    let by_summary: BTreeMap<String, (String, Json)> =
        by_labels.into_values().map(|(name, alert)| (summary(&alert), (name, alert))).collect();
    by_summary.into_values().collect()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

#[test]
fn every_alert_is_read_within_fifteen_seconds_in_slack_pagerduty_and_mail() {
    let receivers = Receivers::start("['...']");
    let alerts = distinct_alerts();
    let bodies: Vec<Json> = alerts.iter().map(|(_, alert)| alert.clone()).collect();
    receivers.alertmanager.raise(&bodies);
    receivers.wait_for(alerts.len());
    let (slack, pagerduty) = (receivers.of_slack(), receivers.of_pagerduty());
    let mail = receivers.of_the_mail();
    for (name, alert) in &alerts {
        let text = |key: &str| alert["annotations"][key].as_str().unwrap_or_default();
        let (summary, description) = (text("summary"), text("description"));
        let runbook =
            if text("reason_url").is_empty() { text("runbook_url") } else { text("reason_url") };
        let is_page = alert["labels"]["severity"] == "page";

        let (body, color) = slack.get(summary).unwrap_or_else(|| panic!("{name}: {slack:#?}"));
        let (told, links) = body.rsplit_once('\n').expect("links");
        assert!(words(summary) + words(told) <= MOST_WORDS, "{name}: {body}");
        assert_eq!(told, description, "{name}");
        assert_eq!(color, if is_page { "danger" } else { "warning" }, "{name}");
        for (link, title) in
            [(text("page_url"), "Page"), (text("dashboard_url"), "Dashboard"), (runbook, "Runbook")]
        {
            let is_there = links.contains(&format!("<{link}|{title}>"));
            assert_eq!(is_there, !link.is_empty(), "{name}, {title}: {links}");
        }

        let event = &pagerduty[summary];
        let told = event["payload"]["custom_details"]["firing"].as_str().expect("a text");
        assert!(told.starts_with(description) && told.contains(runbook), "{name}: {told}");
        let severity = if is_page { "critical" } else { "warning" };
        assert_eq!(event["payload"]["severity"], severity, "{name}");
        assert_eq!(event["links"][0]["href"], runbook, "{name}");
        let client = event["client_url"].as_str().expect("an address");
        let expected = if text("page_url").is_empty() { "/#/alerts" } else { text("page_url") };
        assert!(client.contains(expected), "{name}: {client}");

        let (plain, html) = &mail[summary];
        let told = plain.split("\n\n").next().unwrap_or_default();
        assert!(words(summary) + words(told) <= MOST_WORDS, "{name}: {plain}");
        assert_eq!(told.trim(), description, "{name}");
        for link in [text("page_url"), text("dashboard_url"), runbook] {
            assert!(plain.contains(link), "{name}: {plain}");
            assert!(html.contains(&link.replace('&', "&amp;").replace('+', "&#43;")), "{html}");
        }
    }
}

#[test]
fn a_notification_about_several_alerts_names_each_and_hides_the_syntax_of_its_text() {
    let receivers = Receivers::start("[alertname]");
    let alert = |provider: &str, description: &str| {
        json!({
            "labels": {
                "alertname": "CredwatchCredentialBroken", "severity": "page",
                "provider": provider, "renew_url": "https://console.example/keys",
                "vendor_url": "https://status.example/",
            },
            "annotations": {
                "summary": format!("{provider}: the credential does not work."),
                "description": description,
                "page_url": "https://watch.example/providers/a",
                "runbook_url": "https://runbooks.example/",
            },
        })
    };
    let hostile = "“<!channel> & <b>bold</b>” Next: Ask.";
    receivers.alertmanager.raise(&[alert("a", hostile), alert("b", "Next: Wait.")]);
    receivers.wait_for(1);
    let title = "a: the credential does not work. (2 alerts)";
    let (slack, _) = &receivers.of_slack()[title];
    assert!(
        slack.starts_with(
            "“&lt;!channel&gt; &amp; &lt;b&gt;bold&lt;/b&gt;” Next: Ask.\n\
             • b: the credential does not work.\n"
        ),
        "{slack}"
    );
    assert!(
        slack.ends_with("<https://console.example/keys|Renew> · <https://status.example/|Vendor>"),
        "{slack}"
    );
    let event = &receivers.of_pagerduty()[title];
    let told = event["payload"]["custom_details"]["firing"].as_str().expect("a text");
    assert!(told.contains("\nAlso: b: the credential does not work.\n"), "{told}");
    let (plain, html) = &receivers.of_the_mail()[title];
    assert!(plain.contains("Renew: https://console.example/keys"), "{plain}");
    assert!(html.contains("&lt;!channel&gt; &amp; &lt;b&gt;bold"), "{html}");
    assert!(html.contains("<li>b: the credential does not work.</li>"), "{html}");
}

/// An alert about a credential of an API.
fn about(name: &str, severity: &str, provider: &str, api_host: &str) -> Json {
    json!({
        "labels": {
            "alertname": name, "severity": severity, "provider": provider, "api_host": api_host,
            "team": "payments", "job": "c", "instance": "h:1",
        },
        "annotations": { "summary": format!("{provider} of {api_host}.") },
    })
}

#[test]
fn thirty_credentials_of_a_vendor_that_is_down_are_one_ticket_and_one_page_for_each_team() {
    let webhooks = Endpoint::json("200 OK", "{}");
    let text = read("dashboards/alertmanager.example.yml")
        .replace("http://hooks.example/", &format!("http://127.0.0.1:{}/", webhooks.port()))
        .replace("group_wait: 30s", "group_wait: 1s");
    let alertmanager = Alertmanager::start(&text);
    let down = json!({
        "labels": {
            "alertname": "CredwatchApiDown", "severity": "ticket", "api_host": "api.example",
            "job": "c", "instance": "h:1",
        },
        "annotations": { "summary": "api.example does not work: 30 of 30 credentials fail." },
    });
    let mut alerts = vec![down];
    for number in 0..30 {
        let provider = format!("p{number}");
        let of = |name: &str, severity| about(name, severity, &provider, "api.example");
        alerts.push(of("CredwatchProviderUnavailable", "ticket"));
        alerts.push(of("CredwatchAvailabilityBurnFast", "ticket"));
        alerts.push(of("CredwatchRunwayShort", "page"));
    }
    alertmanager.raise(&alerts);
    let arrived = || -> Vec<(String, usize)> {
        let mut all: Vec<_> = webhooks
            .requests()
            .iter()
            .map(|request| {
                let json = json_of(request);
                let name = json["groupLabels"]["alertname"].as_str().unwrap_or_default().to_owned();
                (name, json["alerts"].as_array().map_or(0, Vec::len))
            })
            .collect();
        all.sort();
        all
    };
    wait_for("the ticket and the page", || (arrived().len() >= 2).then_some(()));
    // What is raised later arrives later than what would have been left of the first alerts.
    let other = about("CredwatchProviderUnavailable", "ticket", "other", "other.example");
    alertmanager.raise(&[other]);
    wait_for("the ticket of another API", || (arrived().len() >= 3).then_some(()));
    let expected = [
        ("CredwatchApiDown", 1),
        ("CredwatchProviderUnavailable", 1),
        ("CredwatchRunwayShort", 30),
    ];
    assert_eq!(arrived(), expected.map(|(name, count)| (name.to_owned(), count)));
}
