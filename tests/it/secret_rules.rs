//! A rule for an answer that depends on a secret is a load error.

use credwatch::config::load_text;
use credwatch::diagnostic::Fault;

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
    ] {
        let faults = faults(&format!("token = \"{token}\"\nmessage = \"{rule}\""));
        let text = faults.first().map(ToString::to_string).unwrap_or_default();
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
        let faults = faults(&format!("{TOKEN}\n{rule}"));
        let text = faults.first().map(ToString::to_string).unwrap_or_default();
        assert!(text.contains("`same` compares two whole values"), "{rule}: {text}");
    }
}
