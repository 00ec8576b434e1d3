//! Which parts of a sample a draft keeps, computes for each request, or asks for.

use credwatch::config::load_text;

use super::{drafted, has_line, sent};

#[test]
fn constants_of_an_api_stay_and_what_belongs_to_a_customer_becomes_an_input() {
    let text = drafted(
        "curl -X POST https://x.example/v1/accounts:signInWithPassword -H 'X-Token-Type: \
         KEYPAIR_JWT' -H 'X-Tenant: acme' -H 'Content-Type: application/json' -d \
         '{\"kind\":\"TokenRequest\",\"apiVersion\":\"authentication.k8s.io/v1\",\
         \"authorize_type\":\"silent\",\"longTermToken\":\"true\",\"RegionId\":\"cn-shanghai\",\
         \"loginProviderName\":\"tmos\",\"token_ttl\":3600000,\"audience\":\
         \"https://api.x.example/\",\"realm\":\"acme\",\"CompanyDB\":\"SBODEMO\",\
         \"user\":{\"name\":\"admin\"},\"shop_id\":918273,\"apiKey\":\"sk_live_xxxxxxxx\",\
         \"callerName\":\"[Your name]\",\"lifetime\":\"15m\"}'",
        &[],
    );
    has_line(&text, "url = \"{{ base_url }}/v1/accounts:signInWithPassword\"");
    for line in [
        "headers.X-Token-Type = \"KEYPAIR_JWT\"",
        "headers.X-Tenant = \"{{ tenant }}\"",
        "json.kind = \"TokenRequest\"",
        "json.apiVersion = \"authentication.k8s.io/v1\"",
        "json.authorize_type = \"silent\"",
        "json.longTermToken = \"true\"",
        "json.RegionId = \"cn-shanghai\"",
        "json.loginProviderName = \"tmos\"",
        "json.token_ttl = 3600000",
        "json.lifetime = \"15m\"",
        "json.audience = \"{{ audience }}\"",
        "parameters.audience = { default = \"https://api.x.example/\" }",
        "json.realm = \"{{ realm }}\"",
        "json.CompanyDB = \"{{ company_db }}\"",
        "json.user = { name = \"{{ user_name }}\" }",
        "json.shop_id = \"{{ shop_id | int }}\"",
        "json.apiKey = \"{{ api_key }}\"",
        "credentials = [\"user_name\", \"api_key\"]",
        "parameters.shop_id = 1  # TODO: yours",
        "parameters.realm = \"acme\"  # TODO: yours",
    ] {
        has_line(&text, line);
    }
    load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
}

#[test]
fn a_method_behind_a_colon_stays_in_the_path_and_a_name_there_is_an_input() {
    for (path, expected) in [
        ("/api/session/:create", "/api/session/:create"),
        ("/b1s/v1/Login", "/b1s/v1/Login"),
        ("/v1/:account_id/token", "/v1/{{ account_id }}/token"),
        (
            "/namespaces/{ns}/serviceaccounts/{sa}/token",
            "/namespaces/{{ ns }}/serviceaccounts/{{ sa }}/token",
        ),
    ] {
        let text = drafted(&format!("curl -X POST 'https://x.example{path}'"), &[]);
        has_line(&text, &format!("url = \"{{{{ base_url }}}}{expected}\""));
    }
}

#[test]
fn times_and_values_that_are_used_once_are_computed() {
    let text = drafted(
        "curl https://x.example/t -H 'Date: Tue, 14 Nov 2023 22:13:20 GMT' -H 'X-Request-Id: \
         5f8f8c44-9d2e-4bcd-9abc-70123456789a' -H 'WM_QOS.CORRELATION_ID: b3261d2d' --json \
         '{\"requestTime\":\"2022-03-04T05:06:07+09:00\",\"ts\":1650000000000,\"iat\":1650000000,\
         \"exp\":1650003600,\"when\":\"2022-03-04 05:06:07\",\"nonce\":\
         \"9f86d081884c7d659a2feaa0c55ad015\",\"dob\":\"2000-01-01\",\"id\":\"{{$guid}}\",\
         \"t\":\"1650000000\",\"clientTime\":\"2022-03-04T05:06:07.123Z\",\"random\":\
         \"b3261d2d-0c98-4c1b-8f7e-70123456789a\"}'",
        &[],
    );
    let sent = sent(&text);
    for part in [
        "date: Tue, 14 Nov 2023 22:13:20 GMT",
        "x-request-id: 00000000-0000-0000-0000-000000000000",
        "wm_qos.correlation_id: 00000000-0000-0000-0000-000000000000",
        "\"requestTime\":\"2023-11-15T07:13:20+09:00\"",
        "\"ts\":1700000000000",
        "\"iat\":1700000000,\"exp\":1700000300",
        "\"when\":\"2023-11-14 22:13:20\"",
        "\"nonce\":\"00000000000000000000000000000000\"",
        "\"dob\":\"2000-01-01\"",
        "\"id\":\"00000000-0000-0000-0000-000000000000\"",
        "\"t\":\"1700000000\"",
        "\"clientTime\":\"2023-11-14T22:13:20.000Z\"",
        "\"random\":\"00000000-0000-0000-0000-000000000000\"",
    ] {
        assert!(sent.contains(part), "{part} is not in\n{sent}\n{text}");
    }
}

