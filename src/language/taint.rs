//! Finds the secret values that an expression uses, so that no rule for an answer can show them.

use std::ops::Range;

use super::names::Secrecy;
use super::scan::Tokens;
use super::uses::{TREES, Use, is_body, uses};

/// In place of a member: the rule takes a part of the body that has no fixed name.
const ANY: &str = "*";

/// The place of the first secret in an expression that reveals more than the secret's kind, or
/// whether it equals another value. `secrecy` judges a name. The values at the paths `hidden` of
/// the answer are secret too, and the body holds them. A rule that is the whole body may stay,
/// because the redactor finds the secrets in it. It could miss them in a part of the body.
#[must_use]
pub fn shown_secret(
    source: &str,
    secrecy: impl Fn(&str) -> Secrecy,
    hidden: &[Vec<String>],
) -> Option<Range<usize>> {
    let uses = uses(source);
    let is_shown = |used: &Use| is_shown(used, &secrecy, hidden);
    uses.into_iter().find(is_shown).map(|used| used.range)
}

/// The place of a member that can be a hidden one whose name is not known. In a time the redactor
/// finds no secret.
#[must_use]
pub fn timed_secret(source: &str, hidden: &[Vec<String>]) -> Option<Range<usize>> {
    let is_any = |hidden: &Vec<String>| hidden.last().is_some_and(|name| name == ANY);
    let in_body = |used: &Use| is_body(&used.path[0]) && !used.harmless && !used.general;
    hidden
        .iter()
        .any(is_any)
        .then(|| uses(source).into_iter().find(in_body))?
        .map(|used| used.range)
}

/// The place of the first secret that decides a condition of the expression.
#[must_use]
pub fn deciding_secret(
    source: &str,
    secrecy: impl Fn(&str) -> Secrecy,
    hidden: &[Vec<String>],
) -> Option<Range<usize>> {
    let conditions = Tokens::new(source).conditions();
    let decides = |used: &Use| {
        conditions.iter().any(|range| range.contains(&used.at)) && is_shown(used, &secrecy, hidden)
    };
    uses(source).into_iter().find(decides).map(|used| used.range)
}

fn is_shown(used: &Use, secrecy: impl Fn(&str) -> Secrecy, hidden: &[Vec<String>]) -> bool {
    let name = used.path[0].as_str();
    let secrecy = secrecy(name);
    let is_whole =
        used.path.len() == 1 || TREES.contains(&name) || name == "http" && !used.has_index();
    if used.harmless && secrecy <= Secrecy::Whole && is_whole {
        return false;
    }
    // Without a path of its own nothing in a body is known.
    let is_body_part = is_body(name) && (used.path.len() == 1 || name == "body");
    if is_body_part && used.partial && !used.general && !(hidden.is_empty() && used.equals_text)
        || name == "body" && used.path.len() > 1
    {
        return true;
    }
    secrecy != Secrecy::Open
        || hidden.iter().any(|hidden| match (hidden.as_slice(), used.path.as_slice()) {
            // Any computation on the body could use that part.
            ([_, any], [name, ..]) if any == ANY && is_body(name) => used.partial && !used.general,
            // The other forms of a body that is secret as a whole, and its characters.
            ([hidden], [name]) if is_body(hidden) && is_body(name) => used.partial && !used.general,
            ([hidden], [name, index, ..]) if is_body(hidden) => {
                hidden == name && index.bytes().all(|byte| byte.is_ascii_digit())
            }
            ([root, ..], [name]) if name != root && is_body(name) && is_body(root) => {
                used.partial && !used.general
            }
            (hidden, path) => path.starts_with(hidden) || hidden.starts_with(path) && used.partial,
        })
}

/// The paths of the body and of all members of the answer that an expression uses.
#[must_use]
pub fn paths(source: &str) -> Vec<Vec<String>> {
    uses(source).into_iter().filter_map(path).collect()
}

/// Those of [`paths`] that an expression takes a value from. A condition takes none.
#[must_use]
pub fn taken_paths(source: &str) -> Vec<Vec<String>> {
    let conditions = Tokens::new(source).conditions();
    let is_taken = |used: &Use| !conditions.iter().any(|range| range.contains(&used.at));
    uses(source).into_iter().filter(is_taken).filter_map(path).collect()
}

