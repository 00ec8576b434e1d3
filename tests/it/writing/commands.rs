//! Drafts from sample commands of well-known token APIs, and from any other text.

use credwatch::authoring::{curl, draft};
use credwatch::config::load_text;
use credwatch::diagnostic::Fault;
use proptest::prelude::*;

use super::{drafted, now, sent};

/// A sample command like those of a well-known token API, with made-up values.
pub struct Known {
    pub command: &'static str,
    /// The expected request of the recipe, written by hand.
    request: &'static str,
    /// Texts of the command that must not be in the draft.
    secrets: &'static [&'static str],
}

const FORM: &str = "content-type: application/x-www-form-urlencoded";

pub const KNOWN: [Known; 19] = [
    Known {
        command: "curl -v -X POST \"https://api-m.pay.example/v1/oauth2/token\" \\\n -u \
                  \"CLIENT_ID:CLIENT_SECRET\" \\\n -H \"Content-Type: \
                  application/x-www-form-urlencoded\" \\\n -d \"grant_type=client_credentials\"",
        request: "POST https://api-m.pay.example/v1/oauth2/token\nauthorization: Basic \
                  di1jbGllbnRfaWQ6di1jbGllbnRfc2VjcmV0\ncontent-type: \
                  application/x-www-form-urlencoded\n\ngrant_type=client_credentials",
        secrets: &[],
    },
    Known {
        command: "curl --request POST --url https://accounts.music.example/api/token --header \
                  'Authorization: Basic QTFiMkMzZDRFNTpTM2NyM3RTM2NyM3Q=' --header 'content-type: \
                  application/x-www-form-urlencoded' --data grant_type=client_credentials",
        request: "POST https://accounts.music.example/api/token\nauthorization: Basic \
                  di1jbGllbnRfaWQ6di1jbGllbnRfc2VjcmV0\ncontent-type: \
                  application/x-www-form-urlencoded\n\ngrant_type=client_credentials",
        secrets: &["QTFiMkMz", "A1b2C3d4E5", "S3cr3tS3cr3t"],
    },
    Known {
        command: "curl --request POST \\\n  --url 'https://{yourDomain}/oauth/token' \\\n  \
                  --header 'content-type: application/json' \\\n  --data \
                  '{\"client_id\":\"{yourClientId}\",\"client_secret\":\"{yourClientSecret}\",\
                  \"audience\":\"https://api.example\",\"grant_type\":\"client_credentials\"}'",
        request: "POST https://api.example/oauth/token\ncontent-type: application/json\n\n\
                  {\"client_id\":\"v-client_id\",\"client_secret\":\"v-client_secret\",\
                   \"audience\":\"https://api.example\",\
                   \"grant_type\":\"client_credentials\"}",
        secrets: &[],
    },
    Known {
        command: "curl -X POST \"https://api.calls.example/2010-04-01/Accounts/$ACCOUNT_SID/Tokens.\
                  json\" -u \"$ACCOUNT_SID:$AUTH_TOKEN\"",
        request: "POST https://api.calls.example/2010-04-01/Accounts/v-account_sid/Tokens.json\n\
                  authorization: Basic di1hY2NvdW50X3NpZDp2LWF1dGhfdG9rZW4=\n\n",
        secrets: &[],
    },
    Known {
        command: "# a tenant of your own\ncurl -X POST -H \"Content-Type: \
                  application/x-www-form-urlencoded\" -d \
                  'client_id=535fb089-9ff3-47b6-9bfb-4f1264799865&scope=https%3A%2F%2Fgraph.\
                  cloud.example%2F.default&client_secret=sampleCredentia1s&\
                  grant_type=client_credentials' \
                  'https://login.cloud.example/{tenant}/oauth2/v2.0/token'",
        request: "POST https://login.cloud.example/change-me/oauth2/v2.0/token\ncontent-type: \
                  application/x-www-form-urlencoded\n\n\
                  client_id=v-client_id&scope=https%3A%2F%2Fgraph.cloud.example%2F.default&\
                  client_secret=v-client_secret&grant_type=client_credentials",
        secrets: &["535fb089", "sampleCredentia1s"],
    },
    Known {
        command: "$ curl \\\n    --request POST \\\n    --data \
                  '{\"role_id\":\"988a9dfd-ea69-4a53-6cb6-9d6b86474bba\",\
                  \"secret_id\":\"37b74931-c4cd-d49a-9246-ccc62d682a25\"}' \\\n    \
                   http://127.0.0.1:8200/v1/auth/approle/login",
        request: "POST http://127.0.0.1:8200/v1/auth/approle/login\ncontent-type: \
                  application/json\n\n{\"role_id\":\"v-role_id\",\"secret_id\":\"v-secret_id\"}",
        secrets: &["988a9dfd", "37b74931"],
    },
    Known {
        command: "curl -i -H \"Content-Type: application/json\" -d '\n\
                  { \"auth\": { \"identity\": { \"methods\": [\"password\"], \"password\": { \
                   \"user\": { \"name\": \"admin\", \"domain\": { \"id\": \"default\" }, \
                   \"password\": \"'\"$OS_PASSWORD\"'\" } } } } }' \
                   \"http://127.0.0.1:5000/v3/auth/tokens\" ; echo",
        request: "POST http://127.0.0.1:5000/v3/auth/tokens\ncontent-type: application/json\n\n\
                  {\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\
                   \"user\":{\"name\":\"v-user_name\",\"domain\":{\"id\":\"default\"},\
                   \"password\":\"v-password\"}}}}}",
        secrets: &[],
    },
    Known {
        command: "curl -i -X POST \
                  'https://open.chat.example/open-apis/auth/v3/tenant_access_token/internal' -H \
                  'Content-Type: application/json; charset=utf-8' -d \
                  '{ \"app_id\": \"cli_slkdjalasdkjasd\", \"app_secret\": \"dskLLdkasdjlasdKK\" }'",
        request: "POST https://open.chat.example/open-apis/auth/v3/tenant_access_token/internal\n\
                  content-type: application/json\n\n\
                  {\"app_id\":\"v-app_id\",\"app_secret\":\"v-app_secret\"}",
        secrets: &["slkdjalasdkjasd", "dskLLdkasdjlasdKK"],
    },
    Known {
        command: "curl https://api.mini.example/cgi-bin/token?grant_type=client_credential&\
                  appid=APPID&secret=APPSECRET",
        request: "GET https://api.mini.example/cgi-bin/token?grant_type=client_credential&\
                  appid=v-appid&secret=v-secret\n\n\n",
        secrets: &["APPSECRET"],
    },
    Known {
        command: "curl -G https://iam.cloud.example/identity/token --data-urlencode \
                  'grant_type=urn:params:oauth:grant-type:apikey' --data-urlencode \
                  \"apikey=$API_KEY\"",
        request: "GET https://iam.cloud.example/identity/token?\
                  grant_type=urn%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=v-apikey\n\n\n",
        secrets: &[],
    },
    Known {
        command: "curl 'https://openapi.home.example/v1.0/token?appKey=abc123def456&\
                  timestamp=1700000000123&sign=D41D8CD98F00B204&nonce=5138cc3a'",
        request: "GET https://openapi.home.example/v1.0/token?appKey=v-app_key&\
                  timestamp=1700000000000&\
                  sign=039b3fd188fecf5448055eee37bca66cf1569c426675b853a88730b7102bab8c&\
                  nonce=00000000-0000-0000-0000-000000000000\n\n\n",
        secrets: &["abc123def456", "D41D8CD98F00B204", "5138cc3a"],
    },
    Known {
        command: "curl -H 'Content-Type: text/xml' -H 'SOAPAction: login' -d '<?xml \
                  version=\"1.0\"?><e:Envelope \
                  xmlns:e=\"urn:e\"><e:Body><login><username>jane@x.example</username>\
                  <password>Tr0ub4dor</password></login></e:Body></e:Envelope>' \
                  https://login.crm.example/services/Soap/u/61.0",
        request: "POST https://login.crm.example/services/Soap/u/61.0\naccept: */*\n\
                  content-type: text/xml\nsoapaction: login\n\n<?xml version=\"1.0\"?><e:Envelope \
                  xmlns:e=\"urn:e\"><e:Body><login><username>v-username</username>\
                  <password>v-password</password></login></e:Body></e:Envelope>",
        secrets: &["jane", "Tr0ub4dor"],
    },
    Known {
        command: "curl https://api.cards.example/v1/tokens -u sk_test_4eC39HqLyjWDarjtT1zdp7dc: -d \
                  'card[number]'=tok -k",
        request: "POST https://api.cards.example/v1/tokens\nauthorization: Basic di11c2VybmFtZTo=\n\
                  content-type: application/x-www-form-urlencoded\n\ncard%5Bnumber%5D=tok",
        secrets: &["sk_test", "4eC39Hq"],
    },
    Known {
        command: "curl 'https://portal.grid.example/api/login' \\\n  -H 'accept: application/json, \
                  text/plain, */*' -H 'accept-language: en-GB,en;q=0.9' -H 'content-type: \
                  application/json' -b 'sid=8Zk1Q0vYx7' -H 'origin: https://portal.grid.example' \
                  -H 'sec-fetch-mode: cors' -H 'user-agent: Mozilla/5.0' --data-raw \
                  $'{\"email\":\"me@x.example\",\"password\":\"it\\'s-a-Secret\"}' --compressed",
        request: "POST https://portal.grid.example/api/login\naccept: application/json, \
                  text/plain, */*\ncontent-type: application/json\nuser-agent: Mozilla/5.0\n\n\
                  {\"email\":\"v-email\",\"password\":\"v-password\"}",
        secrets: &["8Zk1Q0vYx7", "me@x.example", "it's-a-Secret", "a-Secret"],
    },
    Known {
        command: "curl -X POST \"https://api.sabre.example/v2/auth/token\" -H \"Authorization: \
                  Basic $(echo -n \"$CONSUMER_KEY:$CONSUMER_SECRET\" | base64)\" -H 'Accept: \
                  application/vnd.x+json' -d ''",
        request: "POST https://api.sabre.example/v2/auth/token\naccept: application/vnd.x+json\n\
                  authorization: Basic di1jb25zdW1lcl9rZXk6di1jb25zdW1lcl9zZWNyZXQ=\ncontent-type: \
                  application/x-www-form-urlencoded\n\n",
        secrets: &[],
    },
    Known {
        command: "curl --request POST \\\n--url \
                  \"https://api.git.example/app/installations/INSTALLATION_ID/access_tokens\" \\\n\
                  --header \"Accept: application/vnd.git+json\" \\\n--header \"Authorization: \
                  Bearer YOUR_JWT\" \\\n--header \"X-Git-Api-Version: 2022-11-28\"",
        request: "POST https://api.git.example/app/installations/v-installation_id/access_tokens\n\
                  accept: application/vnd.git+json\nauthorization: Bearer JWT\n\
                  x-git-api-version: 2022-11-28\n\n",
        secrets: &[],
    },
    Known {
        command: "curl --json '\
                  {\"username\": \"string\", \"password\": \"string\", \"remember\": true, \
                   \"ttl\": <seconds>, }' \
                   -X PUT api.shop.example/rest/login -L",
        request: "PUT https://api.shop.example/rest/login\ncontent-type: application/json\n\n\
                  {\"username\":\"v-username\",\"password\":\"v-password\",\"remember\":true,\
                   \"ttl\":\"change-me\"}",
        secrets: &[],
    },
    Known {
        command: "curl -X POST https://api.graph.example/graphql -H 'Content-Type: \
                  application/json' -d \
                  '\
                  {\"query\":\"mutation { login(user: \\\"me\\\", password: \\\"hunter2\\\", \
                   app: $APP) { token } }\"}'",
        request: "POST https://api.graph.example/graphql\ncontent-type: application/json\n\n\
                  {\"query\":\"mutation { login(user: \\\"v-user\\\", \
                  password: \\\"v-password\\\", \
                  app: \\\"v-app\\\") { token } }\"}",
        secrets: &["hunter2"],
    },
    Known {
        command: "export TOKEN=$(curl -s -H 'X-Auth-Key: <api key>' -H \"X-Auth-User: \
                  ${USER_NAME}\" \"https://auth.store.example/v1.0\" | jq -r .token)",
        request: "GET https://auth.store.example/v1.0\nx-auth-key: v-auth_key\nx-auth-user: \
                  v-auth_user\n\n",
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
fn no_secret_of_a_command_is_in_the_draft() {
    let mut seen = 0;
    for known in &KNOWN {
        let text = drafted(known.command, &[]);
        for secret in known.secrets {
            assert!(
                known.command.contains(secret)
                    || secret.starts_with("A1b2")
                    || secret.starts_with("S3cr3t")
                    || secret.starts_with("it's"),
                "{secret}"
            );
            assert!(
                !text.to_lowercase().contains(&secret.to_lowercase()),
                "{secret} is in\n{text}"
            );
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn a_draft_has_at_most_twenty_five_lines_of_toml() {
    for known in &KNOWN {
        let text = drafted(known.command, &[]);
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert!(lines <= 25, "{lines} lines:\n{text}");
        assert!(
            text.lines().all(|line| line.chars().count() < 180
                || line.contains("body =")
                || line.contains("'''")
                || line.contains('<')),
            "{text}"
        );
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// The first fault of a draft that does not load.
fn first_fault<T>(loaded: Result<T, Vec<Fault>>) -> String {
    loaded.err().map(|faults| faults[0].to_string()).unwrap_or_default()
}

proptest! {
    #![proptest_config(cases(300))]
    /// Neither the draft nor the error has the value of a secret.
    #[test]
    fn any_pasted_text_yields_a_valid_draft_or_an_error(
        noise in "[ -~äß\n]{0,40}",
        // Shorter ones can look like two words of an API.
        secret in "[A-Za-z0-9!/+_.-]{16,30}9",
        field in prop::sample::select(
            vec!["password", "client_secret", "apiKey", "X-Auth-Token", "colour"]
        ),
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
            match draft::draft(&sample, draft::Options::default(), &[], now()) {
                Ok(text) => {
                    let configuration = load_text("draft", &text);
                    let fault = first_fault(configuration);
                    prop_assert!(fault.is_empty(), "{fault}\n{text}");
                    let mut kept = text.lines().filter(|line| !line.starts_with('#'));
                    let used = kept.any(|line| line.contains(&secret));
                    prop_assert!(place == 4 || !used, "{command}\n{text}");
                }
                Err(problem) => prop_assert!(!problem.contains(&secret), "{problem}"),
            }
        }
    }
}

/// Parts of commands; the test combines them at random.
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
    #![proptest_config(cases(400))]
    #[test]
    fn any_combination_of_options_yields_a_valid_draft_or_an_error(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 1..8)
    ) {
        let command = format!("curl {}", pieces.join(" "));
        if let Ok(sample) = curl::parse(&command)
            && let Ok(text) = draft::draft(&sample, draft::Options::default(), &[], now())
        {
            let configuration = load_text("draft", &text);
            let fault = first_fault(configuration);
            prop_assert!(fault.is_empty(), "{command}\n{fault}\n{text}");
        }
    }
}
