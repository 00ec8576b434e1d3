//! The texts of the alerts: the step for each reason, the time to read them, and whose sentence
//! they show.

use std::collections::{BTreeMap, BTreeSet};

use credwatch::outcome::Reason;
use serde_json::Value as Json;

use crate::support::alerts::{alerts, read, rules, shown_alerts};

/// The reasons that an alert can have, by its static label or by what it selects.
fn reasons(rule: &Json) -> Vec<Reason> {
    if let Some(word) = rule["labels"]["reason"].as_str() {
        return vec![
            Reason::from_word(word).unwrap_or_else(|| panic!("there is no reason {word:?}")),
        ];
    }
    let expression = rule["expr"].as_str().expect("an expression");
    // An alert about a whole daemon counts reasons, but has no own reason.
    if !expression.contains("group_left (class, reason") {
        return Vec::new();
    }
    let Some(selector) =
        expression.split("failure_info{").nth(1).and_then(|rest| rest.split('}').next())
    else {
        return Vec::new();
    };
    let holds = |reason: &Reason| {
        selector.split(", ").all(|matcher| {
            let (label, rest) = matcher.split_at(matcher.find(['=', '!']).expect("a matcher"));
            let (operator, values) = rest.split_once('"').expect("a value");
            let value = if label == "class" { reason.class().word() } else { reason.word() };
            let among = values.trim_end_matches('"').split('|').any(|one| one == value);
            among != operator.starts_with('!')
        })
    };
    Reason::ALL.into_iter().filter(holds).collect()
}

/// The text of a template for each reason: `{{ if eq $labels.reason "dns" -}} … {{- else if …`.
fn spoken(template: &str) -> BTreeMap<String, String> {
    let pieces = template.split("eq $labels.reason \"").skip(1);
    let text = |rest: &str| Some(rest.split_once("-}}")?.1.split("{{-").next()?.trim().to_owned());
    pieces
        .filter_map(|piece| piece.split_once('"'))
        .filter_map(|(word, rest)| Some((word.to_owned(), text(rest)?)))
        .collect()
}

/// Steps that fit an alert better than the step of the reason.
const OWN_STEPS: [(&str, Reason, &str); 3] = [
    (
        "CredwatchCredentialRejected",
        Reason::Rejected,
        "Ask the owner whether the secret was changed today. If not, or if this goes on tomorrow, \
         tell the vendor: some of its servers may not know the secret.",
    ),
    (
        "CredwatchNextCredentialRefused",
        Reason::Rejected,
        "Ask the owner: is the new secret valid and active at the vendor, and copied completely?",
    ),
    (
        "CredwatchRunwayShort",
        Reason::Rejected,
        "Ask the owner now for the valid secret, or for a new one, for the applications and \
         credwatch.",
    ),
];

/// The step of an alert for a reason, as the template has it.
fn step(name: &str, reason: Reason) -> String {
    let own = OWN_STEPS.iter().find(|(alert, of, _)| *alert == name && *of == reason);
    let step = own.map_or(reason.facts().step, |(_, _, step)| step);
    step.replace("this host", "{{ $labels.instance }}")
}

#[test]
fn alerts_tell_the_first_step_for_each_reason_with_the_text_of_the_code() {
    let mut explained = BTreeSet::new();
    for (name, rule) in alerts() {
        let (reasons, annotations) = (reasons(&rule), &rule["annotations"]);
        let description = annotations["description"].as_str().expect("a description");
        assert_eq!(annotations["reason_url"].is_string(), !reasons.is_empty(), "{name}");
        match reasons[..] {
            [] => assert!(spoken(description).is_empty(), "{name}"),
            [reason] => assert!(
                description.ends_with(&format!("Next: {}", step(&name, reason))),
                "{name} should end with:\n{}",
                step(&name, reason)
            ),
            _ => assert_eq!(
                spoken(description),
                reasons
                    .iter()
                    .map(|reason| (reason.word().to_owned(), step(&name, *reason)))
                    .collect(),
                "{name}"
            ),
        }
        if !matches!(&*name, "CredwatchNextCredentialRefused" | "CredwatchRunwayShort") {
            explained.extend(reasons);
        }
    }
    assert_eq!(
        explained.into_iter().collect::<BTreeSet<_>>(),
        Reason::ALL.into_iter().collect(),
        "each reason has an alert"
    );
}

/// The longest time for which a person reads the text of an alert, in seconds.
const SECONDS: f64 = 15.0;

/// How many words a person reads in a second.
const WORDS_A_SECOND: f64 = 3.7;

