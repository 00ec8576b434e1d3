//! The limits of recipes. Without limits, these recipes would need gigabytes or hours, or would
//! read files. The limits count bytes of values and the cost of evaluation, not time.

use std::sync::Arc;

use credwatch::config::load_text;
use credwatch::language::expression::{Compiled, Side, explain};
use credwatch::language::names::Names;
use credwatch::outcome::Outcome;
use credwatch::probe::LARGEST_BODY;
use credwatch::provider::Provider;
use credwatch::recipe::{Attempt, Inputs, Kind, TokenResponse, Trace};
use http::HeaderMap;
use minijinja::Value;
use secrecy::SecretString;

fn names() -> Names {
    let mut names = Names::default();
    for name in ["big", "n", "list", "key", "now_s"] {
        names.add(name, false);
    }
    names.add_members("json", &[]);
    names
}

/// Evaluates an expression with the largest possible values. Returns the size of the result, or the
/// message of the error.
fn outcome(source: &str) -> Result<usize, String> {
    let compiled = Compiled::new(Side::Request, source, &names())
        .map_err(|mistake| mistake.message.to_string())?;
    let deep =
        (0..120).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner, inner_text()]));
    let json = serde_json::json!({ "deep": deep, "big": "\"".repeat(200_000) });
    let context = Value::from_pairs([
        ("big", Value::from("\\\"&%".repeat(LARGEST_BODY / 4))),
        ("n", Value::from(100_000_000)),
        ("list", Value::from(vec![Value::from("x".repeat(1_000)); 400])),
        ("key", Value::from("a-key")),
        ("now_s", Value::from(1_700_000_000)),
        ("json", Value::from(minijinja::value::Serde(&json))),
    ]);
    let value = compiled.evaluate(&context).map_err(|error| explain(&error))?;
    Ok(value.as_bytes().map_or(0, <[u8]>::len))
}

fn joined(pieces: impl Iterator<Item = String>) -> String {
    pieces.collect::<Vec<_>>().concat()
}

fn inner_text() -> serde_json::Value {
    "y".repeat(100).into()
}

#[test]
fn every_expression_with_a_result_that_is_too_large_fails() {
    let chain = |filter: &str, count: usize| format!("big{}", format!(" | {filter}").repeat(count));
    for (source, problem) in [
        ("'x' * 100000000".to_owned(), "a string cannot be multiplied, only a number can"),
        ("n * 'x'".to_owned(), "a string cannot be multiplied, only a number can"),
        ("big * 1000".to_owned(), "a string cannot be multiplied, only a number can"),
        ("[0] * n | int".to_owned(), "a sequence cannot be multiplied, only a number can"),
        ("('x' ~ n | int) * 1000".to_owned(), "a string cannot be multiplied, only a number can"),
        (
            "(big if n else 1 | int) * 7".to_owned(),
            "a string cannot be multiplied, only a number can",
        ),
        ("7 * 7 | string".to_owned(), "a string cannot be multiplied, only a number can"),
        (vec!["big"; 60].join(" ~ "), "the value is larger than 512 KiB"),
        (vec!["big"; 62].join(" ~ "), "the expression is too long"),
        (vec!["big"; 60].join(" + "), "the value is larger than 512 KiB"),
        (chain("json", 30), "the value is larger than 512 KiB"),
        (chain("hex", 30), "the value is larger than 512 KiB"),
        (chain("base64", 30), "the value is larger than 512 KiB"),
        (chain("urlencode", 30), "the value is larger than 512 KiB"),
        (chain("formencode", 30), "the value is larger than 512 KiB"),
        (chain("xml_escape", 30), "the value is larger than 512 KiB"),
        (chain("replace('&', '&&&&&&&&')", 30), "the value is larger than 512 KiB"),
        ("big | replace('', big)".into(), "the value is larger than 512 KiB"),
        ("list | join(big)".into(), "the value is larger than 512 KiB"),
        ("(list + list) | json".into(), "the value is larger than 512 KiB"),
        ("[list, list] | json".into(), "the value is larger than 512 KiB"),
        ("[list, list]".into(), "the value is larger than 512 KiB"),
        ("big | split('%')".into(), "`split` would make more than 10000 parts"),
        ("('a' ~ big) | split('')".into(), "`split` would make more than 10000 parts"),
        (
            "{'a': big, 'b': big, 'c': big} | jwt(key, alg='HS256')".into(),
            "the value is larger than 512 KiB",
        ),
        ("{'a': big} | jwt(key, alg='HS256')".into(), "the value is larger than 512 KiB"),
        ("now_s | strftime('%999999999d')".into(), "`strftime` cannot use this form"),
        ("now_s | strftime(big)".into(), "the form of `strftime` is too long"),
        (
            "(big | replace('\\\\', '[') | replace('\"', '[')) | from_json".into(),
            "`from_json` needs a text that holds JSON",
        ),
        ("10 ** 10 ** 10".into(), "a number is too large, or something is divided by zero"),
        ("n // 0".into(), "a number is too large, or something is divided by zero"),
        ("big[::-1]".into(), "a slice has no step: `text[from:to]`"),
        ("list[n:0:-9223372036854775808]".into(), "a slice has no step: `text[from:to]`"),
        ("(".repeat(61) + "1" + &")".repeat(61), "the expression is too long"),
        ("1".to_owned() + &" | int".repeat(251), "the expression is too long"),
        (format!("'{}'", "x".repeat(65 * 1024)), "the expression is too long"),
    ] {
        let message = outcome(&source).expect_err(&source[..source.len().min(80)]);
        assert!(message.starts_with(problem), "{}: {message}", &source[..source.len().min(80)]);
    }
}

