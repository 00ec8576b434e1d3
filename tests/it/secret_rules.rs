//! A rule for an answer that depends on a secret is a load error.

use credwatch::config::load_text;
use credwatch::diagnostic::Fault;

/// The first fault of these rules; empty when there is none.
fn first_fault(rules: &str) -> String {
    faults(rules).first().map(ToString::to_string).unwrap_or_default()
}

/// The faults of a recipe with these lines in `[recipes.r.response]`. The first one is line 13.
fn faults(rules: &str) -> Vec<Fault> {
    let text = format!(
        r#"[recipes.r]
parameters = {{ url = {{}} }}
credentials = ["secret"]
let.made = "secret | sha256 | hex"
[[recipes.r.steps]]
name = "login"
request.url = "{{{{ url }}}}"
response.gives = {{ session = "json.session" }}
[recipes.r.request]
url = "{{{{ url }}}}"
form = {{ a = "{{{{ secret }}}}", b = "{{{{ made }}}}", c = "{{{{ session }}}}" }}
[recipes.r.response]
{rules}
[providers.p]
recipe = "r"
parameters.url = "https://api.example"
credentials.secret = "hunter2canaryXY"
"#
    );
    load_text("c.toml", &text).err().unwrap_or_default()
}

const TOKEN: &str = "token = \"json.access_token\"";

#[test]
fn a_rule_that_depends_on_a_secret_is_a_load_error_at_its_place() {
    for (rule, column, used) in [
        ("code = \"secret\"", 9, "secret"),
        ("code = \"secret | replace('', 'q')\"", 9, "secret"),
        ("message = \"secret[:5] ~ ' and ' ~ secret[5:]\"", 12, "secret"),
        ("code = \"(secret | md5 | hex)[:20]\"", 10, "secret"),
        ("message = \"secret | sha256 | hex\"", 12, "secret"),
        ("message = \"json.access_token | sha256 | hex\"", 12, "json.access_token"),
        ("message = \"json.access_token | replace('', 'q')\"", 12, "json.access_token"),
        ("message = \"secret | base64 | base64\"", 12, "secret"),
        ("code = \"'h' if secret is startingwith('h') else 'other'\"", 16, "secret"),
        ("code = \"secret | split('') | join('_')\"", 9, "secret"),
        ("code = [\"json.error\", \"made\"]", 24, "made"),
        ("message = \"json.a ~ session\"", 21, "session"),
        ("message = \"json['access_token']\"", 12, "json['access_token']"),
        ("issued = \"json.a == secret\"", 21, "secret"),
        ("suspended = \"json.a == secret\"", 24, "secret"),
        ("blocked = { when = \"session in json.a\" }", 21, "session"),
        ("never = \"token == 'x'\"", 10, "token"),
        ("scopes = \"json.access_token | split('.')\"", 11, "json.access_token"),
        ("message = \"body | replace('', 'q')\"", 12, "body"),
        ("code = \"body[:20]\"", 9, "body"),
        ("message = \"json.a ~ body\"", 21, "body"),
        ("expiry = [{ value = \"token | length\", unit = \"seconds\" }]", 22, "token"),
        ("retry_after = [{ value = \"secret | length\", unit = \"seconds\" }]", 27, "secret"),
        (
            "retry_after = [{ value = \"json.access_token\", unit = \"epoch\" }]",
            27,
            "json.access_token",
        ),
    ] {
        let faults = faults(&format!("{TOKEN}\n{rule}"));
        let [fault] = faults.as_slice() else { panic!("{rule}: {} faults", faults.len()) };
        let text = fault.to_string();
        let start =
            format!("c.toml:14:{column}: error: this rule would show `{used}`, which is secret\n");
        assert!(text.starts_with(&start), "{rule}: {text}");
        assert!(text.contains("hint: a rule for the answer may use a secret only in `same(a, b)`"));
    }
    // A second name for the member with the token, and a token at a computed place.
    for (token, rule) in [
        ("json.access_token", r"json['access\\u005ftoken'] | upper"),
        ("json.list[10]", "json.list[1_0] | upper"),
        ("json['access_' ~ 'token']", "json.access_token | upper"),
        ("(body | from_json).access_token", "json.access_token[1:]"),
        ("{'k' if true: json.access_token}['k']", "json.access_token | upper"),
        ("['a'][0 if false:] ~ json.access_token", "json.access_token | upper"),
    ] {
        let text = first_fault(&format!("token = \"{token}\"\nmessage = \"{rule}\""));
        assert!(text.contains("error: this rule would show `json"), "{token} {rule}: {text}");
    }
    let whole = faults("format = \"text\"\ntoken = \"body\"\nmessage = \"body | upper\"");
    assert!(whole[0].to_string().contains("this rule would show `body`"), "{}", whole[0]);
    let step = faults(&format!(
        "{TOKEN}\n[[recipes.r.cleanup]]\nname = \"logout\"\nrequest.url = \"{{{{ url }}}}\"\n\
         response.message = \"token | upper\""
    ));
    assert!(step[0].to_string().contains("this rule would show `token`"), "{}", step[0]);
}

