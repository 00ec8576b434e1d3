//! The filters of the recipe language beyond those of minijinja. Values are text or bytes; digests
//! are bytes, so that they can be fed on without a detour through hexadecimal.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};
use percent_encoding::utf8_percent_encode;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use url::form_urlencoded;

use super::bounds::{FACTOR, LARGEST_VALUE, factor, fits, larger, weigh};
use super::convert::{bytes, number, text};
use super::jwt;
use super::placeholder::{Anything, PLACEHOLDERS};
use crate::secret::UNRESERVED;

/// The names of all filters that an expression may use.
pub const FILTERS: [&str; 39] = [
    "abs",
    "auth_param",
    "base64",
    "base64_decode",
    "base64url",
    "bool",
    "default",
    "first",
    "float",
    "formencode",
    "from_json",
    "hex",
    "hmac_sha1",
    "hmac_sha256",
    "hmac_sha512",
    "int",
    "join",
    "json",
    "jwt",
    "last",
    "length",
    "lower",
    "max",
    "md5",
    "min",
    "pem",
    "replace",
    "required",
    "round",
    "sha1",
    "sha256",
    "sha512",
    "split",
    "strftime",
    "string",
    "trim",
    "upper",
    "urlencode",
    "xml_escape",
];

/// The names of all tests that an expression may use after `is`.
pub const TESTS: [&str; 15] = [
    "boolean",
    "defined",
    "endingwith",
    "false",
    "float",
    "in",
    "integer",
    "mapping",
    "none",
    "number",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
];

/// The most parts that `split` makes, and the longest form of `strftime`: each letter of it can
/// become a long number.
const MOST_PARTS: usize = 10_000;
const LONGEST_FORM: usize = 256;

/// Registers filters and tests: only pure functions, nothing that loops, reads files or calls back.
pub fn register(environment: &mut Environment<'static>) {
    use minijinja::filters;
    environment.add_filter("abs", filters::abs);
    environment.add_filter(FACTOR, factor);
    environment.add_filter("bool", filters::bool);
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("join", join);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("max", filters::max);
    environment.add_filter("min", filters::min);
    environment.add_filter("replace", replace);
    environment.add_filter("required", |value: &Value, message: &str| {
        let absent = value.is_undefined() || value.is_none();
        if absent {
            Err(Error::new(ErrorKind::UndefinedError, message.to_owned()))
        } else {
            Ok(value.clone())
        }
    });
    environment.add_filter("round", filters::round);
    environment.add_filter("split", split);
    environment.add_filter("lower", |value: &Value| {
        text(value, "lower").and_then(|text| fits(text.to_lowercase()))
    });
    environment.add_filter("upper", |value: &Value| {
        text(value, "upper").and_then(|text| fits(text.to_uppercase()))
    });
    environment
        .add_filter("trim", |value: &Value| text(value, "trim").map(|text| text.trim().to_owned()));
    environment.add_filter("string", |value: &Value| text(value, "string"));
    environment.add_filter("sha256", |value: &Value| {
        bytes(value, "sha256").map(|bytes| Value::from_bytes(Sha256::digest(bytes).to_vec()))
    });
    environment.add_filter("sha1", |value: &Value| {
        bytes(value, "sha1").map(|bytes| Value::from_bytes(Sha1::digest(bytes).to_vec()))
    });
    environment.add_filter("sha512", |value: &Value| {
        bytes(value, "sha512").map(|bytes| Value::from_bytes(Sha512::digest(bytes).to_vec()))
    });
    environment.add_filter("hmac_sha1", |value: &Value, key: &Value| {
        mac::<Hmac<Sha1>>(value, key, "hmac_sha1")
    });
    environment.add_filter("hmac_sha256", |value: &Value, key: &Value| {
        mac::<Hmac<Sha256>>(value, key, "hmac_sha256")
    });
    environment.add_filter("hmac_sha512", |value: &Value, key: &Value| {
        mac::<Hmac<Sha512>>(value, key, "hmac_sha512")
    });
    environment.add_filter("jwt", |claims: &Value, key: &Value, named: Kwargs| {
        jwt::jwt(claims, key, &named)
    });
    environment.add_filter("pem", jwt::pem);
    environment.add_filter("base64_decode", |value: &Value| decoded(value));
    environment.add_filter("json", |value: &Value| -> Result<String, Error> {
        if value.is_undefined() {
            return Err(Error::new(ErrorKind::UndefinedError, "`json` was given nothing"));
        }
        // Weighed first: values can hold each other many times over.
        weigh(value)?;
        serde_json::to_string(value)
            .map_err(|_| Error::new(ErrorKind::BadSerialization, "this value has no form in JSON"))
            .and_then(fits)
    });
    environment.add_filter("from_json", from_json);
    environment.add_filter("auth_param", auth_param);
    environment.add_filter("md5", |value: &Value| {
        bytes(value, "md5").map(|bytes| Value::from_bytes(Md5::digest(bytes).to_vec()))
    });
    environment.add_filter("xml_escape", |value: &Value| {
        text(value, "xml_escape").and_then(|text| fits(escaped(&text)))
    });
    environment.add_filter("strftime", strftime);
    register_encodings(environment);
    register_tests(environment);
}

