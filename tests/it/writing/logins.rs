//! Values of a sample that differ between customers though they are plain words: a login name
//! beside a password, and what the token is for. Further commands of a text, and recipes of the
//! same host.

use credwatch::config::load_text;

use super::{drafted, has_line, sent};

#[test]
fn a_plain_word_beside_a_password_is_the_login_name() {
    let xml = "-H 'Content-Type: text/xml' -d";
    let graphql = "mutation { signIn(identifier: \\\"admin\\\", password: \\\"x7\\\") { jwt } }";
    for (data, expected) in [
        (r#"--json '{"x":{"attributes":{"name":"georgewa","pwd":"x7"}}}'"#, "v-name"),
        (r#"--json '{"identifier":"alice.bsky.social","password":"x7"}'"#, "v-identifier"),
        (r#"--json '{"Identifier":"admin","secret":"x7","source":"web"}'"#, "v-identifier"),
        (r#"--json '{"name":"USERNAME","password":"PASSWORD"}'"#, "v-name"),
        (r#"--json '{"name":"USER_NAME","apiKey":"x7"}'"#, "v-name"),
        (r#"--json '{"badge":"admin","passcode":"x7"}'"#, "v-badge"),
        (r#"--json '{"loginId":7,"password":"x7"}'"#, "v-login_id"),
        (r#"--json '{"identifier":"1650000000","password":"x7"}'"#, "v-identifier"),
        ("-d 'principal=admin&grant_type=password&password=x7'", "v-principal"),
        ("-G -d 'officer=admin&pw=x7&do=login'", "v-officer"),
        (&format!("{xml} '<aaaUser name=\"admin\" pwd=\"x7\"/>'"), "v-name"),
        (&format!("{xml} '<s:in><s:Name>admin</s:Name><s:pin>x7</s:pin></s:in>'"), "v-name"),
        (&format!("--json '{{\"query\":\"{graphql}\"}}'"), "v-identifier"),
    ] {
        let text = drafted(&format!("curl https://x.example/t {data}"), &[]);
        let numbers = text.replace(" | int", "");
        assert!(sent(&numbers).contains(expected) && !text.contains("admin\""), "{data}\n{text}");
        assert!(!text.contains("georgewa") && !text.contains("alice"), "{data}\n{text}");
    }
}

#[test]
fn a_word_that_is_explained_stays_beside_a_password() {
    for (data, expected) in [
        (r#"{"username":"jo","password":"x7","platform":"ios"}"#, "\"platform\":\"ios\""),
        (r#"{"username":"jo","password":"x7","colour":"red"}"#, "\"colour\":\"red\""),
        (r#"{"password":"x7","provider":"local"}"#, "\"provider\":\"local\""),
        (r#"{"password":"x7","verb":"loginUser"}"#, "\"verb\":\"loginUser\""),
        (r#"{"login":{"password":"x7"},"name":"session-call"}"#, "\"name\":\"session-call\""),
        (r#"{"name":"session-call","colour":"red"}"#, "\"name\":\"session-call\""),
        (r#"{"apiKey":"x7","colour":"red"}"#, "\"colour\":\"red\""),
        (r#"{"username":"jo","password":"x7","level":7}"#, "\"level\":7"),
    ] {
        let text = drafted(&format!("curl https://x.example/t --json '{data}'"), &[]);
        assert!(sent(&text).contains(expected), "{data}\n{text}");
    }
}

#[test]
fn what_a_token_is_for_is_a_parameter_with_the_value_of_the_sample() {
    for (call, name, value, shown) in [
        ("-d scope=okta.users.read", "scope", "okta.users.read", "scope=okta.users.read"),
        ("-d 'resource=https://vault.azure.net/'", "resource", "https://vault.azure.net/", ""),
        (
            r#"--json '{"audience":"https://quickstarts/api"}'"#,
            "audience",
            "https://quickstarts/api",
            r#"{"audience":"https://quickstarts/api"}"#,
        ),
        (
            r#"--json '{"data":{"scopes":["read","write"]}}'"#,
            "scopes",
            "read write",
            r#"{"data":{"scopes":["read","write"]}}"#,
        ),
        ("-G -d 'scope=read+write'", "scope", "read write", "scope=read+write"),
        ("-F scope=read", "scope", "read", "read"),
        (r#"--json '{"requestedScope":"a:b"}'"#, "requested_scope", "a:b", "\"a:b\""),
    ] {
        let text = drafted(&format!("curl https://x.example/t {call}"), &[]);
        let default = format!("{name} = {{ default = \"{value}\" }}");
        assert!(text.contains(&default), "{call}\n{text}");
        assert!(!text.contains(&format!("parameters.{name} = \"")), "{call}\n{text}");
        assert!(sent(&text).contains(shown), "{call}\n{}\n{text}", sent(&text));
    }
    for (call, kept) in [
        ("-d scope=openid", "scope = \"openid\""),
        ("-d audience=API_IDENTIFIER", "parameters.audience = \"API_IDENTIFIER\"  # TODO: yours"),
        ("-d scope=READ_WRITE", "scope = { default = \"READ_WRITE\" }"),
        ("-d scope=", "scope = \"\""),
        (r#"--json '{"scope":{"project":{"enabled":true}}}'"#, "enabled = true"),
        ("-d 'audience=urn:ietf:params:x'", "audience = \"urn:ietf:params:x\""),
        ("-d 'scope=crm:globex&organization=globex'", "scope = \"crm:{{ organization }}\""),
        ("-d 'resource_type=vault'", "resource_type = \"vault\""),
    ] {
        let text = drafted(&format!("curl https://x.example/t {call}"), &[]);
        assert!(text.contains(kept) && !text.contains("default = \"openid"), "{call}\n{text}");
        load_text("draft", &text).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
}

#[test]
fn a_command_in_place_of_a_word_is_read_and_what_is_left_out_is_told() {
    let inner = "curl -X PUT \"http://x.example/latest/token\" -H \"X-Ttl-Seconds: 21600\"";
    let items = "http://x.example/v1/items";
    let told = format!("# TODO: the text has another command, for `{items}`");
    for text in [
        format!("TOKEN=`{inner}` && curl -H \"X-Token: $TOKEN\" {items}"),
        format!("TOKEN=\"`{inner}`\"\ncurl -H \"X-Token: $TOKEN\" {items}"),
        format!("export TOKEN=$( {inner} | tr -d x )\ncurl -H \"X-Token: $TOKEN\" {items}"),
        format!("TOKEN=`/usr/bin/{inner}`; wget --header \"X-Token: $TOKEN\" {items}"),
        format!("curl -H \"X-Token: $({inner})\" {items}"),
        format!("curl -H \"X-Token: `{inner}`\" {items}"),
    ] {
        let draft = drafted(&text, &[]);
        has_line(&draft, "url = \"{{ base_url }}/latest/token\"");
        has_line(&draft, "method = \"PUT\"");
        assert!(draft.contains(&told), "{text}\n{draft}");
    }
    // Without a further command there is nothing to tell.
    let draft = drafted(&format!("TOKEN=`{inner}`"), &[]);
    has_line(&draft, "url = \"{{ base_url }}/latest/token\"");
    assert!(!draft.contains("another command"), "{draft}");
    let deep = "A=$(curl x ".repeat(5_000) + &")".repeat(5_000);
    assert!(credwatch::authoring::curl::parse(&deep).is_ok());
}

#[test]
fn the_built_in_recipe_of_the_same_host_and_path_is_named() {
    for (url, expected) in [
        ("http://169.254.169.254/metadata/identity/oauth2/token?a=b", "azure-managed-identity"),
        ("http://169.254.169.254/latest/api/token", "aws-imds"),
        (
            "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token",
            "gcp-metadata",
        ),
        (
            "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/identity",
            "gcp-metadata-identity",
        ),
        ("https://api.umbrella.com/auth/v2/token", "cisco-umbrella"),
    ] {
        let text = drafted(&format!("curl -X PUT '{url}'"), &[]);
        has_line(
            &text,
            &format!(
                "# TODO: the built-in recipe `{expected}` uses the same host and path: `credwatch \
                 recipes show {expected}`."
            ),
        );
    }
    for (url, named) in [
        ("http://169.254.169.254/opc/v2/identity", false),
        ("http://169.254.169.2/latest/api/token", false),
        ("https://api.umbrella.com/auth/v3/token", true),
        ("https://api.umbrella.com/sessions", true),
        ("https://api.umbrella.com.example/auth/v2/token", false),
    ] {
        let text = drafted(&format!("curl -X POST '{url}'"), &[]);
        assert_eq!(text.contains("uses the same host with another path"), named, "{url}\n{text}");
        assert!(!text.contains("same host and path"), "{url}\n{text}");
    }
}