/// Each line is an attack that shows characters of a secret, one by one or by their number.
#[test]
fn a_value_that_is_kept_secret_does_not_depend_on_parts_of_a_secret() {
    for rule in [
        "gives = { a = \"'x' if secret is startingwith('h')\" }",
        "gives = { a = \"secret[3]\" }",
        "gives = { a = \"secret | replace('h', '')\" }",
        "gives = { a = \"session | length\" }",
        "gives = { a = \"'x' if made is defined and made < 'k'\" }",
        "gives = { a = \"json.a if json.access_token is startingwith('e')\" }",
    ] {
        let text = first_fault(&format!("{TOKEN}\n{rule}"));
        let expected = "error: whether this rule finds a value would depend on `";
        assert!(text.contains(expected), "{rule}: {text}");
    }
    for rule in [
        "'x' if secret is startingwith('h')",
        "secret[:1]",
        "(secret | split('h'))[1]",
        "json.access_token if secret < 'i'",
        "session | upper",
        "json.access_token if json.access_token is startingwith('e')",
    ] {
        let text = first_fault(&format!("token = \"{rule}\""));
        assert!(text.contains("would depend on `"), "{rule}: {text}");
    }
    for rule in [
        "gives = { a = \"json.a | hmac_sha256(secret) | hex\", b = \"made\" }",
        "gives = { a = \"json.a | default(secret) if url is defined\" }",
        "gives = { a = \"http.headers['set-cookie'] | split(';') | first\" }",
    ] {
        let faults = faults(&format!("{TOKEN}\n{rule}"));
        assert!(faults.is_empty(), "{rule}: {}", faults[0]);
    }
}

#[test]
fn only_a_whole_value_is_read_as_a_web_token() {
    for value in [
        "secret | replace('h', 'e')",
        "'eyJhIjoxfQ.' ~ secret",
        "made",
        "secret[1:]",
        "token if token is startingwith('a')",
        "secret if session is startingwith('eyJ')",
        "json.access_token | trim",
        "token | upper",
    ] {
        let rule = format!("expiry = [{{ value = \"{value}\", unit = \"jwt\" }}]");
        let text = first_fault(&format!("{TOKEN}\n{rule}"));
        assert!(text.contains("this rule would show `"), "{rule}: {text}");
    }
    let derived = "token = \"json.t | split('.') | last\"\n\
                   expiry = [{ value = \"token\", unit = \"jwt\" }]";
    assert!(faults(derived)[0].to_string().contains("this rule would show `token`"));
}

#[test]
fn a_derived_value_is_neither_compared_nor_tested_and_no_index_takes_a_character() {
    for rule in [
        "issued = \"same(json.a, made)\"",
        "issued = \"same(session, secret)\"",
        "issued = \"same(json.a, secret[0])\"",
        "issued = \"same(http.headers['a'][0], secret)\"",
        "issued = \"same(body[0], json.a)\"",
    ] {
        let text = first_fault(&format!("{TOKEN}\n{rule}"));
        assert!(text.contains("`same` compares two whole values"), "{rule}: {text}");
    }
    for rule in [
        "code = \"'x' if made is defined\"",
        "code = \"'x' if secret[9] is defined\"",
        "code = \"'x' if secret.a is defined\"",
        "code = \"'x' if body[900] is defined\"",
        "code = \"body[0]\"",
        "code = \"'x' if 'a' in body\"",
    ] {
        let text = first_fault(&format!("{TOKEN}\n{rule}"));
        assert!(text.contains("this rule would show `"), "{rule}: {text}");
    }
}

#[test]
fn no_word_or_number_hides_from_the_check_what_the_engine_takes() {
    for token in [
        "if | default(json.access_token)",
        "if or json.access_token",
        "[else, json.access_token][1]",
        "json.z if in else json.access_token",
    ] {
        let text = first_fault(&format!("token = \"{token}\""));
        assert!(text.contains("a value is missing before"), "{token}: {text}");
    }
    for token in [
        "json.z if 0. else json.access_token",
        "json.z if 0.~'' else json.access_token",
        "json.z if 0.e1 else json.access_token",
    ] {
        for rule in [
            "issued = \"json.access_token is startingwith('a')\"",
            "expiry = [{ value = \"json.access_token | length * 1000\", unit = \"seconds\" }]",
        ] {
            let text = first_fault(&format!("token = \"{token}\"\n{rule}"));
            assert!(text.contains("this rule would show `"), "{token}, {rule}: {text}");
        }
    }
    assert!(
        faults(&format!("{TOKEN}\nissued = \"json.a not in [1. , 2] and not json.b\"")).is_empty()
    );
}

