//! The table of statuses in the reference, held against the program.

use std::collections::BTreeMap;
use std::sync::Arc;

use credwatch::outcome::{Outcome, Reason};
use credwatch::recipe::{
    Attempt, Expectations, Fingerprints, Inputs, Recipe, TokenResponse, Trace, builtin,
};

use super::heads::{ERROR, TOKEN, table};

/// The reason of each status as the reference says.
fn documented() -> BTreeMap<u16, Reason> {
    let number = |text: &str| text.trim().parse::<u16>().expect("a status");
    let reason = |word: &str| Reason::from_word(word.trim_matches('`')).expect("a reason");
    let rows = table("### Statuses");
    let (ranges, single): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row[0].contains('–'));
    let mut reasons = BTreeMap::new();
    for row in ranges {
        let (from, to) = row[0].split_once('–').expect("a range");
        reasons.extend((number(from)..=number(to)).map(|status| (status, reason(&row[1]))));
    }
    for row in single {
        reasons.extend(row[0].split(',').map(|status| (number(status), reason(&row[1]))));
    }
    reasons
}

fn read(recipe: &Recipe, status: u16, body: &'static str) -> Outcome {
    let now = jiff::Timestamp::from_second(1_700_000_000).expect("a time");
    let attempt = Attempt { now, uuid: uuid::Uuid::nil() };
    let inputs = Inputs { parameters: &[], credentials: &[] };
    let mut values = recipe.begin(&inputs, &attempt).expect("it begins");
    let headers = http::HeaderMap::new();
    let response =
        TokenResponse { status, headers, body: body.into(), received: now, damage: None };
    let (wanted, prints) = (Expectations::default(), Fingerprints::default());
    recipe.read(&mut values, &response, &wanted, &prints, false, &mut Trace::default())
}

#[test]
fn each_status_means_what_the_reference_says() {
    let recipe = |statuses: &str| {
        let text = format!(
            "request.url = \"https://x.example\"\nresponse = {{ token = \"json.access_token\", \
             code = \"json.error\"{statuses} }}"
        );
        let source = credwatch::diagnostic::Source::new("x", text);
        builtin::compile_file("x", &Arc::new(source))
            .unwrap_or_else(|faults| panic!("{}", faults[0]))
    };
    let (any, one) = (recipe(""), recipe(", statuses = [299, 599]"));
    let documented = documented();
    assert_eq!(documented.keys().copied().collect::<Vec<_>>(), (100..=599).collect::<Vec<_>>());
    for (status, expected) in documented {
        let failed = |outcome: &Outcome| match outcome {
            Outcome::Failed(failure) => (failure.reason, failure.code.to_string()),
            good => panic!("{status} is a success: {good:?}"),
        };
        let own = format!("http_{status}");
        if (200..300).contains(&status) {
            assert!(matches!(read(&any, status, TOKEN), Outcome::Issued(_)), "{status}");
            assert_eq!(failed(&read(&any, status, "")), (expected, "body_empty".into()));
            let refused = (Reason::Rejected, "invalid_client".into());
            assert_eq!(failed(&read(&any, status, ERROR)), refused);
        } else {
            assert_eq!(failed(&read(&any, status, TOKEN)), (expected, own.clone()), "{status}");
            let code = if expected == Reason::Redirect { &own } else { "invalid_client" };
            assert_eq!(failed(&read(&any, status, ERROR)), (expected, code.into()), "{status}");
        }
        let outcome = read(&one, status, TOKEN);
        if matches!(status, 299 | 599) {
            assert!(matches!(outcome, Outcome::Issued(_)), "{status} is one of `statuses`");
        } else {
            assert_eq!(failed(&outcome), (expected, own), "{status} is not one of `statuses`");
        }
    }
}
