//! The table of filters: one row each. A new filter is a row here and an entry in the reference.

use minijinja::value::Kwargs;
use minijinja::{Environment, Value, filters, tests as checks};

use super::{challenge, digest, encoding, json, number, signature, text};
use crate::language::bounds::factor;
use crate::language::convert::{operand, present_operand};
use crate::language::engine::{FACTOR, OPERAND, PRESENT};
use crate::language::jwt;
use crate::language::scan::Tokens;

/// The cost of an evaluation without its values and filters. The unit is one byte of input.
const COST: u64 = 512;

/// The cost of most filters: nothing beside the cost of the values that go in.
const NONE: u64 = 0;

/// The cost of a signature, which takes about a millisecond.
const SIGNATURE: u64 = 256 * 1024;

/// The cost of a hash with bcrypt, which takes up to 60 milliseconds.
const BCRYPT: u64 = 15 * 1024 * 1024;

/// A filter or a test: its name, the cost of each use, and its registration.
struct Row {
    name: &'static str,
    cost: u64,
    add: fn(&mut Environment<'static>),
}

macro_rules! filter {
    ($name:literal, $cost:expr, $function:expr) => {
        Row { name: $name, cost: $cost, add: |engine| engine.add_filter($name, $function) }
    };
}

macro_rules! test {
    ($name:literal, $function:expr) => {
        Row { name: $name, cost: NONE, add: |engine| engine.add_test($name, $function) }
    };
}

/// Name, cost and function of each filter, by name.
const FILTER_ROWS: [Row; 42] = [
    filter!("abs", NONE, filters::abs),
    filter!("auth_param", NONE, challenge::auth_param),
    filter!("base64", NONE, encoding::base64),
    filter!("base64_decode", NONE, encoding::base64_decode),
    filter!("base64url", NONE, encoding::base64url),
    filter!("bcrypt", BCRYPT, signature::bcrypt),
    filter!("bool", NONE, filters::bool),
    filter!("default", NONE, filters::default),
    filter!("first", NONE, filters::first),
    filter!("float", NONE, number::float),
    filter!("formencode", NONE, encoding::formencode),
    filter!("from_json", NONE, json::from_json),
    filter!("hex", NONE, encoding::hex),
    filter!("hmac_sha1", NONE, digest::hmac_sha1),
    filter!("hmac_sha256", NONE, digest::hmac_sha256),
    filter!("hmac_sha512", NONE, digest::hmac_sha512),
    filter!("int", NONE, number::int),
    filter!("join", NONE, text::join),
    filter!("json", NONE, json::json),
    filter!("jwt", SIGNATURE, |claims: &Value, key: &Value, named: Kwargs| {
        jwt::jwt(claims, key, &named)
    }),
    filter!("last", NONE, filters::last),
    filter!("length", NONE, filters::length),
    filter!("lower", NONE, text::lower),
    filter!("max", NONE, filters::max),
    filter!("md5", NONE, digest::md5),
    filter!("min", NONE, filters::min),
    filter!("pem", NONE, jwt::pem),
    filter!("public_key", SIGNATURE, signature::public_key),
    filter!("replace", NONE, text::replace),
    filter!("required", NONE, text::required),
    filter!("round", NONE, filters::round),
    filter!("rsa_sha256", SIGNATURE, signature::rsa_sha256),
    filter!("sha1", NONE, digest::sha1),
    filter!("sha256", NONE, digest::sha256),
    filter!("sha512", NONE, digest::sha512),
    filter!("split", NONE, text::split),
    filter!("strftime", NONE, number::strftime),
    filter!("string", NONE, text::string),
    filter!("trim", NONE, text::trim),
    filter!("upper", NONE, text::upper),
    filter!("urlencode", NONE, encoding::urlencode),
    filter!("xml_escape", NONE, encoding::xml_escape),
];

/// Name and function of each test, by name.
const TEST_ROWS: [Row; 15] = [
    test!("boolean", checks::is_boolean),
    test!("defined", checks::is_defined),
    test!("endingwith", text::ends),
    test!("false", checks::is_false),
    test!("float", checks::is_float),
    test!("in", checks::is_in),
    test!("integer", checks::is_integer),
    test!("mapping", checks::is_mapping),
    test!("none", checks::is_none),
    test!("number", checks::is_number),
    test!("sequence", checks::is_sequence),
    test!("startingwith", text::starts),
    test!("string", checks::is_string),
    test!("true", checks::is_true),
    test!("undefined", checks::is_undefined),
];

/// The names of all filters that an expression may use.
pub const FILTERS: [&str; FILTER_ROWS.len()] = names(&FILTER_ROWS);

/// The names of all tests that an expression may use after `is`.
pub const TESTS: [&str; TEST_ROWS.len()] = names(&TEST_ROWS);

const fn names<const N: usize>(rows: &[Row; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut index = 0;
    while index < N {
        names[index] = rows[index].name;
        index += 1;
    }
    names
}

/// Registers all filters and tests, and the filters for operands, which no recipe can name.
pub fn register(environment: &mut Environment<'static>) {
    for row in FILTER_ROWS.iter().chain(&TEST_ROWS) {
        (row.add)(environment);
    }
    environment.add_filter(FACTOR, factor);
    environment.add_filter(OPERAND, operand);
    environment.add_filter(PRESENT, present_operand);
}

/// The cost of each evaluation of an expression without its values.
#[must_use]
pub fn cost(source: &str, tokens: &Tokens<'_>) -> u64 {
    let filters: u64 = (0..tokens.count())
        .filter(|index| tokens.follows(*index, b"|"))
        .filter_map(|index| FILTER_ROWS.iter().find(|row| row.name == tokens.text(index)))
        .map(|row| row.cost)
        .sum();
    COST + source.len() as u64 + filters
}

#[cfg(test)]
mod tests {
    use minijinja::Value;

    use crate::language::expression::{Compiled, Side};
    use crate::language::names::Names;
    use crate::language::scan::Tokens;

    fn evaluate(source: &str) -> String {
        let compiled = Compiled::new(Side::Request, source, &Names::default())
            .unwrap_or_else(|mistake| panic!("{source}: {}", mistake.message));
        compiled
            .evaluate(&Value::from_pairs(std::iter::empty::<(&str, Value)>()))
            .map_or_else(|error| format!("error: {error}"), |value| value.to_string())
    }

    #[test]
    fn a_signature_costs_more_than_another_filter() {
        let cost = |source: &str| super::cost(source, &Tokens::new(source));
        let (signed, hashed) = (cost("{'a': 1} | jwt(key)"), cost("{'a': 1} | md5(key)"));
        assert_eq!(signed - hashed, super::SIGNATURE);
        assert_eq!(
            cost("json.jwt | jwt(key) | jwt(key)") - cost("json.jwt | md5(key) | md5(key)"),
            2 * super::SIGNATURE
        );
        assert_eq!(cost("json.jwt"), cost("json.abc"));
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
                "'abc' | hmac_sha256('') | hex",
                "fd7adb152c05ef80dccf50a1fa4c05d5a3ec6da95575fc312ae7c5d091836351",
            ),
            (
                "'aws4_request' | hmac_sha256('service' | hmac_sha256('us-east-1' | \
                 hmac_sha256('20150830' | \
                 hmac_sha256('AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY')))) | hex",
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
    fn required_passes_a_value_and_reports_a_missing_one_with_the_text_of_the_recipe() {
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
}