#[test]
fn large_results_within_the_limit_are_possible() {
    for (source, size) in [
        ("big", LARGEST_BODY),
        ("big | json", 2 + LARGEST_BODY / 4 * 6),
        ("big ~ ''", LARGEST_BODY),
        ("big | hex", 2 * LARGEST_BODY),
        ("big | sha512", 64),
        ("list | join", 400_000),
        ("json.deep | json", 120 * 105 + 1),
        ("now_s | strftime('%255d')", 20),
        ("((n | int) * 60) | string", 10),
        ("60 * (n | int)", 0),
        ("2 * 3 * now_s", 0),
        ("n * 60 - 1", 0),
        ("-(n * now_s) * 2", 0),
        ("n*n*n*2", 0),
        ("'3' ~ n * 2", 10),
        ("[n * 2, n * 3] | join('*')", 19),
        ("(now_s + 60) * 1000", 0),
        ("-(n | default(5) | int) * 60 ** 2", 0),
    ] {
        assert_eq!(outcome(source), Ok(size), "{source}");
    }
}

/// A thread of the runtime has a stack of 2 MiB. A build without optimization needs most of it.
#[test]
fn the_deepest_expressions_fit_on_the_stack_of_a_thread() {
    let deepest = [
        "(".repeat(60) + "1" + &")".repeat(60),
        "[".repeat(60) + "1" + &"]".repeat(60),
        "-".repeat(60) + "n",
        "not ".repeat(60) + "n",
        "1 if n else ".repeat(30) + "1",
        vec!["n"; 61].join(" ~ "),
        vec!["n"; 250].join(" and "),
        vec!["n"; 166].join(" ** "),
        vec!["n"; 250].join(" < "),
        "n".to_owned() + &" | int".repeat(249),
        "n".to_owned() + &" is number".repeat(249),
        "json".to_owned() + &".a".repeat(249),
        "json".to_owned() + &"['a']".repeat(59),
        "{'a':".repeat(60) + "n" + &"}".repeat(60),
        vec!["n"; 250].join(","),
    ];
    let thread = std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(move || deepest.iter().filter(|source| outcome(source).is_ok()).count());
    assert!(thread.expect("a thread").join().expect("no overflow") >= 8);
}

fn provider(recipe: &str) -> Result<Arc<Provider>, String> {
    let text = format!(
        "[recipes.r]\nparameters = {{ url = {{}} }}\ncredentials = [\"key\"]\n{recipe}\n\
         [providers.p]\nrecipe = \"r\"\nparameters.url = \"https://host.invalid\"\ncredentials.key \
         = \"a-key-of-the-tests\"\n\
         [recipes.r.request.query]\nkey = \"{{{{ key }}}}{{{{ url }}}}\"\n"
    );
    load_text("test", &text)
        .map(|configuration| Arc::clone(&configuration.providers[0]))
        .map_err(|faults| faults[0].to_string())
}

const REST: &str = "request.url = \"{{ url }}\"\nresponse.token = \"json.token\"\n";