fn path(used: Use) -> Option<Vec<String>> {
    let Use { mut path, partial, harmless, general, .. } = used;
    if path.len() == 1 && is_body(&path[0]) && partial && !harmless && !general {
        path.push(ANY.to_owned());
    }
    (path.len() > 1 || is_body(&path[0]) || path[0] == "http").then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Option<&str> {
        let hidden = [vec!["json".to_owned(), "data".to_owned(), "token".to_owned()]];
        let secrecy = |name: &str| match name {
            "secret" | "token" => Secrecy::Whole,
            _ => Secrecy::Open,
        };
        shown_secret(source, secrecy, &hidden).map(|range| &source[range])
    }

    #[test]
    fn a_secret_that_leaves_is_found_with_its_place() {
        for (source, place) in [
            ("secret", "secret"),
            ("json.a ~ secret | md5", "secret"),
            ("'x' if secret is startingwith('a')", "secret"),
            ("json.a == token", "token"),
            ("json.data.token", "json.data.token"),
            ("json['data'].token | sha256", "json['data'].token"),
            ("json.data.token[1:3]", "json.data.token"),
            ("json.data.token.claims", "json.data.token.claims"),
            ("json.data | string", "json.data"),
            ("json['da' ~ 'ta']", "json"),
            (r"json['dat\x61'].token | upper", "json"),
            (r"json.data['\u0074oken']", "json.data"),
            ("json.data[url]", "json.data"),
            ("json['data'] ['token'] | upper", "json['data'] ['token']"),
            ("secret | string is defined", "secret"),
            ("same(json.a, secret) or secret == 'x'", "secret"),
        ] {
            assert_eq!(shown(source), Some(place), "{source}");
        }
    }

    #[test]
    fn a_secret_item_of_a_list_has_no_second_name() {
        let hidden = [["json", "list", "10"].map(str::to_owned).to_vec()];
        for index in
            ["10", "1_0", "0xa", "0o12", "0b1010", "010", "10.0", "-1", "5 + 5", "i", "9:11"]
        {
            let source = format!("json.list[{index}]");
            assert!(shown_secret(&source, |_| Secrecy::Open, &hidden).is_some(), "{source}");
            // The same, when the rule for the token is written in the other form.
            let hidden = paths(&source);
            assert!(
                shown_secret("json.list[10] | upper", |_| Secrecy::Open, &hidden).is_some(),
                "{source}"
            );
        }
        assert!(shown_secret("json.list[1]", |_| Secrecy::Open, &hidden).is_none());
    }

    #[test]
    fn a_token_at_a_computed_place_hides_every_computation_on_the_answer() {
        for token in [
            "json['access_' ~ 'token']",
            r"json['access\x5ftoken']",
            "json | first",
            "(body | from_json).access_token",
            "body | split('=') | last",
        ] {
            let hidden = paths(token);
            let shown = |source: &str| shown_secret(source, |_| Secrecy::Open, &hidden).is_some();
            for source in [
                "json.access_token | upper", "body | upper", "json | json", "json.a ~ 'x'",
                "form.t[1:]",
            ] {
                assert!(shown(source), "{token}: {source}");
            }
            for source in ["json.error", "body", "json.error is defined", "'down' in body"] {
                assert!(!shown(source), "{token}: {source}");
            }
        }
        let hidden = paths("http['head' ~ 'ers'].x");
        assert!(shown_secret("http.headers.x | upper", |_| Secrecy::Open, &hidden).is_some());
        let hidden = paths("json.token");
        assert!(shown_secret("form | json | upper", |_| Secrecy::Open, &hidden).is_some());
    }

    #[test]
    fn of_a_body_that_holds_a_secret_no_part_leaves() {
        for hidden in ["json.data.token", "form.token", "body", "json"] {
            let hidden = [hidden.split('.').map(str::to_owned).collect()];
            let shown = |source: &'static str| {
                shown_secret(source, |_| Secrecy::Open, &hidden).map(|range| &source[range])
            };
            for source in [
                "body | replace('', 'q')", "body[:10]", "body | trim | upper", "body | trim('a')",
                "body | trim ~ 'a'", "body ~ ''", "'x' if body == json.a", "body | length_of",
                "('a' ~ 'b') in body", "'a' ~ 'b' in body", "json.a in body", "'a' in body ~ 'b'",
                "'a' in body | upper", "body in 'abc'", "body | trim | length", "'abc' in body",
            ] {
                assert_eq!(shown(source), Some("body"), "{source} {hidden:?}");
            }
            for source in [
                "body",
                "json.error",
                "body is string",
                "body | trim",
                "body | length > 9",
                "'down' if 'Maintenance' in body",
                "'Maintenance' not in body and http.status == 200",
                "'a' if (not 'busy' in body) else json.error",
            ] {
                assert_eq!(shown(source), None, "{source} {hidden:?}");
            }
        }
        let shown = |source: &str, hidden: &str| {
            shown_secret(source, |_| Secrecy::Open, &[vec![hidden.to_owned()]]).is_some()
        };
        assert!(shown("json[0]", "json") && shown("json | upper", "json"));
        assert!(shown("json | upper", "body") && !shown("json", "json"));
        assert!(!shown("json.error", "json"));
    }

    #[test]
    fn kinds_and_whole_comparisons_show_no_secret() {
        for source in [
            "json.error",
            "json.data.code",
            "json",
            "body | trim",
            "json.data.token is string",
            "json.data.token is not defined and json.code == 0",
            "'x' if secret is undefined else json.y",
            "not same(json.refresh_token, secret)",
            "same(secret, json['data'].token)",
            "'secret' ~ json.secret",
            "json.a | default('secret')",
        ] {
            assert_eq!(shown(source), None, "{source}");
        }
        assert_eq!(paths("json.a | default(json['b'].c) if x is defined").len(), 2);
    }
}
