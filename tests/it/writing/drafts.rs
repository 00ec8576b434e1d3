//! Details of drafts from a command or a sample answer.

use credwatch::config::load_text;
use serde_json::Value as Json;

use super::{OWN, drafted, own, run, sent};
use crate::support::endpoint::Endpoint;

#[test]
fn a_draft_with_sample_answers_has_rules_for_them_and_todo_comments() {
    let folder = tempfile::tempdir().expect("a folder");
    let (good, bad) = (folder.path().join("good.txt"), folder.path().join("bad.json"));
    std::fs::write(
        &good,
        "HTTP/1.1 200 OK\r\nX-Subject-Token: gAAAAABk1234567890abcdef1234\r\nExpires: 0\r\n\r\n\
         {\"token\":{\"expires_at\":\"2030-01-01T00:00:00.000000Z\"}}",
    )
    .expect("written");
    std::fs::write(
        &bad,
        "{\"error\":{\"code\":401,\"message\":\"no such user\",\"title\":\"Unauthorized\"}}",
    )
    .expect("written");
    let [good, bad] = [&good, &bad].map(|path| path.to_str().expect("text"));
    let command = "curl -d '{\"password\":\"hunter22\"}' https://auth.cloud.example/v3/tokens";
    let (status, text, problems) = run(
        &[
            "recipes", "new", "--name", "cloud", "--from-curl", "-", "--answer", good, "--answer",
            bad,
        ],
        command,
        &[],
    );
    assert_eq!((status, problems.as_str()), (Some(0), ""));
    for line in [
        "[recipes.cloud]",
        "credentials = [\"password\"]",
        "json = { password = \"{{ password }}\" }",
        "token = \"http.headers['x-subject-token']\"",
        "expiry = [{ value = \"json.token.expires_at\", unit = \"rfc3339\" }]",
        "code = \"json.error.code\"",
        "message = [\"json.error.message\", \"json.error.title\"]",
        "[providers.cloud]",
        "credentials.password = { env = \"CLOUD_PASSWORD\" }",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
    assert!(
        text.contains("# TODO: the command sends JSON without saying so")
            && !text.contains("hunter22")
            && !text.contains("gAAAA"),
        "{text}"
    );
}

#[test]
fn an_unusable_command_is_an_error_without_its_secrets() {
    for (command, words) in [
        ("curl -F S3cr3tS3cr3t https://x.example", "no `=`"),
        ("curl -X DELETE -H 'Authorization: Bearer S3cr3tS3cr3t' https://x.example", "DELETE"),
        (
            "curl -d '\
             {\"key\": \"S3cr3tS3cr3t\"' -H 'Content-Type: application/json' https://x.example",
            "not JSON",
        ),
        ("curl -d 'S3cr3tS3cr3t https://x.example", "not closed"),
        ("curl -d '[null, \"S3cr3tS3cr3t\"]' https://x.example", "null"),
        ("curl ftp://S3cr3tS3cr3t@x.example", "neither https nor http"),
        ("S3cr3tS3cr3t", "no curl command"),
    ] {
        let (status, text, problem) = run(&["recipes", "new", "--from-curl", command], "", &[]);
        assert_eq!((status, text.as_str()), (Some(1), ""), "{command}");
        assert!(
            problem.starts_with("error: ")
                && problem.contains(words)
                && !problem.contains("S3cr3t"),
            "{command}: {problem}"
        );
    }
}

#[test]
fn a_word_of_the_path_stays_in_the_path_even_if_it_is_also_the_password() {
    let call = "curl --request POST --url 'https://example.com/monitor/api_jsonrpc.php' --header \
                'Content-Type: application/json-rpc' --data \
                '\
                {\"jsonrpc\":\"2.0\",\"method\":\"user.login\",\
                 \"params\":{\"username\":\"Admin\",\"password\":\"monitor\"},\"id\":1}'";
    let text = drafted(call, &[]);
    assert!(text.contains("url = \"{{ base_url }}/monitor/api_jsonrpc.php\""), "{text}");
    assert!(
        text.contains("id = 1") && text.contains("credentials = [\"username\", \"password\"]"),
        "{text}"
    );
    assert!(sent(&text).ends_with(
        "{\"jsonrpc\":\"2.0\",\"method\":\"user.login\",\
                 \"params\":{\"username\":\"v-username\",\"password\":\"v-password\"},\"id\":1}"
    ));
    // In a part of a path segment, in the host, and beside a placeholder.
    let text =
        drafted("curl -u me:monitor 'https://monitor.example/monitor.php/{tenant}.monitor/t'", &[]);
    assert!(
        text.contains("/monitor.php/{{ tenant }}.monitor/t\"")
            && text.contains("https://monitor.example"),
        "{text}"
    );
    // A secret that is not a word becomes a parameter of the path.
    let text = drafted(
        "curl -d '{\"password\":\"8Zk1Q0vYx7aB99\"}' https://x.example/8Zk1Q0vYx7aB99/t",
        &[],
    );
    assert!(
        !text.contains("8Zk1Q0")
            && !text.contains("/{{ password }}")
            && text.contains("/{{ path_id }}/t"),
        "{text}"
    );
    // A placeholder of the path stays, also if it is the user name.
    let text = drafted("curl -u \"$SID:$TOKEN\" https://x.example/Accounts/$SID/t", &[]);
    assert!(text.contains("/Accounts/{{ sid }}/t"), "{text}");
}

#[test]
fn small_numbers_and_plain_words_stay_unchanged() {
    let call = "curl https://x.example/t -H 'X-Shop-Action: GetToken' -H 'deviceId: null' -H \
                'userId: test' -H 'X-Media: application/vnd.x+json' -H 'X-On: true' -H 'X-Api-Key: \
                test' -H 'X-Client-Id: Jane' -H 'X-Shop: yourShop' -H 'X-Nonce: test' --json \
                '{\"id\":7,\"siteId\":12,\"accountId\":123456,\"pin\":123,\"appKey\":5}'";
    let text = drafted(call, &[]);
    for line in [
        "headers.X-Shop-Action = \"GetToken\"",
        "headers.deviceId = \"null\"",
        "headers.userId = \"test\"",
        "headers.X-Media = \"application/vnd.x+json\"",
        "headers.X-On = \"true\"",
        "headers.X-Api-Key = \"{{ api_key }}\"",
        "headers.X-Client-Id = \"{{ client_id }}\"",
        "headers.X-Shop = \"{{ shop }}\"",
        "headers.X-Nonce = \"{{ uuid }}\"",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
    for line in [
        "json.id = 7",
        "json.siteId = 12",
        "json.accountId = \"{{ account_id | int }}\"",
        "json.pin = \"{{ pin | int }}\"",
        "json.appKey = \"{{ app_key | int }}\"",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
}

#[test]
fn the_length_of_a_sample_signature_decides_the_digest() {
    for (sample, expected) in [
        ("D41D8CD98F00B204E9800998ECF8427E", "(app_id ~ app_secret) | md5 | hex | upper"),
        ("d41d8cd98f00b204e9800998ecf8427e", "(app_id ~ app_secret) | md5 | hex"),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "(app_id) | hmac_sha1(app_secret) | hex"),
        (
            "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
            "(app_id) | hmac_sha256(app_secret) | hex | upper",
        ),
        (&"c0ffee99".repeat(16), "(app_id) | hmac_sha512(app_secret) | hex"),
        ("something-else", "(app_id) | hmac_sha256(app_secret) | hex"),
    ] {
        let text = drafted(
            &format!("curl -d 'appId=a1&appSecret=S3cr3tS3cr3t&sign={sample}' https://x.example/t"),
            &[],
        );
        assert!(
            text.lines().any(|line| line == format!("sign = \"{expected}\"")),
            "{sample}\n{text}"
        );
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
}

#[test]
fn a_signature_of_the_request_is_not_a_credential() {
    for scheme in ["AWS4-HMAC-SHA256", "TC3-HMAC-SHA256"] {
        let text = drafted(
            &format!(
                "curl https://sts.x.example/ -H 'Authorization: {scheme} \
                 Credential=AKID1234567890EXAMPLE/2019/sts/request, SignedHeaders=host, \
                 Signature=c492e8ae85' -d 'Action=GetToken'"
            ),
            &[],
        );
        assert!(
            text.contains("signature over the request")
                && text.contains("`credwatch recipes show aws-"),
            "{text}"
        );
        assert!(
            !text.contains("headers.Authorization")
                && !text.contains("credentials = ")
                && !text.contains("AKID")
                && !text.contains("c492e8"),
            "{text}"
        );
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
    assert!(
        drafted("curl https://x.example/t -H 'Authorization: X-Token abc9999999'", &[])
            .contains("headers.Authorization")
    );
}

#[test]
fn a_second_command_becomes_a_todo_comment() {
    let first = "curl -d 'user=jane1&password=S3cr3t99' https://x.example/login";
    for second in [
        "curl -H \"X-Nonce: $N\" 'https://me:S3cr3tX@y.example/v1/S3cr3t99/token?key=S3cr3tY'",
        "TOKEN=$(curl 'https://me:S3cr3tX@y.example/v1/S3cr3t99/token?key=S3cr3tY' | jq .t)",
    ] {
        let text = drafted(&format!("{first}\n\n{second}\n"), &[]);
        let comment = text
            .lines()
            .find(|line| line.contains("another command"))
            .unwrap_or_else(|| panic!("{text}"));
        assert!(
            comment.starts_with("# TODO: ")
                && comment.contains("`https://y.example/v1/…/token`")
                && comment.contains("`[[recipes.x.steps]]`"),
            "{comment}"
        );
        assert!(!text.contains("S3cr3t"), "{text}");
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
    assert!(
        drafted(&format!("{first}\ncurl --digest https://y.example"), &[])
            .contains("# TODO: the text has another command, which cannot be read")
    );
    assert!(!drafted(first, &[]).contains("another command"));
}

#[test]
fn a_raw_request_makes_the_same_draft_as_its_command() {
    let raw = "POST /auth/o2/token HTTP/1.1\nHost: api.shop.example\nContent-Type: \
               application/x-www-form-urlencoded;charset=UTF-8\nContent-Length: 99\n\n\
               grant_type=refresh_token\n&refresh_token=Aitea7riepi8Oa\n&client_id=foodev\n\
               &client_secret=Y76SDl2F";
    let curl = "curl -X POST https://api.shop.example/auth/o2/token -H 'Content-Type: \
                application/x-www-form-urlencoded;charset=UTF-8' -d \
                'grant_type=refresh_token&refresh_token=Aitea7riepi8Oa&client_id=foodev&\
                client_secret=Y76SDl2F'";
    let text = drafted(raw, &[]);
    assert_eq!(text, drafted(curl, &[]));
    assert!(
        text.contains("form.refresh_token = \"{{ refresh_token }}\"") && !text.contains("Aitea"),
        "{text}"
    );
    // Without a host, the address is a parameter without a default.
    let text = drafted("POST /token HTTP/1.1\n\nkey=S3cr3tS3cr3t", &[]);
    assert!(
        text.contains("parameters = { base_url = {} }")
            && text.contains("url = \"{{ base_url }}/token\"")
            && text.contains("# TODO: the request does not say which host it goes to")
            && !text.contains("S3cr3t"),
        "{text}"
    );
    let (status, _, problem) =
        run(&["recipes", "new", "--from-curl", "POST /token HTTP/1.1\nS3cr3t and more\n"], "", &[]);
    assert!(
        status == Some(1)
            && problem.contains("is not a header")
            && problem.contains("POST /path HTTP/1.1")
            && !problem.contains("S3cr3t"),
        "{problem}"
    );
}

#[test]
fn a_draft_of_a_standard_grant_names_the_built_in_recipe() {
    let jwt_bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    for (form, expected) in [
        (
            "grant_type=refresh_token&refresh_token=r1&client_id=a1&client_secret=b1".to_owned(),
            Some("oauth2-refresh-token"),
        ),
        ("grant_type=password&username=u1&password=p1&scope=x".into(), Some("oauth2-password")),
        (
            "grant_type=client_credentials&client_id=a1&client_secret=b1".into(),
            Some("oauth2-client-credentials"),
        ),
        (format!("grant_type={jwt_bearer}&assertion=$JWT"), Some("oauth2-jwt-bearer")),
        (
            format!(
                "grant_type={exchange}&subject_token=$T&\
                 subject_token_type=urn:ietf:params:oauth:token-type:jwt"
            ),
            Some("oauth2-token-exchange"),
        ),
        ("grant_type=refresh_token&refresh_token=r1&shop=x".into(), None),
        ("grant_type=something&refresh_token=r1".into(), None),
    ] {
        let text = drafted(&format!("curl https://x.example/t -d \"{form}\""), &[]);
        let named = text.lines().find_map(|line| {
            line.split_once("recipes show oauth2")
                .map(|(_, rest)| format!("oauth2{}", rest.trim_end_matches("`.")))
        });
        assert_eq!(named.as_deref(), expected, "{text}");
    }
}

#[test]
fn a_draft_uses_the_shortest_of_several_expiries_and_names_all() {
    let call = "curl https://apic.example/api/login.json --json '{\"name\":\"a\",\"pwd\":\"b\"}'";
    let answer = r#"{"data":[{"attributes":{"token":"c","maximumLifetimeSeconds":"86400",
        "refreshTimeoutSeconds":"600","guiIdleTimeoutSeconds":"60"}}]}"#;
    let text = drafted(call, &[answer]);
    let path = "json.data[0].attributes";
    assert!(
        text.contains(&format!(
            "expiry = [{{ value = \"{path}.refreshTimeoutSeconds\", unit = \"seconds\" }}]"
        )),
        "{text}"
    );
    let todo = format!(
        "unit = \"seconds\" }}]  # TODO: or is it `{path}.maximumLifetimeSeconds`? The shortest of \
         them was taken.\n"
    );
    assert!(text.contains(&todo), "{text}");
    // There is no question about two equal expiries, or about the expiry of another token.
    let text = drafted(
        call,
        &[r#"{"token":"c","expires_in":3600,"ext_expires_in":3600,"refresh_expires_in":60}"#],
    );
    assert!(text.contains("json.expires_in\"") && !text.contains("or is it"), "{text}");
}

#[test]
fn a_date_without_an_offset_says_that_it_is_read_as_utc() {
    let call = "curl https://x.example/t --json '{\"name\":\"a\",\"pwd\":\"b\"}'";
    let text = drafted(call, &[r#"{"data":{"token":"c","expireTime":"2024-01-01 12:00:00"}}"#]);
    assert!(
        text.contains("read as UTC")
            && text.contains("`value = \"json.data.expireTime ~ '+08:00'\"`"),
        "{text}"
    );
    for whole in ["2024-01-01T12:00:00Z", "2024-01-01T12:00:00+08:00"] {
        let text =
            drafted(call, &[&format!(r#"{{"data":{{"token":"c","expireTime":"{whole}"}}}}"#)]);
        assert!(text.contains("unit = \"rfc3339\"") && !text.contains("read as UTC"), "{text}");
    }
    // With the offset, the time is eight hours earlier.
    let endpoint =
        Endpoint::json("200 OK", r#"{"token":"a-token-of-the-tests","end":"2100-01-01 12:00:00"}"#);
    assert!(
        tried(&endpoint, "[{ value = \"json.end ~ '+08:00'\", unit = \"rfc3339\" }]")
            .contains("2100-01-01T04:00:00Z")
    );
}

/// Runs `probe` with this rule for the expiry. Returns its JSON output.
fn tried(endpoint: &Endpoint, expiry: &str) -> String {
    let (_folder, path) = own(&OWN
        .replace("\"json.access_token\"", &format!("\"json.token\"\nresponse.expiry = {expiry}")));
    let url = format!("base_url={}", endpoint.url());
    let arguments = [
        "probe", "--recipe", &path, "--parameter", &url, "--credential", "key=env:OWN_KEY",
        "--output=json",
    ];
    let (status, text, problem) = run(&arguments, "", &[("OWN_KEY", "S3cr3t-of-a-variable")]);
    assert_eq!(status, Some(0), "{text}{problem}");
    text
}

#[test]
fn a_duration_of_hours_and_minutes_is_read_in_seconds() {
    let call = "curl https://x.example/t --json '{\"name\":\"a\",\"pwd\":\"b\"}'";
    for (written, seconds) in
        [("360:00:00", 1_296_000), ("1:30", 5_400), ("00:01:05", 65), ("1.02:00:00", 93_600)]
    {
        let answer = format!(r#"{{"token":"a-token-of-the-tests","tokenValidity":"{written}"}}"#);
        let text = drafted(call, &[&answer]);
        assert!(text.contains("# TODO: is it hours, minutes and seconds?"), "{text}");
        let may_be_days = matches!(written, "360:00:00" | "00:01:05");
        assert_eq!(text.contains("with the unit `dhm`"), may_be_days, "{text}");
        let expiry = text
            .lines()
            .find_map(|line| line.strip_prefix("expiry = "))
            .unwrap_or_else(|| panic!("{text}"));
        assert!(
            expiry.contains("json.tokenValidity") && expiry.ends_with("unit = \"hms\" }]"),
            "{expiry}"
        );
        let json: Json =
            serde_json::from_str(&tried(&Endpoint::json("200 OK", &answer), expiry)).expect("JSON");
        let lifetime = json["outcome"]["lifetime_seconds"].as_f64().expect("a lifetime");
        assert!((lifetime - f64::from(seconds)).abs() < 0.001, "{json}");
    }
}

#[test]
fn a_refusal_with_a_list_of_messages_yields_rules_for_code_and_message() {
    let refusal = r#"{"error_type":"UNAUTHENTICATED","messages":[{"args":[],
        "default_message":"Unable to log in.","id":"com.x.unauthenticated"}]}"#;
    let text = drafted(
        "curl -X POST -u a:b https://x.example/api/session",
        &["\"b00063994ed9c0ffee1a2b3c4d5e6f70\"", refusal],
    );
    for line in ["code = \"json.error_type\"", "message = \"json.messages[0].default_message\""] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
}
