//! Drafts of recipes that present a key and request no token.

use credwatch::authoring::{curl, draft};
use credwatch::config::load_text;
use credwatch::recipe::definition::CredentialKind;

use super::{drafted, has_line, now, run, sent};

/// Lines of drafts that only a recipe for a token has.
const OF_A_TOKEN: [&str; 3] = ["\ntoken = ", "\nexpiry = ", "\nissued = "];

fn is_static(text: &str) -> bool {
    let says = text.contains("\nkind = \"static\"\n");
    assert!(!says || !OF_A_TOKEN.iter().any(|line| text.contains(line)), "{text}");
    says
}

/// The shapes come from documents of well-known APIs; the hosts and keys were made up.
#[test]
fn a_read_with_a_key_is_drafted_as_a_static_credential_with_the_key_at_its_place() {
    for (command, header) in [
        (
            "curl -H 'Authorization: Bearer sk_live_9f8e7d6c5b4a3f2e1d' https://x.example/v1/me",
            "authorization: Bearer v-api_key",
        ),
        ("curl -H \"X-Api-Key: $KEY\" https://api.x.example/v1/me", "x-api-key: v-api_key"),
        (
            "curl -H 'DD-API-KEY: 9f8e7d6c5b4a3f2e1d9f8e7d6c5b4a3f' https://api.x.example/v1/me",
            "dd-api-key: v-dd_api_key",
        ),
        (
            "curl -H \"Authorization: Token token=$TOKEN\" https://api.x.example/users/me",
            "authorization: Token token=v-token",
        ),
        (
            "curl -H 'Authorization: Token token=y_NbAkKc66ryYTWUXYEu' https://api.x.example/me",
            "authorization: Token token=v-api_key",
        ),
        (
            "curl -H 'Authorization: SSWS 00QCjAl4MlV-WPXM4NqX9Yk2' https://api.x.example/users/me",
            "authorization: SSWS v-api_key",
        ),
        (
            "curl -H 'Authorization: lin_api_9f8e7d6c5b4a3f2e1d' https://api.x.example/me",
            "authorization: v-api_key",
        ),
        // printf 'v-api_key:' | base64, 'v-api_key:api_token', ':v-api_key', 'api:v-api_key'
        (
            "curl -u sk_test_4eC39HqLyjWDarjtT1zdp7dc: https://api.x.example/v1/balance",
            "authorization: Basic di1hcGlfa2V5Og==",
        ),
        (
            "curl -u sk_test_4eC39HqLyjWDarjtT1zdp7dc https://api.x.example/v1/balance",
            "authorization: Basic di1hcGlfa2V5Og==",
        ),
        (
            "curl -u 1971800d4d82861d8f2c1651fea4d212:api_token https://api.x.example/me",
            "authorization: Basic di1hcGlfa2V5OmFwaV90b2tlbg==",
        ),
        (
            "curl -u :kq3xv5zt7w9y2b4d6f8h https://dev.x.example/acme/_apis/projects",
            "authorization: Basic OnYtYXBpX2tleQ==",
        ),
        (
            "curl -u 'api:key-3ax6xnjp29jd6fds4gc373sgvjxteol0' https://api.x.example/v3/domains",
            "authorization: Basic YXBpOnYtYXBpX2tleQ==",
        ),
        // printf 'v-username/token:v-api_key' | base64
        (
            "curl -u 'me@acme.example/token:kq3xv5zt7w9y2b4d6f8h' https://acme.x.example/me.json",
            "authorization: Basic di11c2VybmFtZS90b2tlbjp2LWFwaV9rZXk=",
        ),
    ] {
        let text = drafted(command, &[]);
        assert!(is_static(&text), "{command}\n{text}");
        let sent = sent(&text);
        assert!(sent.starts_with("GET ") && sent.contains(header), "{command}\n{sent}");
    }
    let text = drafted("curl 'https://api.x.example/v1/me?api_key=9f8e7d6c5b4a3f2e1d77'", &[]);
    assert!(is_static(&text) && sent(&text).contains("/v1/me?api_key=v-api_key"), "{text}");
    let text = drafted("curl \"https://api.x.example/bot$BOT_TOKEN/getMe\"", &[]);
    assert!(is_static(&text) && sent(&text).contains("/botv-bot_token/getMe"), "{text}");
    let text = drafted("curl -I -H \"X-Api-Key: $KEY\" https://api.x.example/v1/me", &[]);
    assert!(is_static(&text) && text.contains("# TODO: the command asks for the head"), "{text}");
}

