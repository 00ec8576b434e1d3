//! Writing a recipe: drafts from sample commands, suggestions, trials without a configuration, and where mistakes are told.

use std::io::Write as _;
use std::process::{Output, Stdio};

use credwatch::config::{load_text, recipe_schema, schema};
use credwatch::recipe::builtin::BUILTINS;
use credwatch::recipe::{Attempt, Inputs};
use credwatch::{curl, draft};
use jiff::Timestamp;
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::Value as Json;

use super::support::daemon::credwatch;
use super::support::endpoint::{Endpoint, http};

fn now() -> Timestamp {
    "2023-11-14T22:13:20Z".parse().expect("a date")
}

fn drafted(command: &str, answers: &[&str]) -> String {
    let sample = curl::parse(command).unwrap_or_else(|problem| panic!("{command}: {problem}"));
    let answers: Vec<_> = answers.iter().map(|answer| draft::answer(answer)).collect();
    draft::draft(&sample, None, &answers, now()).unwrap_or_else(|problem| panic!("{command}: {problem}"))
}

/// The request that a draft sends when each credential is `v-` and its name: method and URL, headers, body.
fn sent(text: &str) -> String {
    let configuration = load_text("draft", text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    let provider = &configuration.providers[0];
    let credentials: Vec<(String, SecretString)> = provider.credentials.iter().map(|(name, _)| (name.clone(), format!("v-{name}").into())).collect();
    let attempt = Attempt { now: now(), uuid: uuid::Uuid::nil() };
    let mut values = provider
        .recipe
        .begin(&Inputs { parameters: &provider.parameters, credentials: &credentials }, &attempt)
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    let request = provider.recipe.token.render(&mut values).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect();
    headers.sort();
    let body = request.body.map(|body| String::from_utf8(body.to_vec()).expect("text")).unwrap_or_default();
    format!("{} {}\n{}\n\n{body}", request.method, request.url, headers.join("\n"))
}

/// A command as the page of a well-known token API has it, with made-up values.
struct Known {
    command: &'static str,
    /// The request that the recipe has to send, by hand.
    request: &'static str,
    /// What stands in the command and must not stand in the draft.
    secrets: &'static [&'static str],
}

const FORM: &str = "content-type: application/x-www-form-urlencoded";