/// Lists of lists of lists: small in memory, but huge when they are printed or compared.
#[test]
fn values_that_contain_each_other_many_times_are_a_load_error() {
    let laughs =
        joined((1..20).map(|n| {
            format!("let.l{n} = \"[{}]\"\n", vec![format!("l{}", n - 1); 100].join(", "))
        }));
    for last in [
        "let.x = \"l19 | json\"",
        "let.x = \"l19 == [l19]\"",
        "let.x = \"l19 ~ ''\"",
        "request.json = { a = \"{{ l19 }}\" }",
        "let.x = \"{l19: 1} | jwt(key, alg='HS256')\"",
    ] {
        let error =
            provider(&format!("let.l0 = \"[key, key]\"\n{laughs}{last}\n{REST}")).expect_err(last);
        assert!(error.contains("the value is larger than 512 KiB"), "{error}");
    }
    let deep = joined(
        (1..50).map(|n| format!("let.d{n} = \"{}d{}{}\"\n", "[".repeat(50), n - 1, "]".repeat(50))),
    );
    let error = provider(&format!("let.d0 = \"key\"\n{deep}{REST}")).expect_err("it is too deep");
    assert!(error.contains("the value is larger than 512 KiB"), "{error}");
}

/// A recipe of thousands of expressions is limited too.
#[test]
fn all_expressions_of_a_probe_share_one_cost_limit() {
    let used_up = "its expressions have used up what one probe may use";
    let digests = joined((0..60).map(|n| {
        format!("f{n} = \"{{{{ ({}) | sha512 | hex }}}}\"\n", vec!["bigger"; 100].join(" and "))
    }));
    let big =
        format!("let.k = \"key{}\"\nlet.big = \"k{}\"\n", " ~ key".repeat(59), " ~ k".repeat(59));
    let grown = format!("{big}let.bigger = \"big ~ big ~ big ~ big ~ big\"\n");
    assert!(provider(&format!("{grown}{REST}")).is_ok(), "by itself it is fine");
    let signatures = joined(
        (0..300).map(|n| format!("s{n} = \"{{{{ {{'a': {n}}} | jwt(key, alg='HS256') }}}}\"\n")),
    );
    for request in [digests, signatures] {
        let error = provider(&format!("{grown}{REST}\n[recipes.r.request.form]\n{request}"))
            .expect_err("it does too much");
        assert!(error.contains(used_up), "{}", &error[..error.len().min(300)]);
    }
}

/// If only the answers of one probe make a recipe too costly, only that probe fails.
#[test]
fn a_recipe_with_answers_that_make_it_too_costly_fails_as_malformed() {
    let steps = joined((0..8).map(|n| {
        format!(
            "[[recipes.r.steps]]\nname = \"s{n}\"\nrequest.url = \"{{{{ url }}}}/{n}\"\n\
             response.gives = {{ {} }}\n",
            (0..40).map(|m| format!("g{n}_{m} = \"body ~ ''\"")).collect::<Vec<_>>().join(", ")
        )
    }));
    let provider = provider(&format!("{REST}{steps}")).expect("nothing is wrong with it by itself");
    let credentials = [("key".to_owned(), SecretString::from("a-key"))];
    let attempt =
        Attempt { now: "2023-11-14T22:13:20Z".parse().expect("a time"), uuid: uuid::Uuid::nil() };
    let parameters = [("url".to_owned(), Value::from("https://host.invalid"))];
    let mut values = provider
        .recipe
        .begin(&Inputs { parameters: &parameters, credentials: &credentials }, &attempt)
        .expect("it begins");
    let mut failures = Vec::new();
    for step in provider.recipe.calls(None).filter(|call| call.kind == Kind::Step) {
        if let Err(error) = step.render(&mut values) {
            failures.push(error.failure());
            continue;
        }
        let response = TokenResponse {
            status: 200,
            headers: HeaderMap::new(),
            body: "x".repeat(LARGEST_BODY).into(),
            received: attempt.now,
            damage: None,
        };
        failures.extend(step.read(&mut values, &response, &mut Trace::default()).err());
    }
    assert!(values.cost() < 100 * 1024 * 1024, "{}", values.cost());
    assert_eq!(
        failures.len(),
        5,
        "three steps of forty times 256 KiB, each looked at twice, are 60 MiB, and 64 is what all \
         may cost"
    );
    assert!(
        failures.iter().all(|failure| failure.reason.class().word() == "provider"),
        "{failures:?}"
    );
}