#[test]
fn no_member_becomes_a_time_when_a_secret_member_has_no_known_name() {
    let times = ["expiry", "retry_after", "credential_expiry", "credential_created"];
    for secret in [
        "token = \"(json).pin\"",
        "token = \"json.access_token\"\ngives = { g = \"(json).pin\" }",
        "token = \"json.access_token\"\ngives = { g = \"json['p' ~ 'in']\" }",
    ] {
        for time in times {
            let rule = format!("{time} = [{{ value = \"json.pin\", unit = \"epoch\" }}]");
            let text = first_fault(&format!("{secret}\n{rule}"));
            assert!(text.contains("this rule would show `json.pin"), "{secret}, {rule}: {text}");
        }
    }
    let other = "expiry = [{ value = \"json.pin\", unit = \"epoch\" }]";
    assert!(faults(&format!("{TOKEN}\n{other}")).is_empty());
}

#[test]
fn the_next_credential_is_as_secret_as_a_token() {
    for rule in [
        "message = \"json.n[2:]\"",
        "retry_after = [{ value = \"json.n | length\", unit = \"seconds\" }]",
        "scopes = \"json.n | split('')\"",
        "dead = \"json.n is startingwith('NEW')\"",
    ] {
        let text = first_fault(&format!("{TOKEN}\nreplaces = {{ secret = \"json.n\" }}\n{rule}"));
        assert!(text.contains("this rule would show `json.n"), "{rule}: {text}");
    }
}

/// A recipe with a cleanup that gives no values.
fn cleanup(lines: &str) -> String {
    let step = format!("{TOKEN}\n[[recipes.r.cleanup]]\nname = \"logout\"\n{lines}");
    faults(&step).first().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn no_rule_computes_with_a_whole_body_and_no_secret_leaves_out_a_call_or_chooses_a_text() {
    for rule in
        ["body[10:40]", "body | upper", "json | json | upper", "form ~ ''", "xml | string | last"]
    {
        let text =
            cleanup(&format!("request.url = \"{{{{ url }}}}\"\nresponse.message = \"{rule}\""));
        assert!(text.contains("this rule would show `"), "{rule}: {text}");
    }
    for rule in ["body", "body | trim", "'x' if body | trim == 'pong'", "json.a[1:]"] {
        let text =
            cleanup(&format!("request.url = \"{{{{ url }}}}\"\nresponse.message = \"{rule}\""));
        assert!(text.is_empty(), "{rule}: {text}");
    }
    for url in [
        "(url if secret is startingwith('h') else none) | required('a')",
        "url | required('a') if token < 'h' else session | required('b')",
        "secret[3] | required('a')",
        "made | split('x') | first | required('a')",
        "secret is startingwith('h') and url | required('a')",
    ] {
        let text = cleanup(&format!("request.url = \"{{{{ {url} }}}}\""));
        assert!(text.contains("a secret would decide whether this text"), "{url}: {text}");
    }
    for url in [
        "url if secret is startingwith('zzz')",
        "url if secret == 'a'",
        "[url][secret | length]",
        "(secret | split('~'))[5]",
        "url if made < '0'",
        "(secret < 'a') | default(none, true)",
        "(secret == 'a') | default((none), true)",
    ] {
        let text = cleanup(&format!("request.url = \"{{{{ {url} }}}}\""));
        assert!(text.contains("a value that is made from secrets is absent"), "{url}: {text}");
    }
    let text = cleanup("request.url = \"{{ url if secret is undefined }}\"");
    assert!(text.is_empty(), "{text}");
}

#[test]
fn a_rule_may_test_whether_a_secret_is_defined_and_equal_to_a_value() {
    for rule in [
        "issued = \"same(json.session, session) and json.access_token is string\"",
        "code = \"'replaced' if json.token is string and not same(json.token, secret)\"",
        "expiry = [{ value = \"token if token is startingwith('eyJ')\", unit = \"jwt\" }]",
        "expiry = [{ value = \"json.access_token\", unit = \"jwt\" }]",
        "retry_after = [{ value = \"json.access_token\", unit = \"jwt\" }]",
        "message = \"body\"",
        "code = \"'maintenance' if 'Maintenance' in body and body | length > 100\"",
        "never = \"json.expires_in is undefined\"",
    ] {
        let faults = faults(&format!("{TOKEN}\n{rule}"));
        assert!(faults.is_empty(), "{rule}: {}", faults[0]);
    }
}

#[test]
fn only_whole_values_are_compared() {
    for rule in [
        "issued = \"same(json.a[:3], secret)\"",
        "issued = \"same(json.a, secret | upper)\"",
        "issued = \"same(json.a, 'x' ~ secret)\"",
        "issued = \"same(json.a)\"",
        "issued = \"same('abc', secret)\"",
    ] {
        let text = first_fault(&format!("{TOKEN}\n{rule}"));
        assert!(text.contains("`same` compares two whole values"), "{rule}: {text}");
    }
}
