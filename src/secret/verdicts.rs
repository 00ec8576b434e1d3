//! One table of texts with the decision on them in each setting.

use super::{is_harmless, is_plain_name, may_show_in_answer};

/// A response shows words and identifiers but no random texts. A draft is published, so it shows
/// words of APIs, dates and small numbers. A line of a configuration shows only names of short
/// words, because any other text may be a secret in the wrong place.
#[test]
fn each_setting_shows_the_texts_that_its_rule_allows() {
    for (name, text, answer, draft, configuration) in [
        ("message", "Unauthenticated.", true, true, false),
        ("message", "the client is not known", true, true, false),
        ("error_description", "AADSTS7000215: Invalid client", true, false, false),
        ("resource", "https://graph.microsoft.example/v1", true, true, false),
        ("type", "https://tools.ietf.org/html/rfc7231#section-6.5.1", true, false, false),
        ("__type", "com.amazonaws.sts#NotAuthorizedException", true, false, false),
        ("Expiration", "2023-11-14T23:13:20Z", true, false, false),
        ("issuedAt", "1420262924658", true, false, false),
        ("expiresOn", "1420262924", true, false, false),
        ("id", "1420262924658", false, false, false),
        ("when", "20231114T221320Z", true, false, false),
        ("tokenIssuedAt", "1420262924658", false, false, false),
        ("day", "2023-11-14", true, true, false),
        ("scope", "*", true, true, false),
        ("scope", "read:users write", true, true, false),
        ("code", "AUTH-401", true, false, true),
        ("error", "invalid_client", true, true, true),
        ("flag", "true", true, true, true),
        ("number", "12", true, true, false),
        ("id", "hunter2", true, false, false),
        ("id", "a81bc81bdead", false, false, false),
        ("id", "5f8f8c44-1234-4bcd-9abc-0123456789ab", false, false, false),
        ("id", "918273645", false, false, false),
        ("id", "dGhpc2lzYXNlY3JldHRoYXRpc2xvbmc", false, false, false),
        ("mail", "me@x.example", false, false, false),
        ("access_token", "anotherword", false, true, true),
        ("url", "https://api.example/cb/0123456789abcdef0123", false, false, false),
    ] {
        assert_eq!(may_show_in_answer(name, text), answer, "answer: {name} {text}");
        assert_eq!(is_harmless(text), draft, "draft: {name} {text}");
        assert_eq!(is_plain_name(text), configuration, "configuration: {name} {text}");
    }
}