#[test]
fn every_alert_is_read_within_fifteen_seconds_and_has_its_facts() {
    let mut seen = BTreeSet::new();
    for (name, labels, annotations) in shown_alerts() {
        let text = |key: &str| annotations[key].as_str().unwrap_or_default();
        let (summary, description) = (text("summary"), text("description"));
        let words = summary.split_whitespace().chain(description.split_whitespace()).count();
        let seconds = f64::from(u32::try_from(words).expect("few")) / WORDS_A_SECOND;
        assert!(seconds <= SECONDS, "{name}: {words} words:\n{summary}\n{description}");
        assert!(description.contains("Next: "), "{name} tells no next step: {description}");
        assert!(!format!("{summary}{description}").contains("  "), "{name}: {description:?}");
        assert!(text("dashboard_url").starts_with("https://grafana.example/d/"), "{name}");
        let of_a_provider = labels["provider"].as_str();
        if let Some(provider) = of_a_provider {
            assert!(summary.contains(provider), "{name}: {summary}");
            assert!(text("page_url").starts_with("https://watch.example/providers/"), "{name}");
        }
        if let (Some(team), None) = (labels["team"].as_str(), labels["owner"].as_str()) {
            assert!(summary.contains(&format!("({team})")), "{name}: {summary}");
        }
        seen.insert((name, labels["reason"].as_str().unwrap_or_default().to_owned()));
    }
    let expected: BTreeSet<(String, String)> = alerts()
        .into_iter()
        // This alert has the steps of the other alerts.
        .filter(|(name, _)| name != "CredwatchRunwayShort")
        .flat_map(|(name, rule)| {
            let words = reasons(&rule).into_iter().map(|reason| reason.word().to_owned());
            let words: Vec<String> = words.collect();
            let all = if words.is_empty() { vec![String::new()] } else { words };
            all.into_iter().map(move |word| (name.clone(), word))
        })
        .collect();
    let missing: Vec<_> = expected.difference(&seen).collect();
    assert!(missing.is_empty(), "no unit test shows {missing:?}");
}

/// The beginning of the sentence of a failure that an alert shows, in words.
const WORDS_OF_A_SENTENCE: usize = 15;

#[test]
fn alerts_quote_only_the_vendor_and_have_no_sentence_as_a_label() {
    let mut longest = 0;
    for (name, labels, annotations) in shown_alerts() {
        assert!(labels["message"].is_null() && labels["text"].is_null(), "{name}");
        let description = annotations["description"].as_str().unwrap_or_default();
        let quoted = description.split_once('“').and_then(|(_, rest)| rest.split_once('”'));
        if let Some((sentence, _)) = quoted {
            assert!(description.contains("Vendor: “"), "{name}: {description}");
            assert!(labels["class"] != "network", "no vendor answered: {description}");
            longest = longest.max(sentence.trim_end_matches(" …").split_whitespace().count());
        }
        let says_why = description.contains("Cause: ") || quoted.is_some();
        let has_a_sentence = labels["reason"].is_string()
            && !matches!(&*name, "CredwatchCredentialRejected" | "CredwatchProviderThrottled");
        assert!(says_why || !has_a_sentence, "{name}: {description}");
    }
    assert_eq!(longest, WORDS_OF_A_SENTENCE, "the longest sentence is cut");
    for (name, rule) in alerts() {
        let expression = rule["expr"].as_str().expect("an expression");
        assert!(!expression.contains("message"), "{name}: alerts with another label are new ones");
        let description = rule["annotations"]["description"].as_str().unwrap_or_default();
        assert!(!description.contains("message"), "{name}: read credwatch:failure:text");
    }
}

#[test]
fn the_rule_that_quotes_the_vendor_knows_the_sentences_of_credwatch() {
    let rules = rules("alerts");
    let rule = rules.iter().find(|rule| rule["record"] == "credwatch:failure:text");
    let expression = rule.and_then(|rule| rule["expr"].as_str()).expect("the rule");
    for (file, sentence) in [
        ("src/recipe/refusal.rs", "HTTP status "),
        ("src/recipe/refusal.rs", " with the error code "),
        ("src/recipe/refusal.rs", ": the request is too large "),
        ("src/recipe/refusal.rs", "the answer tells a failure"),
        ("src/recipe/reading.rs", " is not one of "),
        ("src/recipe/reading.rs", "the server has replaced "),
        ("src/recipe/verification.rs", "the token was issued, but it is refused: "),
        ("src/recipe/verification.rs", "the token was issued, but "),
        ("src/recipe/retry.rs", "the clock of this host is "),
        ("src/recipe/retry.rs", "that of the provider"),
        ("src/probe/identity.rs", "our client certificate"),
        ("src/outcome/detail.rs", "(phase "),
        ("src/state/sentences.rs", "see the page of this provider: "),
    ] {
        assert!(read(file).contains(sentence), "{file} no longer has {sentence:?}");
        let in_rule = sentence.replace('(', r"\(");
        assert!(expression.contains(&in_rule), "{sentence}");
    }
}