/// Known ways to escape from expressions, in this engine and in others.
#[test]
fn an_expression_can_use_only_the_values_of_its_recipe() {
    for source in [
        "range(10)",
        "env('HOME')",
        "lookup('env')",
        "include('x')",
        "open('/etc/passwd')",
        "self",
        "loop",
        "cycler",
        "joiner",
        "namespace()",
        "debug()",
        "dict(a=1)",
        "lipsum()",
        "key.__class__",
        "key | pprint",
        "key | safe",
        "key | attr('x')",
        "key | map('upper')",
        "[1] | select",
        "[1] | sum",
        "1 | random",
        "key | file",
        "key | shell",
        "now()",
        "key.upper()",
        "json['x']()",
        "(key)(1)",
        "key | apply(now_s)",
        "key is divisibleby(2)",
        "key is filter",
        "PATH",
        "HOME",
        "import('x')",
        "key = 1",
        "lambda: 1",
        "[x for x in key]",
        "{% for x in key %}{% endfor %}",
        "`id`",
        "$(id)",
        "json..x",
    ] {
        let refused = Compiled::new(Side::Request, source, &names()).is_err();
        // A missing member is undefined.
        assert!(refused || source == "key.__class__", "{source} is possible");
    }
    assert_eq!(outcome("key.__class__"), Ok(0));
    for text in ["{% for a in key %}", "{% include 'x' %}", "{# x #}"] {
        assert!(
            provider(&format!(
                "request.url = \"{{{{ url }}}}/{text}\"\nresponse.token = \"json.t\""
            ))
            .is_err(),
            "{text}"
        );
    }
}

#[test]
fn a_recipe_can_request_only_http_urls() {
    for url in [
        "file:///etc/passwd",
        "ftp://host.invalid/",
        "data:text/plain,x",
        "unix:/run/x",
        "javascript:1",
        "gopher://host.invalid",
        "https://user:pass@host.invalid/",
        "//host.invalid/",
        "/etc/passwd",
    ] {
        let error = provider(&format!("request.url = \"{url}\"\nresponse.token = \"json.t\""))
            .expect_err(url);
        assert!(
            error.contains("is not supported")
                || error.contains("no URL")
                || error.contains("must not contain credentials"),
            "{url}: {error}"
        );
    }
}

#[test]
fn entity_bombs_and_deep_nesting_are_malformed_answers() {
    let provider = provider(
        "request.url = \"{{ url }}\"\nresponse = \
         { format = \"xml\", token = \"xml.x.t\", code = [\"xml.x\", \"json.a\"], \
          message = [\"body\", \"xml.x\"] }",
    )
    .expect("fine");
    let attempt =
        Attempt { now: "2023-11-14T22:13:20Z".parse().expect("a time"), uuid: uuid::Uuid::nil() };
    let entities = joined(
        (1..10).map(|n| format!("<!ENTITY a{n} \"{}\">", format!("&a{};", n - 1).repeat(10))),
    );
    for body in [
        format!("<!DOCTYPE x [<!ENTITY a0 \"ha\">{entities}]><x>&a9;</x>"),
        "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><x>&a;</x>".into(),
        "<!DOCTYPE x SYSTEM \"http://127.0.0.1:1/x.dtd\"><x/>".into(),
        "<x>".repeat(80_000),
        format!("{}{}", "<x>".repeat(30_000), "</x>".repeat(30_000)),
        "[".repeat(LARGEST_BODY),
        format!("{}1{}", "{\"a\":".repeat(40_000), "}".repeat(40_000)),
        "&amp;".repeat(50_000),
    ] {
        let parameters = [("url".to_owned(), Value::from("https://host.invalid"))];
        let credentials = [("key".to_owned(), SecretString::from("a-key"))];
        let mut values = provider
            .recipe
            .begin(&Inputs { parameters: &parameters, credentials: &credentials }, &attempt)
            .expect("it begins");
        let response = TokenResponse {
            status: 200,
            headers: HeaderMap::new(),
            body: body.clone().into(),
            received: attempt.now,
            damage: None,
        };
        let outcome = provider.recipe.read(
            &mut values,
            &response,
            &credwatch::recipe::Expectations::default(),
            &credwatch::recipe::Fingerprints::default(),
            false,
            &mut Trace::default(),
        );
        let Outcome::Failed(failure) = outcome else { panic!("a token in {}", &body[..40]) };
        assert_eq!(failure.reason.word(), "malformed", "{}: {failure:?}", &body[..40]);
        assert!(!failure.message.as_str().contains("root:"));
    }
}