fn register_encodings(environment: &mut Environment<'static>) {
    environment.add_filter("hex", |value: &Value| {
        bytes(value, "hex").and_then(|bytes| fits(hex::encode(bytes)))
    });
    environment.add_filter("base64", |value: &Value| {
        bytes(value, "base64").and_then(|bytes| fits(STANDARD.encode(bytes)))
    });
    environment.add_filter("base64url", |value: &Value| {
        bytes(value, "base64url").and_then(|bytes| fits(URL_SAFE_NO_PAD.encode(bytes)))
    });
    environment.add_filter("urlencode", |value: &Value| {
        text(value, "urlencode")
            .and_then(|text| fits(utf8_percent_encode(&text, UNRESERVED).to_string()))
    });
    environment.add_filter("formencode", |value: &Value| {
        text(value, "formencode")
            .and_then(|text| fits(form_urlencoded::byte_serialize(text.as_bytes()).collect()))
    });
    environment.add_filter("float", |value: &Value| number(value, "float"));
    environment.add_filter("int", |value: &Value| -> Result<i64, Error> {
        if let Some(whole) = value.as_i64().filter(|_| value.kind() == ValueKind::Number) {
            return Ok(whole);
        }
        let number = number(value, "int")?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates; what is larger is no number that an API means"
        )]
        let whole = number.trunc() as i64;
        Ok(whole)
    });
}

fn register_tests(environment: &mut Environment<'static>) {
    use minijinja::tests;
    environment.add_test("boolean", tests::is_boolean);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("undefined", tests::is_undefined);
    environment.add_test("endingwith", tests::is_endingwith);
    environment.add_test("false", tests::is_false);
    environment.add_test("float", tests::is_float);
    environment.add_test("in", tests::is_in);
    environment.add_test("integer", tests::is_integer);
    environment.add_test("mapping", tests::is_mapping);
    environment.add_test("none", tests::is_none);
    environment.add_test("number", tests::is_number);
    environment.add_test("sequence", tests::is_sequence);
    environment.add_test("startingwith", tests::is_startingwith);
    environment.add_test("string", tests::is_string);
    environment.add_test("true", tests::is_true);
}

fn mac<M: Mac + KeyInit>(value: &Value, key: &Value, filter: &str) -> Result<Value, Error> {
    let key = bytes(key, filter)?;
    let mut mac = <M as KeyInit>::new_from_slice(&key)
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "the key cannot be used"))?;
    mac.update(&bytes(value, filter)?);
    Ok(Value::from_bytes(mac.finalize().into_bytes().to_vec()))
}

/// The bytes of Base64 in either alphabet, with or without padding.
fn decoded(value: &Value) -> Result<Value, Error> {
    let text = text(value, "base64_decode")?
        .trim()
        .trim_end_matches('=')
        .replace('-', "+")
        .replace('_', "/");
    let bytes = STANDARD_NO_PAD
        .decode(text)
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "`base64_decode` needs Base64"))?;
    Ok(Value::from_bytes(bytes))
}

/// A text that holds JSON, such as a key file, as what it holds.
fn from_json(value: &Value) -> Result<Value, Error> {
    let text = text(value, "from_json")?;
    if text == PLACEHOLDERS[0] {
        return Ok(Value::from_object(Anything));
    }
    let json = super::answer::json(text.as_bytes()).ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, "`from_json` needs a text that holds JSON")
    })?;
    Ok(Value::from(minijinja::value::Serde(&json)))
}