const KNOWN: [Known; 19] = [
    Known {
        command: "curl -v -X POST \"https://api-m.pay.example/v1/oauth2/token\" \\\n -u \"CLIENT_ID:CLIENT_SECRET\" \\\n -H \"Content-Type: application/x-www-form-urlencoded\" \\\n -d \"grant_type=client_credentials\"",
        request: "POST https://api-m.pay.example/v1/oauth2/token\nauthorization: Basic di1jbGllbnRfaWQ6di1jbGllbnRfc2VjcmV0\ncontent-type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials",
        secrets: &[],
    },
    Known {
        command: "curl --request POST --url https://accounts.music.example/api/token --header 'Authorization: Basic QTFiMkMzZDRFNTpTM2NyM3RTM2NyM3Q=' --header 'content-type: application/x-www-form-urlencoded' --data grant_type=client_credentials",
        request: "POST https://accounts.music.example/api/token\nauthorization: Basic di1jbGllbnRfaWQ6di1jbGllbnRfc2VjcmV0\ncontent-type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials",
        secrets: &["QTFiMkMz", "A1b2C3d4E5", "S3cr3tS3cr3t"],
    },
    Known {
        command: "curl --request POST \\\n  --url 'https://{yourDomain}/oauth/token' \\\n  --header 'content-type: application/json' \\\n  --data '{\"client_id\":\"{yourClientId}\",\"client_secret\":\"{yourClientSecret}\",\"audience\":\"https://api.example\",\"grant_type\":\"client_credentials\"}'",
        request: "POST https://api.example/oauth/token\ncontent-type: application/json\n\n{\"client_id\":\"v-client_id\",\"client_secret\":\"v-client_secret\",\"audience\":\"https://api.example\",\"grant_type\":\"client_credentials\"}",
        secrets: &[],
    },
    Known {
        command: "curl -X POST \"https://api.calls.example/2010-04-01/Accounts/$ACCOUNT_SID/Tokens.json\" -u \"$ACCOUNT_SID:$AUTH_TOKEN\"",
        request: "POST https://api.calls.example/2010-04-01/Accounts/v-account_sid/Tokens.json\nauthorization: Basic di1hY2NvdW50X3NpZDp2LWF1dGhfdG9rZW4=\n\n",
        secrets: &[],
    },
    Known {
        command: "# a tenant of your own\ncurl -X POST -H \"Content-Type: application/x-www-form-urlencoded\" -d 'client_id=535fb089-9ff3-47b6-9bfb-4f1264799865&scope=https%3A%2F%2Fgraph.cloud.example%2F.default&client_secret=sampleCredentia1s&grant_type=client_credentials' 'https://login.cloud.example/{tenant}/oauth2/v2.0/token'",
        request: "POST https://login.cloud.example/change-me/oauth2/v2.0/token\ncontent-type: application/x-www-form-urlencoded\n\nclient_id=v-client_id&scope=https%3A%2F%2Fgraph.cloud.example%2F.default&client_secret=v-client_secret&grant_type=client_credentials",
        secrets: &["535fb089", "sampleCredentia1s"],
    },
    Known {
        command: "$ curl \\\n    --request POST \\\n    --data '{\"role_id\":\"988a9dfd-ea69-4a53-6cb6-9d6b86474bba\",\"secret_id\":\"37b74931-c4cd-d49a-9246-ccc62d682a25\"}' \\\n    http://127.0.0.1:8200/v1/auth/approle/login",
        request: "POST http://127.0.0.1:8200/v1/auth/approle/login\ncontent-type: application/json\n\n{\"role_id\":\"v-role_id\",\"secret_id\":\"v-secret_id\"}",
        secrets: &["988a9dfd", "37b74931"],
    },
    Known {
        command: "curl -i -H \"Content-Type: application/json\" -d '\n{ \"auth\": { \"identity\": { \"methods\": [\"password\"], \"password\": { \"user\": { \"name\": \"admin\", \"domain\": { \"id\": \"default\" }, \"password\": \"'\"$OS_PASSWORD\"'\" } } } } }' \"http://127.0.0.1:5000/v3/auth/tokens\" ; echo",
        request: "POST http://127.0.0.1:5000/v3/auth/tokens\ncontent-type: application/json\n\n{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":\"admin\",\"domain\":{\"id\":\"v-id\"},\"password\":\"v-password\"}}}}}",
        secrets: &[],
    },
    Known {
        command: "curl -i -X POST 'https://open.chat.example/open-apis/auth/v3/tenant_access_token/internal' -H 'Content-Type: application/json; charset=utf-8' -d '{ \"app_id\": \"cli_slkdjalasdkjasd\", \"app_secret\": \"dskLLdkasdjlasdKK\" }'",
        request: "POST https://open.chat.example/open-apis/auth/v3/tenant_access_token/internal\ncontent-type: application/json\n\n{\"app_id\":\"v-app_id\",\"app_secret\":\"v-app_secret\"}",
        secrets: &["slkdjalasdkjasd", "dskLLdkasdjlasdKK"],
    },
    Known {
        command: "curl https://api.mini.example/cgi-bin/token?grant_type=client_credential&appid=APPID&secret=APPSECRET",
        request: "GET https://api.mini.example/cgi-bin/token?grant_type=client_credential&appid=v-appid&secret=v-secret\n\n\n",
        secrets: &["APPSECRET"],
    },
    Known {
        command: "curl -G https://iam.cloud.example/identity/token --data-urlencode 'grant_type=urn:params:oauth:grant-type:apikey' --data-urlencode \"apikey=$API_KEY\"",
        request: "GET https://iam.cloud.example/identity/token?grant_type=urn%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=v-apikey\n\n\n",
        secrets: &[],
    },
    Known {
        command: "curl 'https://openapi.home.example/v1.0/token?appKey=abc123def456&timestamp=1700000000123&sign=D41D8CD98F00B204&nonce=5138cc3a'",
        request: "GET https://openapi.home.example/v1.0/token?appKey=v-app_key&timestamp=1700000000000&sign=039b3fd188fecf5448055eee37bca66cf1569c426675b853a88730b7102bab8c&nonce=00000000-0000-0000-0000-000000000000\n\n\n",
        secrets: &["abc123def456", "D41D8CD98F00B204", "5138cc3a"],
    },
    Known {
        command: "curl -H 'Content-Type: text/xml' -H 'SOAPAction: login' -d '<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"urn:e\"><e:Body><login><username>jane@x.example</username><password>Tr0ub4dor</password></login></e:Body></e:Envelope>' https://login.crm.example/services/Soap/u/61.0",
        request: "POST https://login.crm.example/services/Soap/u/61.0\ncontent-type: text/xml\nsoapaction: login\n\n<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"urn:e\"><e:Body><login><username>v-username</username><password>v-password</password></login></e:Body></e:Envelope>",
        secrets: &["jane", "Tr0ub4dor"],
    },
    Known {
        command: "curl https://api.cards.example/v1/tokens -u sk_test_4eC39HqLyjWDarjtT1zdp7dc: -d 'card[number]'=tok -k",
        request: "POST https://api.cards.example/v1/tokens\nauthorization: Basic di11c2VybmFtZTo=\ncontent-type: application/x-www-form-urlencoded\n\ncard%5Bnumber%5D=tok",
        secrets: &["sk_test", "4eC39Hq"],
    },
    Known {
        command: "curl 'https://portal.grid.example/api/login' \\\n  -H 'accept: application/json, text/plain, */*' -H 'accept-language: en-GB,en;q=0.9' -H 'content-type: application/json' -b 'sid=8Zk1Q0vYx7' -H 'origin: https://portal.grid.example' -H 'sec-fetch-mode: cors' -H 'user-agent: Mozilla/5.0' --data-raw $'{\"email\":\"me@x.example\",\"password\":\"it\\'s-a-Secret\"}' --compressed",
        request: "POST https://portal.grid.example/api/login\naccept: application/json, text/plain, */*\ncontent-type: application/json\ncookie: v-cookie\n\n{\"email\":\"v-email\",\"password\":\"v-password\"}",
        secrets: &["8Zk1Q0vYx7", "me@x.example", "it's-a-Secret", "a-Secret"],
    },
    Known {
        command: "curl -X POST \"https://api.sabre.example/v2/auth/token\" -H \"Authorization: Basic $(echo -n \"$CONSUMER_KEY:$CONSUMER_SECRET\" | base64)\" -H 'Accept: application/vnd.x+json' -d ''",
        request: "POST https://api.sabre.example/v2/auth/token\naccept: application/vnd.x+json\nauthorization: Basic di1jb25zdW1lcl9rZXk6di1jb25zdW1lcl9zZWNyZXQ=\ncontent-type: application/x-www-form-urlencoded\n\n",
        secrets: &[],
    },
    Known {
        command: "curl --request POST \\\n--url \"https://api.git.example/app/installations/INSTALLATION_ID/access_tokens\" \\\n--header \"Accept: application/vnd.git+json\" \\\n--header \"Authorization: Bearer YOUR_JWT\" \\\n--header \"X-Git-Api-Version: 2022-11-28\"",
        request: "POST https://api.git.example/app/installations/v-installation_id/access_tokens\naccept: application/vnd.git+json\nauthorization: Bearer v-jwt\nx-git-api-version: 2022-11-28\n\n",
        secrets: &[],
    },
    Known {
        command: "curl --json '{\"username\": \"string\", \"password\": \"string\", \"remember\": true, \"ttl\": <seconds>, }' -X PUT api.shop.example/rest/login -L",
        request: "PUT https://api.shop.example/rest/login\ncontent-type: application/json\n\n{\"username\":\"v-username\",\"password\":\"v-password\",\"remember\":true,\"ttl\":\"change-me\"}",
        secrets: &[],
    },
    Known {
        command: "curl -X POST https://api.graph.example/graphql -H 'Content-Type: application/json' -d '{\"query\":\"mutation { login(user: \\\"me\\\", password: \\\"hunter2\\\", app: $APP) { token } }\"}'",
        request: "POST https://api.graph.example/graphql\ncontent-type: application/json\n\n{\"query\":\"v-query\"}",
        secrets: &["hunter2"],
    },
    Known {
        command: "export TOKEN=$(curl -s -H 'X-Auth-Key: <api key>' -H \"X-Auth-User: ${USER_NAME}\" \"https://auth.store.example/v1.0\" | jq -r .token)",
        request: "GET https://auth.store.example/v1.0\nx-auth-key: v-auth_key\nx-auth-user: v-auth_user\n\n",
        secrets: &[],
    },
];