#[test]
fn a_command_that_issues_a_token_or_whose_answer_has_one_stays_an_issued_one() {
    let token = r#"{"access_token":"abc","expires_in":3600}"#;
    for (command, answers) in [
        ("curl -u id:secret https://x.example/oauth/token", &[][..]),
        ("curl 'https://x.example/t?grant_type=client_credential&appid=a1b2&secret=s3cr3t99'", &[]),
        ("curl 'https://x.example/api/login?user=me&password=hunter22'", &[]),
        ("curl -X POST -H \"X-Api-Key: $KEY\" https://x.example/v1/things", &[]),
        ("curl -H \"X-Api-Key: $KEY\" https://x.example/v1/grants", &[token]),
        ("curl https://x.example/v1/open", &[]),
    ] {
        let text = drafted(command, answers);
        assert!(!is_static(&text), "{command}\n{text}");
    }
}

#[test]
fn the_answers_tell_the_end_of_a_key_what_kills_it_and_the_code_of_a_refusal() {
    let good = r#"HTTP/1.1 200 OK

        {"id":7,"name":"ci","active":true,"revoked":false,"scopes":["api","read"],
         "created_at":"2023-01-01T00:00:00Z","last_used_at":"2023-11-01T00:00:00Z",
         "sudo_expires_at":"2023-11-14T23:13:20Z","expires_at":"2027-01-31"}"#;
    let bad = "HTTP/1.1 401 Unauthorized\n\n{\"error\":\"invalid_token\",\
               \"error_description\":\"Token is expired.\"}";
    let text = drafted(
        "curl -H \"PRIVATE-TOKEN: $TOKEN\" https://git.x.example/api/v4/access_tokens/self",
        &[good, bad],
    );
    assert!(is_static(&text), "{text}");
    for line in [
        "format = \"json\"",
        "dead = \"json.active == false or json.revoked == true\"",
        "scopes = \"json.scopes\"",
        "credential_expiry = { value = \"json.expires_at\", unit = \"date\" }",
        "credential_created = { value = \"json.created_at\", unit = \"date\" }",
        "code = \"json.error\"",
        "message = \"json.error_description\"",
    ] {
        has_line(&text, line);
    }
    load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
}