/// A parameter of a challenge as in `WWW-Authenticate: Bearer realm="…", service="…"` (RFC 9110,
/// section 11.2); undefined when it is not there.
fn auth_param(value: &Value, name: &str) -> Result<Value, Error> {
    let text = text(value, "auth_param")?;
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('=') {
        let found = before.trim_end().rsplit([' ', ',', '\t']).next().unwrap_or_default();
        let after = after.trim_start();
        let (value, next) = after.strip_prefix('"').map_or_else(|| word(after), quoted);
        if found.eq_ignore_ascii_case(name) {
            return Ok(Value::from(value));
        }
        rest = next;
    }
    Ok(Value::UNDEFINED)
}

/// A text in quotes, whose first quote is gone, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return (value, &text[place + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// A text up to a blank or a comma, and what follows it.
fn word(text: &str) -> (String, &str) {
    let end = text.find([' ', ',', '\t']).unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}

/// As text between tags, or as the value of an attribute in quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}

/// A time in seconds since 1970, in UTC, in a form such as `%Y%m%dT%H%M%SZ`.
fn strftime(value: &Value, format: &str) -> Result<String, Error> {
    let wrong = |message: &'static str| Error::new(ErrorKind::InvalidOperation, message);
    let time = crate::time::from_unix_seconds(number(value, "strftime")?)
        .ok_or_else(|| wrong("`strftime` needs seconds since 1970"))?;
    if format.len() > LONGEST_FORM {
        return Err(wrong("the form of `strftime` is too long"));
    }
    jiff::fmt::strtime::format(format, time).map_err(|_| wrong("`strftime` cannot use this form"))
}

/// The items of an array as one text. Absent items are refused, which minijinja's own filter passes
/// over.
fn join(value: &Value, separator: Option<&str>) -> Result<String, Error> {
    let separator = separator.unwrap_or_default();
    let mut joined = String::new();
    for (place, item) in value.try_iter()?.enumerate() {
        if place > 0 {
            joined.push_str(separator);
        }
        joined.push_str(&text(&item, "join")?);
        // Measured on the way: each item can be as long as a value may be.
        if joined.len() > LARGEST_VALUE || place > LARGEST_VALUE {
            return Err(larger());
        }
    }
    Ok(joined)
}

/// A text with each `from` replaced.
fn replace(value: &Value, from: &str, to: &str) -> Result<String, Error> {
    let text = text(value, "replace")?;
    // Each replacement can multiply the text.
    let longer = text.matches(from).count().saturating_mul(to.len().saturating_sub(from.len()));
    if text.len().saturating_add(longer) > LARGEST_VALUE {
        return Err(larger());
    }
    Ok(text.replace(from, to))
}

/// The parts of a text: between separators, or between blanks.
fn split(value: &Value, separator: Option<&str>) -> Result<Value, Error> {
    let text = text(value, "split")?;
    let most = MOST_PARTS + 1;
    let parts: Vec<Value> = match separator {
        Some(separator) => text.split(separator).take(most).map(Value::from).collect(),
        None => text.split_whitespace().take(most).map(Value::from).collect(),
    };
    if parts.len() == most {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("`split` would make more than {MOST_PARTS} parts"),
        ));
    }
    Ok(Value::from(parts))
}

#[cfg(test)]
mod tests {
    use crate::language::expression::{Compiled, Side};
    use crate::language::names::Names;
    use minijinja::Value;

    fn evaluate(source: &str) -> String {
        let compiled = Compiled::new(Side::Request, source, &Names::default())
            .unwrap_or_else(|mistake| panic!("{source}: {}", mistake.message));
        compiled
            .evaluate(&Value::from_pairs(std::iter::empty::<(&str, Value)>()))
            .map_or_else(|error| format!("error: {error}"), |value| value.to_string())
    }