#[test]
fn sample_commands_of_well_known_apis_become_recipes_that_send_the_same_request() {
    for known in &KNOWN {
        let text = drafted(known.command, &[]);
        assert_eq!(sent(&text), known.request, "{}\n{text}", known.command);
    }
    assert!(KNOWN.iter().filter(|known| known.request.contains(FORM)).count() >= 5);
}

#[test]
fn no_secret_of_a_command_gets_into_the_draft() {
    let mut seen = 0;
    for known in &KNOWN {
        let text = drafted(known.command, &[]);
        for secret in known.secrets {
            assert!(known.command.contains(secret) || secret.starts_with("A1b2") || secret.starts_with("S3cr3t") || secret.starts_with("it's"), "{secret}");
            assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "{secret} is in\n{text}");
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}

/// The measure of the whole: a recipe from an API's page has at most 25 lines.
#[test]
fn a_draft_has_at_most_twenty_five_lines_of_toml() {
    for known in &KNOWN {
        let text = drafted(known.command, &[]);
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert!(lines <= 25, "{lines} lines:\n{text}");
        assert!(text.lines().all(|line| line.chars().count() < 180 || line.contains("body =") || line.contains("'''") || line.contains('<')), "{text}");
    }
}

/// Runs a command with this on its standard input.
fn run(arguments: &[&str], input: &str, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut child = credwatch()
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    // Who reads nothing has gone before all is written.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    (status.code(), String::from_utf8(stdout).expect("text"), String::from_utf8(stderr).expect("text"))
}

#[test]
fn a_draft_with_sample_answers_has_their_rules_and_says_what_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let (good, bad) = (folder.path().join("good.txt"), folder.path().join("bad.json"));
    std::fs::write(
        &good,
        "HTTP/1.1 200 OK\r\nX-Subject-Token: gAAAAABk1234567890abcdef1234\r\nExpires: 0\r\n\r\n{\"token\":{\"expires_at\":\"2030-01-01T00:00:00.000000Z\"}}",
    )
    .expect("written");
    std::fs::write(&bad, "{\"error\":{\"code\":401,\"message\":\"no such user\",\"title\":\"Unauthorized\"}}").expect("written");
    let [good, bad] = [&good, &bad].map(|path| path.to_str().expect("text"));
    let command = "curl -d '{\"password\":\"hunter22\"}' https://auth.cloud.example/v3/tokens";
    let (status, text, problems) = run(&["recipes", "new", "--name", "cloud", "--from-curl", "-", "--answer", good, "--answer", bad], command, &[]);
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
    assert!(text.contains("# TODO: the command sends JSON without saying so") && !text.contains("hunter22") && !text.contains("gAAAA"), "{text}");
}

#[test]
fn a_command_that_makes_no_recipe_is_refused_in_a_sentence_without_its_secrets() {
    for (command, words) in [
        ("curl -F 'key=S3cr3tS3cr3t' https://x.example", "multipart"),
        ("curl -X DELETE -H 'Authorization: Bearer S3cr3tS3cr3t' https://x.example", "DELETE"),
        ("curl -d '{\"key\": \"S3cr3tS3cr3t\"' -H 'Content-Type: application/json' https://x.example", "no JSON"),
        ("curl -d 'S3cr3tS3cr3t https://x.example", "not closed"),
        ("curl -d '[null, \"S3cr3tS3cr3t\"]' https://x.example", "null"),
        ("curl ftp://S3cr3tS3cr3t@x.example", "neither https nor http"),
        ("S3cr3tS3cr3t", "no curl command"),
    ] {
        let (status, text, problem) = run(&["recipes", "new", "--from-curl", command], "", &[]);
        assert_eq!((status, text.as_str()), (Some(1), ""), "{command}");
        assert!(problem.starts_with("error: ") && problem.contains(words) && !problem.contains("S3cr3t"), "{command}: {problem}");
    }
}

#[test]
fn a_word_of_the_path_that_is_a_password_as_well_stays_a_word_of_the_path() {
    let call = "curl --request POST --url 'https://example.com/monitor/api_jsonrpc.php' --header 'Content-Type: application/json-rpc' --data '{\"jsonrpc\":\"2.0\",\"method\":\"user.login\",\"params\":{\"username\":\"Admin\",\"password\":\"monitor\"},\"id\":1}'";
    let text = drafted(call, &[]);
    assert!(text.contains("url = \"{{ base_url }}/monitor/api_jsonrpc.php\""), "{text}");
    assert!(text.contains("id = 1") && text.contains("credentials = [\"username\", \"password\"]"), "{text}");
    assert!(
        sent(&text).ends_with("{\"jsonrpc\":\"2.0\",\"method\":\"user.login\",\"params\":{\"username\":\"v-username\",\"password\":\"v-password\"},\"id\":1}")
    );
    // In part of a step, in the host, and beside a placeholder.
    let text = drafted("curl -u me:monitor 'https://monitor.example/monitor.php/{tenant}.monitor/t'", &[]);
    assert!(text.contains("/monitor.php/{{ tenant }}.monitor/t\"") && text.contains("https://monitor.example"), "{text}");
    // A secret that is no word is not shown either, and still not sent in the path.
    let text = drafted("curl -d '{\"password\":\"8Zk1Q0vYx7aB99\"}' https://x.example/8Zk1Q0vYx7aB99/t", &[]);
    assert!(!text.contains("8Zk1Q0") && !text.contains("/{{ password }}") && text.contains("/{{ path_id }}/t"), "{text}");
    // A placeholder of the path is what it was, and so is the number of an account that logs in.
    let text = drafted("curl -u \"$SID:$TOKEN\" https://x.example/Accounts/$SID/t", &[]);
    assert!(text.contains("/Accounts/{{ sid }}/t"), "{text}");
}

