//! Drafts of commands with secrets in any place.

use credwatch::authoring::{curl, draft};

use super::now;

/// Secrets of many kinds in each place of a command. No part of one may be in the draft or in the
/// error.
#[test]
fn no_kind_of_secret_in_any_place_of_a_command_is_in_the_draft() {
    const SECRETS: [&str; 14] = [
        "hunter7tree",
        "qP4zR8wKfTn2Lx",
        "longsecretofletters",
        "9b1c7e5d2a4f8063",
        "AKIA3XAMPLEQ7ZT2WB",
        "Tr0ub4dor&3",
        "sk_live_9fJq2LmZ7wX4cV1b",
        "271828182845",
        "5f8f8c44-9d2e-4bcd-9abc-70123456789a",
        "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==",
        "ghp_R7nQ2vX9kLmT4wZ8bC3dF6hJ1sP5yA0e",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJlLXRlc3Q",
        "MTIzNDU2Nzg5MGFiY2RlZg",
        "Pa55phraseWithWords9X",
    ];
    const PLACES: [&str; 38] = [
        "curl -u app:{s} https://a.test/token",
        "curl -u {s}: https://a.test/token",
        "curl -H 'Authorization: Bearer {s}' https://a.test/token",
        "curl -H 'Authorization: {s}' https://a.test/token",
        "curl -H \"Authorization: Basic $(echo -n {s}:x | base64)\" https://a.test/token",
        "curl -H \"Authorization: Basic $(printf '%s' 'app:{s}' | base64)\" https://a.test/token",
        "curl -H \"Authorization: Basic `echo -n app:{s} | openssl base64`\" https://a.test/token",
        "curl -H 'X-Thing: {s}' https://a.test/token",
        "curl -H '{s}: x' https://a.test/token",
        "curl -H 'Accept: {s}' https://a.test/token",
        "curl -H 'Content-Type: text/plain; k={s}' -d x https://a.test/token",
        "curl -b 'sid={s}' https://a.test/token",
        "curl --oauth2-bearer {s} https://a.test/token",
        "curl https://a.test/v1/{s}/token",
        "curl https://a.test/bot{s}/token",
        "curl https://a.test/v1/$ID-{s}/token",
        "curl 'https://a.test/token;k={s}'",
        "curl 'https://a.test/token?{s}'",
        "curl 'https://a.test/token?q={s}'",
        "curl https://app:{s}@a.test/token",
        "curl https://{s}.a.test/token",
        "curl https://$TENANT.{s}.a.test/token",
        "curl -d 'thing={s}' https://a.test/token",
        "curl -d '{s}=thing' https://a.test/token",
        "curl -d 'grant_type={s}' https://a.test/token",
        "curl -d 'scope=read {s}' https://a.test/token",
        "curl --data-raw '{s}' https://a.test/token",
        "curl --json '{\"a\":{\"b\":[\"{s}\"]}}' https://a.test/token",
        "curl --json '{\"{s}\":1}' https://a.test/token",
        "curl -H 'Content-Type: text/xml' -d '<a b=\"{s}\">{s}</a>' https://a.test/token",
        "curl -H 'Content-Type: text/xml' -d \"<a b='{s}'/>\" https://a.test/token",
        "curl -H 'Content-Type: text/xml' -d '<a><!-- {s} --><b>x</b></a>' https://a.test/token",
        "curl -H 'Content-Type: text/xml' -d '<a><![CDATA[{s}]]></a>' https://a.test/token",
        "TOKEN={s} curl -H \"Authorization: Bearer $TOKEN\" https://a.test/token",
        "export S={s}\ncurl -u app:$S https://a.test/token",
        "curl -X POST https://a.test/token -d @- <<E\nthing={s}\nE",
        "curl -d x https://a.test/token; curl https://b.test/{s}",
        "POST /{s} HTTP/1.1\nHost: {s}.a.test\n\nk={s}",
    ];
    for secret in SECRETS {
        for place in PLACES {
            let command = place.replace("{s}", secret);
            let text = match curl::parse(&command) {
                Err(problem) => problem,
                Ok(sample) => draft::draft(&sample, draft::Options::default(), &[], now())
                    .unwrap_or_else(|error| error),
            };
            let text = text.to_lowercase();
            let letters: Vec<char> = secret.to_lowercase().chars().collect();
            for window in letters.windows(8) {
                let window: String = window.iter().collect();
                assert!(!text.contains(&window), "{command}\n{window} is in\n{text}");
            }
        }
    }
}
