//! What a draft makes of values of a special form: assertions, pairs, dates, counts, signatures,
//! calls of GraphQL, and answers that are no JSON.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credwatch::config::load_text;

use super::{drafted, has_line, sent};

/// The claims of a JSON Web Token without a real signature.
fn web_token(header: &str, claims: &str) -> String {
    let coded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.c2lnbmF0dXJl", coded(header), coded(claims))
}

#[test]
fn a_draft_has_no_rule_for_a_place_where_a_success_has_its_token() {
    let call = "curl -u a:b -X POST https://x.example/session";
    for (answers, line, expected) in [
        (
            vec![
                r#"{"result":"9f86d081884c7d659a2feaa0"}"#,
                r#"{"result":{"faults":[{"message":"Who are you?"}]}}"#,
            ],
            "token = \"json.result\"",
            "# TODO: `message` of a refusal is at `json.result.faults[0].message`, where a \
             success has its token: a rule cannot show that place.",
        ),
        (
            vec![r#"{"code":"9f86d081884c7d659a2feaa0"}"#, r#"{"code":"E17","message":"Who?"}"#],
            "token = \"json.code\"",
            "message = \"json.message\"",
        ),
        (
            vec![r#"{"code":"9f86d081884c7d659a2feaa0"}"#],
            "token = \"json.code\"",
            "code = [\"json.error.code\", \"json.error\"]",
        ),
    ] {
        let text = drafted(call, &answers);
        has_line(&text, line);
        has_line(&text, expected);
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
}

#[test]
fn a_signed_assertion_is_made_for_each_request() {
    let grant = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer";
    let client = "grant_type=client_credentials&client_assertion_type=\
                  urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let usual = "'iat': now_s, 'exp': now_s + 300, 'jti': uuid} | jwt(private_key, alg='RS256')";
    let shown = web_token(
        r#"{"alg":"ES256","kid":"key-17","typ":"JWT"}"#,
        r#"{"iss":"app-4711","sub":"app-4711","aud":"https://x.example/eu/token","nbf":1700000000,
            "exp":1700000600,"jti":"a1","scope":"read write"}"#,
    );
    for (data, name, expected) in [
        (
            format!("-d '{client}&client_id=a1&client_assertion=eyJhb...'"),
            "client_assertion",
            format!("{{'iss': client_id, 'sub': client_id, 'aud': base_url ~ '/eu/token', {usual}"),
        ),
        (
            format!("-d '{grant}&assertion=YOUR_JWT'"),
            "assertion",
            format!("{{'iss': issuer, 'sub': subject, 'aud': base_url ~ '/eu/token', {usual}"),
        ),
        (
            "-X POST -H 'Authorization: Bearer <jwt>'".to_owned(),
            "assertion",
            format!("{{'iss': issuer, 'sub': issuer, 'aud': base_url ~ '/eu/token', {usual}"),
        ),
        (
            format!("-X POST -H 'Authorization: Bearer {shown}'"),
            "assertion",
            "{'aud': base_url ~ '/eu/token', 'exp': now_s + 600, 'iss': issuer, 'jti': uuid, \
             'nbf': now_s, 'scope': scope, 'sub': issuer} | jwt(private_key, alg='ES256', \
             header={'kid': key_id})"
                .to_owned(),
        ),
    ] {
        let text = drafted(&format!("curl https://x.example/eu/token {data}"), &[]);
        let (_, shown) = text
            .split_once(&format!("\n{name} = '''\n"))
            .unwrap_or_else(|| panic!("no {name} in\n{text}"));
        let shown = shown.split_once("'''\n").expect("an end").0.replace('\n', "");
        let members = |text: &str| {
            let (claims, rest) = text.split_once("} | ").unwrap_or_else(|| panic!("{text}"));
            let mut claims: Vec<String> =
                claims.trim_start_matches('{').split(", ").map(str::to_owned).collect();
            claims.sort();
            (claims, rest.to_owned())
        };
        assert_eq!(members(&shown), members(&expected), "{text}");
        assert!(
            text.contains(&format!("# TODO: `{name}` is a signed assertion, which expires soon"))
                && !text.contains("app-4711")
                && !text.contains("key-17"),
            "{text}"
        );
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
}

#[test]
fn a_credential_has_another_name_than_a_computed_assertion() {
    let text = drafted(
        "curl https://x.example/t -H 'Authorization: Bearer YOUR_JWT' --json \
         '{\"assertion\":\"hunter7tree9x\"}'",
        &[],
    );
    has_line(&text, "json = { assertion = \"{{ assertion_2 }}\" }");
    has_line(&text, "headers.Authorization = \"Bearer {{ assertion }}\"");
    load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
}

#[test]
fn an_answer_with_another_status_or_an_expiry_without_a_unit_is_told() {
    let redirect = "HTTP/1.1 302 Found\nSet-Cookie: SESSIONID=9f86d081884c7d659a2f; Path=/\n\n";
    let text =
        drafted("curl -d a=b https://x.example/t", &[redirect, "HTTP/1.1 200 OK\n\n<p>No</p>"]);
    has_line(&text, "statuses = [302]");
    load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    for (expires, is_unread) in [
        ("\"2030-01-01\"", true),
        ("\"Tue, 14 Nov 2030 23:13:20 GMT\"", true),
        ("\"PT1H\"", true),
        ("\"\"", false),
        ("false", false),
        ("3600", false),
    ] {
        let answer = format!("{{\"token\":\"9f86d081884c7d659a2f\",\"expires\":{expires}}}");
        let text = drafted("curl -d a=b https://x.example/t", &[&answer]);
        let question = "# TODO: `json.expires` may be the expiry, and no unit reads its form.";
        assert_eq!(text.contains(question), is_unread, "{expires}\n{text}");
        assert!(!text.contains("statuses"), "{text}");
    }
}

#[test]
fn a_placeholder_that_looks_like_a_tag_of_xml_is_asked_about() {
    for (body, asks) in [
        ("<?xml version=\"1.0\"?><a><b c=\"d\"/><user><name></user></a>", true),
        ("<?xml version=\"1.0\"?><a><b c=\"d\"/><user>jo</user></a>", false),
    ] {
        let text = drafted(&format!("curl https://x.example/t -d '{body}'"), &[]);
        assert_eq!(text.contains("# TODO: a tag of the XML body has no end"), asks, "{text}");
    }
}

#[test]
fn a_web_token_that_may_live_long_stays_a_credential_with_a_question() {
    let long = web_token(r#"{"alg":"HS256"}"#, r#"{"iat":1700000000,"exp":1800000000}"#);
    for token in [long.as_str(), "eyJhbGciOi..."] {
        let text = drafted(
            &format!("curl -X POST https://x.example/t -H 'Authorization: Bearer {token}'"),
            &[],
        );
        assert!(
            text.contains("# TODO: the text behind `Bearer` is a JSON Web Token")
                && text.contains("headers.Authorization = \"Bearer {{ ")
                && !text.contains("| jwt("),
            "{text}"
        );
    }
}

#[test]
fn a_request_for_something_else_than_json_does_not_ask_for_json() {
    let call = "curl -u a:b -X POST https://x.example/t";
    for (accept, answer, expected) in [
        ("", "<r><Token>abc</Token></r>", Some("*/*")),
        ("", "access_token=abc&expires_in=3600", Some("*/*")),
        ("", "Zm9vYmFyYmF6cXV4cXV1eA==", Some("*/*")),
        ("", r#"{"token":"abc"}"#, None),
        ("-H 'Accept: */*'", r#"{"token":"abc"}"#, Some("*/*")),
        ("-H 'Accept: text/xml'", "<r><Token>abc</Token></r>", Some("text/xml")),
        ("-H 'Accept: application/json'", "<r><Token>abc</Token></r>", None),
    ] {
        let text = drafted(&format!("{call} {accept}"), &[answer]);
        let line = text.lines().find_map(|line| line.strip_prefix("headers.Accept = "));
        let expected = expected.map(|value| format!("\"{value}\""));
        assert_eq!(line.map(str::to_owned), expected, "{accept} {answer}\n{text}");
    }
}

#[test]
fn a_base64_text_with_padding_is_a_token_and_no_form() {
    for (answer, token) in [
        ("Zm9vYmFyYmF6cXV4cXV1eA==", "body"),
        ("kJ7/2pQ+9sLmX0aB3cD=\n", "body"),
        ("access_token=Zm9vYmFyYmF6cXV4cXV1eA==", "form.access_token"),
    ] {
        let text = drafted("curl -u a:b -X POST https://x.example/t", &[answer]);
        has_line(&text, &format!("token = \"{token}\""));
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
}

#[test]
fn counts_stay_and_dates_of_an_expiry_are_computed() {
    let text = drafted(
        "curl https://x.example/t --json '{\"tokenTtlSeconds\":3600,\"access_token_lifetime\":\
         \"86400\",\"token_expiry\":86400000,\"tokenVersion\":\"20230101\",\"expiryDate\":\
         \"2025-06-30\",\"valid_for\":\"3600\",\"tokenValiditySec\":7200,\"expiresIn\":\
         \"PT1H\",\"exp\":\"1700000300\",\"deadline\":\"1700000300123\",\"ts\":\
         1700000000123456,\"key_valid_until\":\"30/06/2025\",\"tokenExpiresAt\":1700000000,\
         \"keyExpiry\":\"2024-12-31T00:00:00+02:00\",\"startDate\":\"2020-01-01\"}'",
        &[],
    );
    let sent = sent(&text);
    for part in [
        "\"tokenTtlSeconds\":3600",
        "\"access_token_lifetime\":\"86400\"",
        "\"token_expiry\":86400000",
        "\"tokenVersion\":\"20230101\"",
        "\"expiryDate\":\"2023-11-15\"",
        "\"key_valid_until\":\"15/11/2023\"",
        "\"tokenExpiresAt\":1700000300",
        "\"keyExpiry\":\"2023-11-15T00:18:20+02:00\"",
        "\"startDate\":\"2020-01-01\"",
        "\"valid_for\":\"3600\"",
        "\"tokenValiditySec\":7200",
        "\"expiresIn\":\"PT1H\"",
        "\"exp\":\"1700000300\"",
        "\"deadline\":\"1700000300000\"",
        "\"ts\":1700000000000000",
    ] {
        assert!(sent.contains(part), "{part} is not in\n{sent}\n{text}");
    }
    has_line(
        &text,
        "# TODO: `expiry_date` is one day after the request: how long does the documentation want?",
    );
    has_line(
        &text,
        "# TODO: `start_date` is a date and stays as it is: compute it if the request needs a \
         later one each day.",
    );
}

#[test]
fn a_value_that_is_an_input_elsewhere_is_that_input_in_the_path_and_in_other_texts() {
    for (command, expected) in [
        ("/orgs/globex/token -d org=globex", "/orgs/{{ org }}/token"),
        ("/merchant/globexinc/token -d merchant_id=globexinc", "/merchant/{{ merchant_id }}/token"),
        ("/v2/token.globex -d site=globex", "/v2/token.{{ site }}"),
        ("/globex_emea3/api/v2/oauth2/token", "/{{ tenant }}/api/v2/oauth2/token"),
        ("/api/v2/oauth2/token_v3 -d a=b", "/api/v2/oauth2/token_v3"),
        ("/admin/token -d username=admin -d password=x", "/admin/token"),
    ] {
        let text = drafted(&format!("curl -X POST https://x.example{command}"), &[]);
        has_line(&text, &format!("url = \"{{{{ base_url }}}}{expected}\""));
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
    let text =
        drafted("curl https://x.example/t -H 'X-Scope: crm:globex' -d organization=globex", &[]);
    has_line(&text, "headers.X-Scope = \"crm:{{ organization }}\"");
    let text = drafted("curl -X POST https://x.example/acme7/token", &[]);
    assert!(text.contains("# TODO: does the segment `acme7` of the path"), "{text}");
}

#[test]
fn an_encoded_pair_of_any_scheme_is_two_credentials() {
    for header in [
        "Authorization: Ident Z2xvYmV4MTI6aHVudGVyN3RyZWU5eA==",
        "Authorization: Z2xvYmV4MTI6aHVudGVyN3RyZWU5eA==",
        "Authorization: Api-Key <base64(username:password)>",
        "Authorization: Ident {base64(username:password)}",
        "X-Login: {{base64(username:password)}}",
        "X-Login: Z2xvYmV4MTI6aHVudGVyN3RyZWU5eA==",
        "Authorization: Basic <Base64(username:password)>",
        "Authorization: Ident Base64Encode(username:password)",
        "Authorization: Basic base64_encode(username + \":\" + password)",
        "Authorization: BASIC [Base64-encoded username:password]",
    ] {
        let text = drafted(&format!("curl -X POST https://x.example/t -H '{header}'"), &[]);
        assert!(
            text.contains("{{ (username ~ ':' ~ password) | base64 }}\"")
                && text.contains("credentials = [\"username\", \"password\"]"),
            "{header}\n{text}"
        );
    }
}

#[test]
fn the_quoted_values_of_graphql_are_inputs_and_other_texts_are_asked_about() {
    let text = drafted(
        "curl https://x.example/graphql --json '{\"query\":\"mutation { signIn(email: \
         \\\"jo@corp.example\\\", password: \\\"hunter7tree9x\\\") { jwt } }\"}'",
        &[],
    );
    has_line(
        &text,
        "json = { query = \"mutation { signIn(email: {{ email | json }}, password: {{ password | \
         json }}) { jwt } }\" }",
    );
    has_line(&text, "# TODO: the quoted values of the GraphQL text are inputs: check them.");
    assert!(
        sent(&text).contains("signIn(email: \\\"v-email\\\", password: \\\"v-password\\\")"),
        "{text}"
    );
    for (member, value) in [
        ("statement", "LOGON jo (hunter7tree9x)"),
        ("query", "mutation { signIn(key: \\\"a\\\\\\\"b7\\\") { jwt } }"),
    ] {
        let text = drafted(
            &format!("curl https://x.example/t --json '{{\"{member}\":\"{value}\"}}'"),
            &[],
        );
        assert!(
            text.contains(&format!("# TODO: the whole of `{member}` is a credential")),
            "{text}"
        );
    }
}

#[test]
fn the_variables_of_graphql_are_inputs_and_its_names_stay() {
    let text = drafted(
        "curl https://x.example/graphql --json '{\"operationName\":\"SignIn\",\"query\":\
         \"mutation SignIn($u: String!, $p: String!) { signIn(u: $u, p: $p) { jwt } }\",\
         \"variables\":{\"u\":\"jo\",\"p\":\"hunter7tree9x\"}}'",
        &[],
    );
    let sent = sent(&text);
    assert!(
        sent.contains("\"variables\":{\"u\":\"v-u\",\"p\":\"v-p\"}")
            && sent.contains("\"operationName\":\"SignIn\"")
            && sent.contains("mutation SignIn($u"),
        "{sent}"
    );
}

#[test]
fn a_value_that_works_once_or_for_a_short_time_is_asked_about() {
    let saml = "grant_type=urn:ietf:params:oauth:grant-type:saml2-bearer";
    for (data, expected) in [
        ("jwt_token={jwt}".to_owned(), Some("`jwt_token` is a JSON Web Token")),
        ("key=<signed-jwt>".into(), Some("`key` is a JSON Web Token")),
        (format!("{saml}&assertion=PHNhbWw..."), Some("`assertion` is a SAML assertion")),
        (
            "grant_type=authorization_code&code=a1b2c3d4e5".into(),
            Some("`code` is a code that works only once"),
        ),
        ("user=jo&mfaCode=123456".into(), Some("`mfa_code` is a code that works only once")),
        ("subject_token=a1b2c3d4e5".into(), Some("`subject_token` is a token: if it expires")),
        ("api_token=a1b2c3d4e5&code=x17".into(), None),
        ("grant_type=refresh_token&refresh_token=eyJhbGciOi...".into(), None),
    ] {
        let text = drafted(&format!("curl https://x.example/t -d '{data}'"), &[]);
        let shown = ["is a JSON Web Token", "is a SAML", "works only once", "is a token:"]
            .iter()
            .any(|question| text.contains(question));
        assert_eq!(shown, expected.is_some(), "{data}\n{text}");
        if let Some(expected) = expected {
            assert!(text.contains(&format!("# TODO: {expected}")), "{data}\n{text}");
        }
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
}

#[test]
fn the_method_of_a_signature_chooses_its_digest() {
    for (data, expected) in [
        ("SignatureMethod=HMAC-SHA1&Signature={sig}", "hmac_sha1(key_secret) | base64"),
        ("signMethod=HmacSHA256&sign=$SIGN", "hmac_sha256(key_secret) | base64"),
        ("sign_method=sha512&sign=<sign>", "hmac_sha512(key_secret) | hex"),
        ("sign_type=MD5&sign=<sign>", "(app_id ~ key_secret) | md5 | hex"),
        (
            "sign_method=HMAC-SHA256&sign=da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "hmac_sha1(key_secret) | hex",
        ),
        ("sign=YWJjZGVmZ2hpamtsbW5vcHFyc3Q%3D", "hmac_sha1(key_secret) | base64"),
        ("sign_type=RSA2&sign=<sign>", "rsa_sha256(key_secret) | base64"),
        ("sign_type=SHA1withRSA&sign=<sign>", "hmac_sha256(key_secret) | hex"),
    ] {
        let command =
            format!("curl https://x.example/t -d 'app_id=a1&key_secret=hunter7tree9x&{data}'");
        let text = drafted(&command, &[]);
        assert!(text.contains(&format!("{expected}\"\n")), "{data}: {expected}\n{text}");
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
}