#[test]
fn small_numbers_and_words_of_headers_stay_as_they_are() {
    let call = "curl https://x.example/t -H 'X-Shop-Action: GetToken' -H 'deviceId: null' -H 'userId: test' -H 'X-Media: application/vnd.x+json' -H 'X-On: true' -H 'X-Api-Key: test' -H 'X-Client-Id: Jane' -H 'X-Shop: yourShop' -H 'X-Nonce: test' --json '{\"id\":7,\"siteId\":12,\"accountId\":123456,\"pin\":123,\"appKey\":5}'";
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
fn a_signature_is_of_the_digest_that_its_sample_has_the_length_of() {
    for (sample, expected) in [
        ("D41D8CD98F00B204E9800998ECF8427E", "(app_id ~ app_secret) | md5 | hex | upper"),
        ("d41d8cd98f00b204e9800998ecf8427e", "(app_id ~ app_secret) | md5 | hex"),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "(app_id) | hmac_sha1(app_secret) | hex"),
        ("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", "(app_id) | hmac_sha256(app_secret) | hex | upper"),
        (&"c0ffee99".repeat(16), "(app_id) | hmac_sha512(app_secret) | hex"),
        ("something-else", "(app_id) | hmac_sha256(app_secret) | hex"),
    ] {
        let text = drafted(&format!("curl -d 'appId=a1&appSecret=S3cr3tS3cr3t&sign={sample}' https://x.example/t"), &[]);
        assert!(text.lines().any(|line| line == format!("sign = \"{expected}\"")), "{sample}\n{text}");
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
}

#[test]
fn a_signature_over_the_request_is_no_credential() {
    for scheme in ["AWS4-HMAC-SHA256", "TC3-HMAC-SHA256"] {
        let text = drafted(
            &format!(
                "curl https://sts.x.example/ -H 'Authorization: {scheme} Credential=AKID1234567890EXAMPLE/2019/sts/request, SignedHeaders=host, Signature=c492e8ae85' -d 'Action=GetToken'"
            ),
            &[],
        );
        assert!(text.contains("signature over the request") && text.contains("`credwatch recipes show aws-sts`"), "{text}");
        assert!(!text.contains("headers.Authorization") && !text.contains("credentials = ") && !text.contains("AKID") && !text.contains("c492e8"), "{text}");
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
    assert!(drafted("curl https://x.example/t -H 'Authorization: X-Token abc9999999'", &[]).contains("headers.Authorization"));
}

#[test]
fn a_second_command_is_told_and_not_dropped() {
    let first = "curl -d 'user=jane1&password=S3cr3t99' https://x.example/login";
    for second in [
        "curl -H \"X-Nonce: $N\" 'https://me:S3cr3tX@y.example/v1/S3cr3t99/token?key=S3cr3tY'",
        "TOKEN=$(curl 'https://me:S3cr3tX@y.example/v1/S3cr3t99/token?key=S3cr3tY' | jq .t)",
    ] {
        let text = drafted(&format!("{first}\n\n{second}\n"), &[]);
        let told = text.lines().find(|line| line.contains("another command")).unwrap_or_else(|| panic!("{text}"));
        assert!(told.starts_with("# TODO: ") && told.contains("`https://y.example/v1/…/token`") && told.contains("`[[recipes.x.steps]]`"), "{told}");
        assert!(!text.contains("S3cr3t"), "{text}");
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
    assert!(drafted(&format!("{first}\ncurl -F a=b https://y.example"), &[]).contains("# TODO: the text has another command, which cannot be read"));
    assert!(!drafted(first, &[]).contains("another command"));
}

#[test]
fn a_raw_request_makes_the_same_draft_as_its_command() {
    let raw = "POST /auth/o2/token HTTP/1.1\nHost: api.shop.example\nContent-Type: application/x-www-form-urlencoded;charset=UTF-8\nContent-Length: 99\n\ngrant_type=refresh_token\n&refresh_token=Aitea7riepi8Oa\n&client_id=foodev\n&client_secret=Y76SDl2F";
    let curl = "curl -X POST https://api.shop.example/auth/o2/token -H 'Content-Type: application/x-www-form-urlencoded;charset=UTF-8' -d 'grant_type=refresh_token&refresh_token=Aitea7riepi8Oa&client_id=foodev&client_secret=Y76SDl2F'";
    let text = drafted(raw, &[]);
    assert_eq!(text, drafted(curl, &[]));
    assert!(text.contains("form.refresh_token = \"{{ refresh_token }}\"") && !text.contains("Aitea"), "{text}");
    let (status, _, problem) = run(&["recipes", "new", "--from-curl", "POST /token HTTP/1.1\n\nkey=S3cr3t"], "", &[]);
    assert!(status == Some(1) && problem.contains("which host") && problem.contains("POST /path HTTP/1.1") && !problem.contains("S3cr3t"), "{problem}");
}

#[test]
fn a_plain_grant_is_pointed_to_its_built_in_recipe() {
    let jwt_bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    for (form, expected) in [
        ("grant_type=refresh_token&refresh_token=r1&client_id=a1&client_secret=b1".to_owned(), Some("oauth2-refresh-token")),
        ("grant_type=password&username=u1&password=p1&scope=x".into(), Some("oauth2-password")),
        ("grant_type=client_credentials&client_id=a1&client_secret=b1".into(), Some("oauth2-client-credentials")),
        (format!("grant_type={jwt_bearer}&assertion=$JWT"), Some("oauth2-jwt-bearer")),
        (format!("grant_type={exchange}&subject_token=$T&subject_token_type=urn:ietf:params:oauth:token-type:jwt"), Some("oauth2-token-exchange")),
        ("grant_type=refresh_token&refresh_token=r1&shop=x".into(), None),
        ("grant_type=something&refresh_token=r1".into(), None),
    ] {
        let text = drafted(&format!("curl https://x.example/t -d \"{form}\""), &[]);
        let told = text.lines().find_map(|line| line.split_once("recipes show oauth2").map(|(_, rest)| format!("oauth2{}", rest.trim_end_matches("`."))));
        assert_eq!(told.as_deref(), expected, "{text}");
    }
}

#[test]
fn of_several_expiries_the_shortest_is_taken_and_all_are_named() {
    let call = "curl https://apic.example/api/login.json --json '{\"name\":\"a\",\"pwd\":\"b\"}'";
    let answer = r#"{"data":[{"attributes":{"token":"c","maximumLifetimeSeconds":"86400","refreshTimeoutSeconds":"600","guiIdleTimeoutSeconds":"60"}}]}"#;
    let text = drafted(call, &[answer]);
    let path = "json.data[0].attributes";
    assert!(text.contains(&format!("expiry = [{{ value = \"{path}.refreshTimeoutSeconds\", unit = \"seconds\" }}]")), "{text}");
    let todo = format!("# TODO: `{path}.refreshTimeoutSeconds`, `{path}.maximumLifetimeSeconds` could all say when the token ends, and the shortest was taken");
    assert!(text.contains(&todo), "{text}");
    // Two that agree are no question, nor is the expiry of another token.
    let text = drafted(call, &[r#"{"token":"c","expires_in":3600,"ext_expires_in":3600,"refresh_expires_in":60}"#]);
    assert!(text.contains("json.expires_in\"") && !text.contains("could all say"), "{text}");
}

#[test]
fn a_date_without_an_offset_says_that_it_is_read_as_utc() {
    let call = "curl https://x.example/t --json '{\"name\":\"a\",\"pwd\":\"b\"}'";
    let text = drafted(call, &[r#"{"data":{"token":"c","expireTime":"2024-01-01 12:00:00"}}"#]);
    assert!(text.contains("read as UTC") && text.contains("`value = \"json.data.expireTime ~ '+08:00'\"`"), "{text}");
    for whole in ["2024-01-01T12:00:00Z", "2024-01-01T12:00:00+08:00"] {
        let text = drafted(call, &[&format!(r#"{{"data":{{"token":"c","expireTime":"{whole}"}}}}"#)]);
        assert!(text.contains("unit = \"rfc3339\"") && !text.contains("read as UTC"), "{text}");
    }
    // With the offset it is read: eight hours earlier.
    let endpoint = Endpoint::json("200 OK", r#"{"token":"a-token-of-the-tests","end":"2100-01-01 12:00:00"}"#);
    assert!(tried(&endpoint, "[{ value = \"json.end ~ '+08:00'\", unit = \"rfc3339\" }]").contains("2100-01-01T04:00:00Z"));
}

/// What `probe` says of an answer with `token`, as data, when its expiry is read so.
fn tried(endpoint: &Endpoint, expiry: &str) -> String {
    let (_folder, path) = own(&OWN.replace("\"json.access_token\"", &format!("\"json.token\"\nresponse.expiry = {expiry}")));
    let url = format!("base_url={}", endpoint.url());
    let arguments = ["probe", "--recipe", &path, "--parameter", &url, "--credential", "key=env:OWN_KEY", "--output=json"];
    let (status, text, problem) = run(&arguments, "", &[("OWN_KEY", "S3cr3t-of-a-variable")]);
    assert_eq!(status, Some(0), "{text}{problem}");
    text
}

#[test]
fn a_duration_of_hours_and_minutes_is_read_in_seconds() {
    let call = "curl https://x.example/t --json '{\"name\":\"a\",\"pwd\":\"b\"}'";
    for (written, seconds) in [("360:00:00", 1_296_000), ("1:30", 5_400), ("00:01:05", 65)] {
        let answer = format!(r#"{{"token":"a-token-of-the-tests","tokenValidity":"{written}"}}"#);
        let text = drafted(call, &[&answer]);
        assert!(text.contains("# TODO: is it hours, minutes and seconds?"), "{text}");
        let expiry = text.lines().find_map(|line| line.strip_prefix("expiry = ")).unwrap_or_else(|| panic!("{text}"));
        assert!(expiry.contains("split(':')") && expiry.ends_with("unit = \"seconds\" }]"), "{expiry}");
        let told: Json = serde_json::from_str(&tried(&Endpoint::json("200 OK", &answer), expiry)).expect("JSON");
        let lifetime = told["outcome"]["lifetime_seconds"].as_f64().expect("a lifetime");
        assert!((lifetime - f64::from(seconds)).abs() < 0.001, "{told}");
    }
}

#[test]
fn a_refusal_in_a_list_of_messages_yields_its_code_and_its_sentence() {
    let refusal = r#"{"error_type":"UNAUTHENTICATED","messages":[{"args":[],"default_message":"Unable to log in.","id":"com.x.unauthenticated"}]}"#;
    let text = drafted("curl -X POST -u a:b https://x.example/api/session", &["\"b00063994ed9c0ffee1a2b3c4d5e6f70\"", refusal]);
    for line in ["code = \"json.error_type\"", "message = \"json.messages[0].default_message\""] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    /// Whatever is pasted: a draft that loads, or a sentence; and what stands under a secret's name is in neither.
    #[test]
    fn whatever_is_pasted_makes_a_draft_that_loads_or_a_sentence(
        noise in "[ -~äß\n]{0,40}",
        secret in "[A-Za-z0-9!/+_.-]{10,30}9",
        field in prop::sample::select(vec!["password", "client_secret", "apiKey", "X-Auth-Token", "colour"]),
        place in 0..5_usize,
    ) {
        let command = match place {
            0 => format!("curl -d '{{\"{field}\":\"{secret}\"}}' https://x.example/{noise}"),
            1 => format!("curl -H '{field}: {secret}' 'https://x.example/?a={noise}'"),
            2 => format!("curl -u 'me:{secret}' https://x.example -d 'a={noise}'"),
            3 => format!("curl 'https://x.example/token?{field}={secret}' -H 'Y: {noise}'"),
            _ => format!("curl {noise} https://me:{}@x.example", secret.replace('/', "a")),
        };
        if let Ok(sample) = curl::parse(&command) {
            match draft::draft(&sample, None, &[], now()) {
                Ok(text) => {
                    let configuration = load_text("draft", &text);
                    prop_assert!(configuration.is_ok(), "{}\n{text}", configuration.err().map(|faults| faults[0].to_string()).unwrap_or_default());
                    let used = text.lines().filter(|line| !line.starts_with('#')).any(|line| line.contains(&secret));
                    prop_assert!(place == 4 || !used, "{command}\n{text}");
                }
                Err(problem) => prop_assert!(!problem.contains(&secret), "{problem}"),
            }
        }
    }
}

/// Pieces of which samples are made, in any order and number.
const PIECES: [&str; 41] = [
    "-X POST",
    "-XGET",
    "-u $ID:$SECRET",
    "-u '<id>:<secret>'",
    "-u a:b",
    "-u :",
    "-d a=b",
    "-d '{\"a\": \"b\"}'",
    "-d '{\"a\": [1, {\"b\": $C}]}'",
    "--data-urlencode 'a=b c'",
    "--data-urlencode =x",
    "-d '<a b=\"c\"><d>{{e}}</d></a>'",
    "-d '<a'",
    "-d 'x y z'",
    "-d ''",
    "--json '[{\"a\": true}]'",
    "--json '\"a\"'",
    "-G",
    "-k",
    "-L",
    "-H 'Content-Type: application/json'",
    "-H 'Content-Type: text/xml'",
    "-H 'Authorization: Bearer $T'",
    "-H 'Authorization: Basic e3s6e3s='",
    "-H 'Authorization: {{'",
    "-H 'X-Sign: x'",
    "-H 'X-Timestamp: 1'",
    "-H 'Cookie: a=b'",
    "-H 'token: x'",
    "-H 'if: x'",
    "--json '{\"time\\\\nstamp\": 1700000000}'",
    "https://x.example",
    "https://x.example/{a}/:b/$C?d=<e>&f={{g}}&h=%7B%7B#i",
    "https://$H/x",
    "$BASE/x",
    "http://{a}.example:8080",
    "https://u:p@x.example",
    "x.example/%",
    "https://x.example/AC0123456789abcdef0123456789abcdef",
    "\\\n",
    "$(date +%s)",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_options_come_together_make_a_draft_that_loads_or_a_sentence(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 1..8)) {
        let command = format!("curl {}", pieces.join(" "));
        if let Ok(sample) = curl::parse(&command)
            && let Ok(text) = draft::draft(&sample, None, &[], now())
        {
            let configuration = load_text("draft", &text);
            prop_assert!(configuration.is_ok(), "{command}\n{}\n{text}", configuration.err().map(|faults| faults[0].to_string()).unwrap_or_default());
        }
    }
}

#[test]
fn the_list_is_searched_for_all_words_in_whatever_case() {
    let found = |words: &[&str]| -> Vec<String> {
        let (status, text, _) = run(&[&["recipes", "list"], words].concat(), "", &[]);
        assert_eq!(status, Some(0), "{words:?}");
        text.lines().filter(|line| !line.starts_with([' ', '?'])).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    };
    assert_eq!(found(&[]).len(), BUILTINS.len());
    // By name, by title, by an input, by what an input is.
    assert_eq!(found(&["GOOGLE"]), ["google-service-account"]);
    assert_eq!(found(&["server-to-server", "Zoom"]), ["zoom"]);
    assert!(found(&["consumer_key"]).contains(&"mpesa".to_owned()) && !found(&["consumer_key"]).contains(&"zoom".to_owned()));
    assert!(found(&["client_secret"]).len() > found(&["client_secret", "tenant"]).len());
}

#[test]
fn a_search_that_finds_nothing_says_so_with_what_is_near() {
    let (status, text, problem) = run(&["recipes", "list", "zomo"], "", &[]);
    assert_eq!((status, text.as_str()), (Some(1), ""));
    assert_eq!(
        problem,
        "error: no built-in recipe has \"zomo\"\n  hint: did you mean `zoom`? `credwatch recipes list` shows all, `credwatch recipes new` drafts one of your own\n"
    );
    assert_eq!(run(&["recipes", "list", "zoom", "microsoft"], "", &[]).0, Some(1), "every word has to be found");
}

const OWN: &str = "[recipes.own]
parameters = { base_url = {} }
credentials = [\"key\"]
request = { url = \"{{ base_url }}/t\", headers.X-Key = \"{{ key }}\" }
response.token = \"json.access_token\"
";

/// A recipe in a file of its own.
fn own(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("own.toml").to_str().expect("text").to_owned();
    std::fs::write(&path, text).expect("written");
    (folder, path)
}

#[test]
fn a_recipe_is_tried_without_a_configuration() {
    let endpoint = Endpoint::json("200 OK", "{\"access_token\":\"a-token-of-the-tests\",\"expires_in\":60}");
    let (folder, path) = own(OWN);
    let secret = folder.path().join("key");
    std::fs::write(&secret, "S3cr3t-of-a-file\n").expect("written");
    let url = format!("base_url={}", endpoint.url());
    let from_file = format!("key=file:{}", secret.display());
    for (credential, value) in [("key=env:OWN_KEY", "S3cr3t-of-a-variable"), (from_file.as_str(), "S3cr3t-of-a-file")] {
        let arguments = ["probe", "--recipe", &path, "--parameter", &url, "--credential", credential, "--explain"];
        let (status, text, problem) = run(&arguments, "", &[("OWN_KEY", "S3cr3t-of-a-variable")]);
        assert_eq!(status, Some(0), "{problem}");
        assert!(text.contains("OK a token was issued") && !text.contains("S3cr3t"), "{text}");
        assert!(endpoint.requests().last().expect("a request").contains(value));
    }
    // The same from a table in the file, with a path that is relative to it.
    let table = format!("{OWN}[providers.mine]\nrecipe = \"own\"\nparameters.base_url = \"{}\"\ncredentials.key.file = \"key\"\n", endpoint.url());
    std::fs::write(&path, table).expect("written");
    for name in [&[][..], &["own"], &["mine"]] {
        let (status, text, problem) = run(&[&["probe", "--recipe", &path], name].concat(), "", &[]);
        assert_eq!(status, Some(0), "{problem}");
        assert!(text.starts_with("mine  recipe own"), "{text}");
    }
}

#[test]
fn what_a_trial_lacks_is_told_as_it_is_to_be_typed() {
    let (_folder, path) = own(OWN);
    let (_other, two) = own(&format!("{OWN}{}", OWN.replace("recipes.own", "recipes.other")));
    let (_none, empty) = own("");
    let (_wrong, wrong) = own(&OWN.replace("{{ key }}", "{{ kye }}"));
    for (arguments, status, words) in [
        (vec!["--recipe", &path], 2, "add --parameter base_url=VALUE --credential key=env:KEY; a secret"),
        (vec!["--recipe", &path, "--parameter", "base_url"], 2, "NAME=VALUE"),
        (vec!["--recipe", &path, "--credential", "key=S3cr3t"], 2, "NAME=env:VARIABLE or NAME=file:PATH"),
        (vec!["--recipe", &path, "--credential", "key=S3cr3t:x"], 2, "NAME=env:VARIABLE or NAME=file:PATH"),
        (vec!["--recipe", &path, "--parameter", "base_url=x.example", "--credential", "key=env:K"], 78, "the command line:3:25: error: this is no URL"),
        (vec!["--recipe", &path, "--parameter", "base_url=https://x.example", "--parameter", "b=1", "--credential", "key=env:K"], 78, "has no parameter `b`"),
        (vec!["--recipe", &two], 2, "name one of `other`, `own`"),
        (vec!["--recipe", &two, "othr"], 2, "did you mean `other`?"),
        (vec!["--recipe", &empty], 2, "there is no recipe in"),
        (vec!["--recipe", "/nonexistent.toml"], 78, "cannot read /nonexistent.toml"),
        (vec!["--recipe", &wrong], 78, "own.toml:4:59: error: unknown name `kye`"),
        (vec!["--recipe", &path, "--config.file", "x.toml"], 2, "cannot be used with"),
        (vec!["x", "--parameter", "a=b"], 2, "--recipe"),
        (vec![], 2, "<NAME>"),
    ] {
        let (code, text, problem) = run(&[&["probe"], arguments.as_slice()].concat(), "", &[]);
        assert_eq!((code, text.as_str()), (Some(status), ""), "{arguments:?}: {problem}");
        assert!(problem.contains(words) && !problem.contains("S3cr3t"), "{arguments:?}: {problem}");
    }
}

/// What `probe` says in text and as data of an answer that a recipe of this response reads.
fn explained(response: &str, status: &str, headers: &str, body: &str) -> (String, Vec<(String, String)>) {
    let endpoint = Endpoint::answering(http(status, headers, body.as_bytes()));
    let (_folder, path) = own(&OWN.replace("response.token = \"json.access_token\"", response));
    let url = format!("base_url={}", endpoint.url());
    let arguments = ["probe", "--recipe", &path, "--parameter", &url, "--credential", "key=env:OWN_KEY"];
    let variables = [("OWN_KEY", "S3cr3t-of-a-variable")];
    let (_, text, problem) = run(&arguments, "", &variables);
    assert_eq!(problem, "");
    let (_, json, _) = run(&[&arguments[..], &["--output=json"]].concat(), "", &variables);
    let json: Json = serde_json::from_str(&json).expect("JSON");
    let told = json["suggestions"].as_array().expect("a list").iter();
    let word = |value: &Json| value.as_str().expect("text").to_owned();
    let suggestions: Vec<(String, String)> = told.map(|one| (word(&one["rule"]), word(&one["line"]))).collect();
    assert_eq!(text.contains("\nNot read\n"), !suggestions.is_empty(), "{text}");
    for (_, line) in &suggestions {
        assert!(text.lines().any(|shown| shown.trim() == line), "{line} is not in\n{text}");
        // It can be pasted: the recipe loads with it.
        let rest = response.lines().filter(|known| {
            !known.starts_with(line.split(' ').next().expect("a key")) && !known.starts_with(&format!("response.{}", line.split(' ').next().expect("a key")))
        });
        let token = if line.starts_with("token") || rest.clone().any(|known| known.contains("token")) { "" } else { "response.token = \"json.x\"\n" };
        let pasted = OWN.replace("response.token = \"json.access_token\"", &format!("{token}{}\nresponse.{line}", rest.collect::<Vec<_>>().join("\n")));
        load_text("pasted", &pasted).unwrap_or_else(|faults| panic!("{}\n{pasted}", faults[0]));
    }
    for secret in ["S3cr3t", "a-token-of-the-tests-1234567890", "Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg"] {
        assert!(!text.contains(secret) && !json.to_string().contains(secret), "{text}");
    }
    (text, suggestions)
}

#[test]
fn a_member_that_no_rule_read_is_suggested() {
    let token = "\"a-token-of-the-tests-1234567890\"";
    let wrong = "response.token = \"json.access_token\"";
    for (response, status, headers, body, expected) in [
        // Another name for the token, deeper down, with its expiry beside it.
        (
            wrong,
            "200 OK",
            "",
            format!("{{\"data\":{{\"authToken\":{token},\"expire\":7200}}}}"),
            vec!["token = \"json.data.authToken\"", "expiry = [{ value = \"json.data.expire\", unit = \"seconds\" }]"],
        ),
        // A token, and an expiry that no rule reads.
        (
            wrong,
            "200 OK",
            "",
            format!("{{\"access_token\":{token},\"validUntil\":4102444800000}}"),
            vec!["expiry = [{ value = \"json.validUntil\", unit = \"epoch_milliseconds\" }]"],
        ),
        // Everything is read.
        (
            "response.token = \"json.access_token\"\nresponse.expiry = [{ value = \"json.expires_in\", unit = \"seconds\" }]",
            "200 OK",
            "",
            format!("{{\"access_token\":{token},\"expires_in\":60,\"expires_at\":\"2100-01-01T00:00:00Z\"}}"),
            vec![],
        ),
        // Read with the wrong unit: as a date of 1970 it is long past.
        (
            "response.token = \"json.access_token\"\nresponse.expiry = [{ value = \"json.expires_in\", unit = \"epoch_seconds\" }]",
            "200 OK",
            "",
            format!("{{\"access_token\":{token},\"expires_in\":3600}}"),
            vec!["expiry = [{ value = \"json.expires_in\", unit = \"seconds\" }]"],
        ),
        // In a header.
        (wrong, "201 Created", "X-Auth-Token: Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg\r\n", "{}".into(), vec!["token = \"http.headers['x-auth-token']\""]),
        (
            wrong,
            "201 Created",
            "X-Auth-Token: Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg\r\n",
            String::new(),
            vec!["format = \"any\"", "token = \"http.headers['x-auth-token']\""],
        ),
        // By itself.
        (wrong, "200 OK", "", "Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg".into(), vec!["format = \"text\"", "token = \"body\""]),
        // XML.
        (wrong, "200 OK", "", "<r><Token>Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg</Token></r>".into(), vec!["format = \"xml\"", "token = \"xml.r.Token\""]),
        // A refusal whose code nothing reads.
        (
            wrong,
            "401 Unauthorized",
            "",
            "{\"fault\":{\"errorCode\":\"E-17\",\"detail\":\"no such key\"}}".into(),
            vec!["code = \"json.fault.errorCode\"", "message = \"json.fault.detail\""],
        ),
        // One whose sentence is read already.
        (
            "response.token = \"json.access_token\"\nresponse.message = \"json.fault.detail\"",
            "401 Unauthorized",
            "",
            "{\"fault\":{\"errorCode\":\"E-17\",\"detail\":\"no such key\"}}".into(),
            vec!["code = \"json.fault.errorCode\""],
        ),
        // An echo of the credential is neither.
        (wrong, "401 Unauthorized", "", "{\"code\":\"S3cr3t-of-a-variable\",\"S3cr3t-of-a-variable\":{\"code\":\"x\"}}".into(), vec![]),
    ] {
        let (text, suggestions) = explained(response, status, headers, &body);
        let lines: Vec<&str> = suggestions.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, expected, "{text}");
        assert!(!body.starts_with('<') || text.contains("    Token: [hidden] (a string of 30 characters)"), "{text}");
    }
}

#[test]
fn the_schema_of_recipe_files_takes_what_loads_and_refuses_what_does_not() {
    let (status, text, _) = run(&["schema", "--recipes"], "", &[]);
    assert_eq!(status, Some(0));
    let shown: Json = serde_json::from_str(&text).expect("JSON");
    assert_eq!(&shown, recipe_schema());
    let validator = jsonschema::validator_for(&shown).expect("a schema");
    let document = |text: &str| -> Json { serde_json::to_value(text.parse::<toml::Table>().expect(text)).expect("JSON") };
    for (name, text) in BUILTINS {
        let recipe: toml::Table = text.parse().expect(name);
        let file = serde_json::json!({ "recipes": { name: recipe } });
        assert!(validator.is_valid(&file), "{name}: {:?}", validator.iter_errors(&file).map(|error| error.to_string()).collect::<Vec<_>>());
    }
    assert!(validator.is_valid(&document(OWN)));
    for (from, to) in [
        ("parameters", "paramaters"),
        ("base_url = {}", "base_url = \"x\""),
        ("credentials = [\"key\"]", "credentials = \"key\""),
        ("response.token = \"json.access_token\"", "response.token = 1"),
        ("response.token", "response.expiry = [{ value = \"json.a\", unit = \"sec\" }]\nresponse.token"),
        ("response.token", "response.expiry = [{ value = \"json.a\" }]\nresponse.token"),
        ("[recipes.own]", "[providers.own]"),
    ] {
        let broken = OWN.replacen(from, to, 1);
        assert_ne!(broken, OWN);
        assert!(!validator.is_valid(&document(&broken)), "{broken}");
        assert!(load_text("broken", &broken).is_err() || to.starts_with("[providers"), "{broken}");
    }
    // A draft has providers too: the schema of the configuration is its own.
    let configuration = jsonschema::validator_for(schema()).expect("a schema");
    for known in &KNOWN {
        assert!(configuration.is_valid(&document(&drafted(known.command, &[]))), "{}", known.command);
    }
}

#[test]
fn mistakes_in_a_recipe_are_told_at_the_exact_character() {
    for (line, place, wrong) in [
        ("request.headers.X-Sign = \"{{ now_s | hmac_sha256(kee) | hex }}\"", 50, "unknown name `kee`"),
        ("request.headers.X-Sign = '{{ now_s | hmac_sha265(key) | hex }}'", 38, "unknown filter `hmac_sha265`"),
        ("request.body = \"\\\"k\\\": \\\"{{ kee }}\\\"\"", 29, "unknown name `kee`"),
        ("request.body = \"\\u00e4 {{ kee }}\"", 27, "unknown name `kee`"),
        ("request.json = { a = [{ b = \"x {{ kee }}\" }] }", 35, "unknown name `kee`"),
        ("request.headers.X-A = \"x {{ key }\"", 26, "`{{` without `}}`"),
        ("request.headers.X-A = \"{% if key %}\"", 24, "`{%` is not possible"),
        ("response.code = [\"json.a\", \"json.b is strng\"]", 39, "unknown test `strng`"),
        ("response.code = \"http.stats\"", 23, "`http` has no member `stats`"),
        ("response.issued = \"json.a = 1\"", 27, "the expression cannot be read"),
        ("response.expiry = [{ value = \"json.a\", unit = \"sec\" }]", 47, "\"sec\" is not one of the words"),
        ("response.expirey = [{ value = \"json.a\", unit = \"seconds\" }]", 10, "unknown key `expirey`"),
        ("request.methud = \"GET\"", 9, "unknown key `methud`"),
        ("response.format = \"jsn\"", 19, "\"jsn\" is not one of the words"),
    ] {
        let (folder, path) = own(&format!(
            "[recipes.own]\nparameters = {{ base_url = {{}} }}\ncredentials = [\"key\"]\nrequest.url = \"{{{{ base_url }}}}\"\nresponse.token = \"json.t\"\n{line}\n"
        ));
        let expected = format!("own.toml:6:{place}: error: {wrong}");
        // By itself, and as a file that a configuration names.
        let (status, _, problem) = run(&["probe", "--recipe", &path], "", &[]);
        assert!(status == Some(78) && problem.contains(&expected), "{line}\nexpected {expected}, got\n{problem}");
        let main = folder.path().join("credwatch.toml");
        std::fs::write(&main, "recipe_files = [\"own.toml\"]\n").expect("written");
        let (status, _, problem) = run(&["check", "--config.file", main.to_str().expect("text")], "", &[]);
        assert!(status == Some(78) && problem.contains(&expected), "{line}\nexpected {expected}, got\n{problem}");
    }
}