    /// Digests are those of Python's hashlib, the key is that of the example in the AWS
    /// documentation on Signature Version 4.
    #[test]
    fn digests_and_encodings_are_those_of_other_tools() {
        for (source, expected) in [
            ("'abc' | sha1 | hex", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("'abc' | hmac_sha1('k') | hex", "f9bef091fe00d9f5128593836dba99e193f08174"),
            // RFC 1321, section A.5
            ("'abc' | md5 | hex", "900150983cd24fb0d6963f7d28e17f72"),
            ("('abc' | sha512 | hex)[:16]", "ddaf35a193617aba"),
            ("('abc' | hmac_sha512('k') | hex)[:16]", "bb9ec7701f7de8a3"),
            (
                "'aws4_request' | hmac_sha256('service' | hmac_sha256('us-east-1' | hmac_sha256('20150830' | hmac_sha256('AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY')))) | hex",
                "938127b5336810ddb6a5d6af445fcac9e371f9ed418ed386b022aed82901be75",
            ),
            ("'aGk_' | base64_decode | hex", "68693f"),
            ("'aGk/' | base64_decode | hex", "68693f"),
            ("'YQ==' | base64_decode | string", "a"),
            ("('V1:me:DEMO:AA' | base64) | base64", "VmpFNmJXVTZSRVZOVHpwQlFRPT0="),
            ("{'a': [1, 'x\"']} | json", r#"{"a":[1,"x\""]}"#),
            ("'<a b=\"c\">&' | xml_escape", "&lt;a b=&quot;c&quot;&gt;&amp;"),
            ("1440938160 | strftime('%Y%m%dT%H%M%SZ')", "20150830T123600Z"),
        ] {
            assert_eq!(evaluate(source), expected, "{source}");
        }
        assert!(evaluate("'not base64!' | base64_decode").starts_with("error: "));
    }

    #[test]
    fn what_is_required_passes_when_it_is_there_and_is_told_in_the_words_of_the_recipe_when_it_is_not()
     {
        for (source, expected) in [
            ("0 | required('a number is needed')", "0"),
            ("'' | required('a text is needed')", ""),
            (
                "none | required('a key is needed')",
                "error: undefined value: a key is needed (in <expression>:1)",
            ),
            (
                "('a' if false) | required('a key is needed') | sha256",
                "error: undefined value: a key is needed (in <expression>:1)",
            ),
        ] {
            assert_eq!(evaluate(source), expected, "{source}");
        }
    }

    #[test]
    fn a_key_file_is_read_by_member() {
        for (source, expected) in [
            (
                r#"('{"client_email":"a@b.example","n":[1,2.5]}' | from_json).client_email"#,
                "a@b.example",
            ),
            (r#"('{"client_email":"a@b.example","n":[1,2.5]}' | from_json).n[1]"#, "2.5"),
            ("('placeholder' | from_json).whatever", "placeholder"),
        ] {
            assert_eq!(evaluate(source), expected, "{source}");
        }
        let deep = format!("'{}' | from_json", "[".repeat(300));
        for source in ["'not JSON' | from_json", &deep, "1 | from_json"] {
            let error = evaluate(source);
            assert!(error.starts_with("error: ") || source.starts_with('1'), "{source}: {error}");
            assert!(!error.contains("not JSON"), "the text can be a secret: {error}");
        }
    }

    /// The challenges of the Docker registry documentation, and odd ones as RFC 9110, section 11,
    /// permits them.
    #[test]
    fn a_challenge_is_read_by_parameter() {
        let docker = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:samalba/my-app:pull,push""#;
        for (challenge, name, expected) in [
            (docker, "realm", "https://auth.docker.io/token"),
            (docker, "Service", "registry.docker.io"),
            (docker, "scope", "repository:samalba/my-app:pull,push"),
            (docker, "error", ""),
            ("Basic realm=simple", "realm", "simple"),
            (r#"Digest qop="auth", nonce = "a\"b=c" , opaque=x"#, "nonce", "a\"b=c"),
            (r#"Digest qop="auth", nonce = "a\"b=c" , opaque=x"#, "opaque", "x"),
            (r#"Bearer realm="open"#, "realm", "open"),
            ("", "realm", ""),
            ("=====\"\"\"\\", "realm", ""),
        ] {
            let found = super::auth_param(&Value::from(challenge), name).expect("a text");
            assert_eq!(found.as_str().unwrap_or_default(), expected, "{name} of {challenge}");
        }
    }
}