#[test]
fn an_end_is_read_in_the_unit_of_its_form_and_other_ends_are_left_alone() {
    for (member, expected) in [
        (r#""expires_at":1900000000"#, Some(("json.expires_at", "epoch"))),
        (r#""expiresAt":1900000000000"#, Some(("json.expiresAt", "epoch"))),
        (r#""expires_on":"2030-03-17T17:46:40Z""#, Some(("json.expires_on", "date"))),
        (r#""expiration":"Sun, 17 Mar 2030 17:46:40 -0000""#, Some(("json.expiration", "date"))),
        (r#""ends":{"validTo":"2030-03-17"}"#, Some(("json.ends.validTo", "date"))),
        (r#""expires_in":86400"#, Some(("json.expires_in", "seconds"))),
        (r#""ttl":0"#, Some(("json.ttl", "seconds"))),
        (r#""expires_at":null"#, Some(("json.expires_at", "date"))),
        (r#""expires":0"#, Some(("json.expires", "epoch"))),
        (r#""plan":{"expires_at":"2030-03-17"}"#, None),
        (r#""trial_expires_at":"2030-03-17""#, None),
        (r#""session":{"expires_at":"2030-03-17"}"#, None),
        (r#""expired":false"#, None),
        (r#""rate_limit":{"reset":1900000000}"#, None),
    ] {
        let answer = format!("HTTP/1.1 200 OK\n\n{{\"id\":\"a\",\"name\":\"ci\",{member}}}");
        let command = "curl -H \"X-Api-Key: $KEY\" https://api.x.example/v1/me";
        let text = drafted(command, &[&answer]);
        match expected {
            Some((path, unit)) => has_line(
                &text,
                &format!("credential_expiry = {{ value = \"{path}\", unit = \"{unit}\" }}"),
            ),
            None => assert!(!text.contains("\ncredential_expiry"), "{member}\n{text}"),
        }
    }
    let answer = "HTTP/1.1 200 OK\ngithub-authentication-token-expiration: 2030-03-17 17:46:40 \
                  UTC\nx-oauth-scopes: repo, gist\n\n{\"login\":\"me\"}";
    let text = drafted(
        "curl -H 'Authorization: Bearer ghp_9f8e7d6c5b4a' https://x.example/user",
        &[answer],
    );
    has_line(&text, "scopes = \"http.headers['x-oauth-scopes']\"");
    assert!(text.contains("value = \"http.headers['github-authentication-token-expiration']\""));
}

#[test]
fn an_answer_that_lists_keys_becomes_a_list() {
    let answer = r#"HTTP/1.1 200 OK

        {"value":[{"id":"1","displayName":"app","passwordCredentials":[
            {"keyId":"9cef","displayName":"ci","endDateTime":"2027-01-31T00:00:00Z"}]}],
         "@odata.nextLink":"https://graph.x.example/v1.0/applications?page=2"}"#;
    let command = "curl -H \"Authorization: Bearer $TOKEN\" \
                   'https://graph.x.example/v1.0/applications?$top=999'";
    let text = drafted(command, &[answer]);
    for line in [
        "query = { \"$top\" = \"999\" }",
        "list.rows = \"json.value\"",
        "list.each = \"row.passwordCredentials\"",
        "list.name = [\"each.displayName\", \"row.displayName\"]",
        "list.id = \"each.keyId\"",
        "list.expiry = { value = \"each.endDateTime\", unit = \"date\" }",
        "list.next = \"json['@odata.nextLink']\"",
    ] {
        has_line(&text, line);
    }
    let answer = "HTTP/1.1 200 OK\nLink: <https://x.example/keys?page=2>; rel=\"next\"\n\n\
                  [{\"id\":1,\"name\":\"a\",\"revoked\":false,\"expires_at\":\"2027-01-31\"}]";
    let text = drafted("curl -H \"X-Api-Key: $KEY\" https://x.example/keys", &[answer]);
    has_line(&text, "list.keep = \"row.revoked != true\"");
    assert!(text.contains("list.next = ") && text.contains("http.headers.link"), "{text}");
    load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
}

#[test]
fn an_author_can_choose_the_kind_and_is_asked_about_calls_that_may_change_something() {
    let command = "curl -X POST -H \"Authorization: Bearer $TOKEN\" https://x.example/auth.test";
    let undecided = drafted(command, &[]);
    assert!(!is_static(&undecided) && undecided.contains("`--kind static`"), "{undecided}");
    let (status, text, problem) =
        run(&["recipes", "new", "--kind", "static", "--from-curl", "-"], command, &[]);
    assert_eq!((status, problem.as_str()), (Some(0), ""));
    assert!(is_static(&text) && text.contains("\nmethod = \"POST\"\n"), "{text}");
    assert!(text.contains("# TODO: is this POST only a read?"), "{text}");
    // The answer of such a call decides it too.
    let answer = "HTTP/1.1 200 OK\n\n{\"ok\":true,\"url\":\"https://x.example/\",\"team\":\"a\"}";
    let refusal = "HTTP/1.1 200 OK\n\n{\"ok\":false,\"error\":\"invalid_auth\"}";
    let text = drafted(command, &[answer, refusal]);
    assert!(is_static(&text), "{text}");
    has_line(&text, "dead = \"json.ok == false\"");
    has_line(&text, "code = \"json.error\"");

    let token = draft::answer(r#"{"access_token":"abc","expires_in":3600}"#);
    let sample = curl::parse("curl -H \"X-Api-Key: $KEY\" https://x.example/v1/me").expect("read");
    let options = draft::Options { name: None, kind: Some(CredentialKind::Static) };
    let text = draft::draft(&sample, options, &[token], now()).expect("a draft");
    assert!(
        is_static(&text) && text.contains("`json.access_token` of the sample may be a token"),
        "{text}"
    );
}