#[test]
fn the_user_agent_of_an_api_stays_and_what_a_tool_added_goes() {
    let command = "curl --location 'https://x.example/token' -H 'User-Agent: Weather/2.1' -H \
                   'Accept-Language: en-US' -H 'Cookie: JSESSIONID=7E0D1C6A5B2F' -H \
                   'Postman-Token: 9f86d081' -d 'grant_type=client_credentials'";
    let text = drafted(command, &[]);
    has_line(&text, "headers.User-Agent = \"Weather/2.1\"");
    has_line(&text, "headers.Accept-Language = \"en-US\"");
    assert!(
        text.contains("# TODO: a cookie of the command is left out")
            && !text.contains("7E0D1C")
            && !text.contains("Postman"),
        "{text}"
    );
    for option in ["-A 'curl/8.5.0'", "-H 'User-Agent: PostmanRuntime/7.26.8'"] {
        let text = drafted(&format!("curl {option} https://x.example/t -d a=b"), &[]);
        assert!(!text.contains("User-Agent"), "{text}");
    }
    let text = drafted("curl -A 'Weather/hunter7tree9x' https://x.example/t -d a=b", &[]);
    has_line(&text, "headers.User-Agent = \"{{ user_agent }}\"");
}

#[test]
fn a_multipart_form_keeps_its_kind() {
    let text = drafted(
        "curl https://x.example/t -F 'client_id=[client_id]' -F 'jwt_token=@token.jwt'",
        &[],
    );
    let parts = "{ client_id = \"{{ client_id }}\", jwt_token = \"{{ jwt_token }}\" }";
    has_line(&text, &format!("multipart = {parts}"));
    assert!(!text.contains("multipart form") && text.contains("comes from a file"), "{text}");
}

#[test]
fn a_user_name_with_a_fixed_part_keeps_it() {
    let text = drafted("curl -u '{email}/token:{api_token}' https://x.example/t", &[]);
    has_line(
        &text,
        "headers.Authorization = \"Basic {{ (email ~ '/token' ~ ':' ~ api_token) | base64 }}\"",
    );
}

#[test]
fn a_command_that_uses_the_token_is_no_step_before_it() {
    let text = drafted(
        "TOKEN=$(curl -d 'grant_type=client_credentials' https://x.example/token | jq -r .t)\n\
         curl -H \"Authorization: Bearer $TOKEN\" https://x.example/v1/items",
        &[],
    );
    assert!(
        text.contains("which uses the token and is not in this draft: `verify`")
            && !text.contains("[[recipes."),
        "{text}"
    );
}

#[test]
fn a_refusal_that_was_given_is_not_asked_for() {
    let call = "curl -d 'grant_type=client_credentials' https://x.example/oauth/token";
    let good = r#"{"access_token":"eyJhb...","expires_in":3600}"#;
    for (answers, asks) in [
        (vec![good], true),
        (vec![good, r#"{"error":"invalid_client"}"#], false),
        (vec![good, "HTTP/1.1 401 Unauthorized\n\nno such client"], false),
        (vec![r#"{"error":"invalid_client"}"#, good], false),
    ] {
        let text = drafted(call, &answers);
        assert_eq!(text.contains("a further --answer"), asks, "{text}");
        has_line(&text, "token = \"json.access_token\"");
    }
}

#[test]
fn the_built_in_recipe_is_named_only_where_it_reads_the_answers() {
    let call = "curl -d 'grant_type=client_credentials&client_id=a1&client_secret=b1' \
                https://x.example/oauth/token";
    let good = r#"{"access_token":"eyJhb...","expires_in":3600}"#;
    for (answers, named) in [
        (vec![good], true),
        (vec![good, r#"{"error":"invalid_client","error_description":"Who?"}"#], true),
        (vec![good, r#"{"response":{"errors":[{"code":"10401","message":"Who?"}]}}"#], false),
        (vec![r#"{"data":{"access_token":"eyJhb...","expires_in":3600}}"#], false),
        (vec![r#"{"access_token":"eyJhb...","expires_in":1799999}"#], false),
    ] {
        let text = drafted(call, &answers);
        assert_eq!(text.contains("oauth2-client-credentials"), named, "{text}");
    }
}

#[test]
fn an_answer_as_pages_print_it_is_read() {
    let call = "curl -u a:b https://x.example/session -X POST";
    for (answer, token) in [
        ("{\n  \"accessToken\": \"eyJhb...\", // valid for an hour\n  ...\n}", "json.accessToken"),
        ("HTTP/1.1 201 Created\nX-Subject-Token: <token>\n\n{}", "http.headers['x-subject-token']"),
        ("```json\n{\"sessionId\": \"…\",}\n```", "json.sessionId"),
        (
            "HTTP/2 200\nset-cookie: route=1; path=/\nset-cookie: JSESSIONID=1F0C; Path=/\n\n",
            "http.headers['set-cookie'] | split('JSESSIONID=') | last | split(';') | first",
        ),
    ] {
        let text = drafted(call, &[answer]);
        has_line(&text, &format!("token = \"{token}\""));
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
}
