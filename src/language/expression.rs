//! Expressions of minijinja, compiled and checked when a recipe is loaded.
//!
//! The engine accepts unknown names: a filter would get an undefined value and could hash it. So
//! `lint` looks up each name, filter and test when the recipe is loaded, and finds the exact
//! place of each mistake.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use minijinja::{Environment, Error, Expression, UndefinedBehavior, Value};

use super::context::Named;
use super::engine::{EngineSource, OPERAND, PRESENT};
pub use super::errors::explain;
use super::errors::without_values;
use super::flow::{secrecy, used_secrets};
use super::lint::{CHEAP, check_arguments, check_required, lint};
use super::names::{Mistake, Names, Secrecy};
use super::scan::{KEYWORDS, Member, Tokens, members};
use super::uses::SAME;
use super::{bounds, filters};
use crate::diagnostic::{Sentence, Shown};

/// Whether an expression belongs to a request or to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// In a request an absent value is a mistake.
    Request,
    /// In a rule for an answer an absent member is normal.
    Response,
    /// In a rule for an expiry an absent member makes a joined text absent.
    Expiry,
}

/// The most steps of one evaluation. The expressions of the built-in recipes take fewer than 100.
const FUEL: u64 = 20_000;

static REQUEST: LazyLock<Environment<'static>> =
    LazyLock::new(|| environment(UndefinedBehavior::SemiStrict));
static RESPONSE: LazyLock<Environment<'static>> =
    LazyLock::new(|| environment(UndefinedBehavior::Chainable));

fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::empty();
    filters::register(&mut environment);
    environment.add_function(SAME, same);
    environment.set_undefined_behavior(undefined);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(64);
    environment.set_debug(false);
    environment
}

/// Whether both values are present and equal.
fn same(one: &Value, other: &Value) -> bool {
    !one.is_undefined() && !one.is_none() && one == other
}

/// A compiled expression.
pub struct Compiled {
    expression: Expression<'static, 'static>,
    /// Set if the expression is only a name or a member. Most are, and need no engine.
    path: Option<Vec<Value>>,
    /// The text in the recipe.
    pub source: String,
    /// Whether it uses a secret or a value derived from a secret.
    pub secret: bool,
    /// The values that it uses.
    pub uses: BTreeSet<String>,
    /// What its value reveals of the secrets that it uses.
    pub secrecy: Secrecy,
    /// The secrets that it uses in more than a test such as `is defined`.
    secrets: Vec<Value>,
    /// The members of the answer that it reaches by an index.
    indexed: Vec<Member>,
    /// Each use of a value, and the cost of an evaluation without these values.
    places: Vec<String>,
    cost: u64,
    /// The filter for both sides of `~`.
    operand: &'static str,
}

impl Compiled {
    /// Compiles and checks an expression.
    ///
    /// # Errors
    /// Wrong syntax, or a name, filter or test that is not known.
    pub fn new(side: Side, source: &str, names: &Names) -> Result<Self, Mistake> {
        let environment: &'static Environment<'static> = match side {
            Side::Request => &REQUEST,
            Side::Response | Side::Expiry => &RESPONSE,
        };
        let operand = if side == Side::Expiry { PRESENT } else { OPERAND };
        let tokens = Tokens::new(source);
        bounds::check(source, &tokens)?;
        let engine = EngineSource::new(source, &tokens, operand);
        let expression =
            environment.compile_expression_owned(engine.text.clone()).map_err(|error| Mistake {
                range: error.range().map(|range| engine.original(&range)),
                // A syntax error of the engine names kinds of tokens and does not quote them.
                message: Sentence::fill(
                    "the expression cannot be read: {}",
                    [Shown::outside_of_files(explain(&error))],
                ),
                hint: slip(source).map(Sentence::from),
                ..Mistake::default()
            })?;
        let places = lint(&tokens, names)?;
        let cost = filters::cost(source, &tokens);
        // The filter `bcrypt` takes time, and the rehearsal finds its mistakes within a budget.
        if cost <= CHEAP {
            check_arguments(&expression)?;
        }
        check_required(source, names)?;
        let uses: BTreeSet<String> = places.iter().cloned().collect();
        let secret = uses.iter().any(|name| names.is_secret(name));
        Ok(Self {
            expression,
            path: path(side, source),
            secrecy: secrecy(source, names),
            secrets: used_secrets(source, names),
            indexed: members(source).into_iter().filter(Member::has_index).collect(),
            source: source.to_owned(),
            secret,
            uses,
            places,
            cost,
            operand,
        })
    }

    /// Whether the value of this expression may be shown: the expression uses no secret, or none of
    /// the secrets that it uses is there.
    #[must_use]
    pub fn is_open(&self, context: &Value) -> bool {
        let is_there = |name: &Value| {
            context.get_item(name).is_ok_and(|value| !value.is_undefined() && !value.is_none())
        };
        !self.secret || self.secrecy != Secrecy::Uncertain && !self.secrets.iter().any(is_there)
    }

    /// The value in this context. The evaluation takes its cost from the budget of the attempt.
    ///
    /// # Errors
    /// When the engine or a filter fails (see [`explain`]), the value is too large, or the budget
    /// is used up.
    pub fn evaluate(&self, context: &Value) -> Result<Value, Error> {
        if let Some(context) = context.downcast_object_ref::<Named>() {
            let sizes = self.places.iter().map(|name| context.size(name) as u64);
            context.budget.take(self.cost.saturating_add(sizes.sum()))?;
            // The engine would take a character out of a text, which can be a token.
            let takes_character = |member: &Member| {
                let tree = context.tree(&member.root);
                tree.is_some_and(|tree| member.takes_character(tree.json()))
            };
            if self.indexed.iter().any(takes_character) {
                return Ok(Value::UNDEFINED);
            }
        }
        if let Some(path) = &self.path {
            return member(context, path);
        }
        let value = self
            .expression
            .eval(context)
            .map_err(|error| without_values(&self.source, self.operand, error))?;
        bounds::size(&value)?;
        Ok(value)
    }
}

/// The names of an expression that is only `name` or, in a rule for an answer,
/// `name.member.member`.
fn path(side: Side, source: &str) -> Option<Vec<Value>> {
    let names: Vec<&str> = source.trim().split('.').collect();
    let is_name = |name: &&str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let plain = names.iter().all(is_name)
        && !KEYWORDS.contains(&names[0])
        && (names.len() == 1 || side != Side::Request);
    plain.then(|| names.into_iter().map(Value::from).collect())
}

/// The value of a path. Of a tree only the member is converted and not the whole.
fn member(context: &Value, path: &[Value]) -> Result<Value, Error> {
    if let Some(context) = context.downcast_object_ref::<Named>()
        && let Some((name, members)) = path.split_first()
        && let Some(tree) = context.tree(name.as_str().unwrap_or_default())
    {
        return tree.member(members);
    }
    let value = path
        .iter()
        .try_fold(context.clone(), |value, name| value.get_item(name))
        .unwrap_or(Value::UNDEFINED);
    bounds::size(&value)?;
    Ok(value)
}

/// A hint for people who write the syntax of another language.
fn slip(source: &str) -> Option<&'static str> {
    let has = |sign: &str| source.contains(sign);
    if has("{{") || has("}}") {
        Some("this is an expression by itself: leave `{{` and `}}` out")
    } else if has("&&") || has("||") {
        Some("write `and`, `or` and `not`")
    } else if source.trim_start().starts_with('!') || has(" !") && !has("!=") {
        Some("write `not`")
    } else if source.trim_start().starts_with('$') {
        Some("a member is written `json.name`")
    } else if has("=") && !has("==") && !has("(") {
        Some("a comparison is written `==`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::bounds::{MOST_NESTING, MOST_TOKENS};

    fn names() -> Names {
        let mut names = Names::default();
        names.add("app_key", true);
        names.add("base_url", false);
        names.add_members("http", &["status", "headers"]);
        names.add_members("json", &[]);
        names
    }

    /// An expression without the engine has the same value as with the engine.
    #[test]
    fn a_lone_path_has_the_value_that_the_engine_returns() {
        let body = minijinja::value::Serde(
            serde_json::json!({ "a": { "b": [1, { "c": "d" }], "n": null, "s": "text", "length": 3,
                "keys": 1 } }),
        );
        let context = Value::from_pairs([
            ("json", Value::from(body)),
            ("app_key", Value::from("k")),
            ("base_url", Value::from(7)),
        ]);
        for source in [
            "json", "json.a", "json.a.b", "json.a.n", "json.a.s", "json.a.s.x", "json.a.n.x",
            "json.x.y.z", "json.a.length", "json.a.keys", "json.items", "app_key", "app_key.x",
            "base_url.x", "nothing",
        ] {
            let mut names = names();
            names.add("nothing", false);
            let compiled = Compiled::new(Side::Response, source, &names)
                .unwrap_or_else(|mistake| panic!("{source}: {}", mistake.message));
            assert!(compiled.path.is_some(), "{source}");
            let engine = compiled
                .expression
                .eval(&context)
                .unwrap_or_else(|error| panic!("{source}: {error}"));
            let ours = compiled.evaluate(&context).expect(source);
            assert_eq!(
                (ours.kind(), ours.to_string()),
                (engine.kind(), engine.to_string()),
                "{source}"
            );
        }
        for source in [
            "1", "true", "none", "json['a']", "json.a[0]", "json.a | length", "-app_key",
            "json.a-b", "'text'",
        ] {
            assert!(path(Side::Response, source).is_none(), "{source}");
        }
        assert!(
            path(Side::Request, "app_key.x").is_none() && path(Side::Request, "app_key").is_some()
        );
    }

    fn mistake(source: &str) -> (String, String) {
        let mistake = Compiled::new(Side::Response, source, &names())
            .err()
            .unwrap_or_else(|| panic!("{source} was accepted"));
        (
            mistake.message.to_string(),
            mistake.range.map(|range| source[range].to_owned()).unwrap_or_default(),
        )
    }

    #[test]
    fn unknown_names_are_found_everywhere_in_an_expression() {
        for source in [
            "nope", "nope | hex", "[nope] | join", "json.a[nope]", "{'a': nope}",
            "1 if nope else 2", "app_key ~ (nope)", "'x' ~ nope | upper", "json.a is in nope",
        ] {
            assert_eq!(mistake(source), ("unknown name".into(), "nope".into()), "{source}");
        }
    }

    #[test]
    fn unknown_filters_tests_members_and_calls_are_refused() {
        assert_eq!(mistake("json.a | shout"), ("unknown filter".into(), "shout".into()));
        assert_eq!(mistake("json.a is odd"), ("unknown test".into(), "odd".into()));
        assert_eq!(mistake("json.a is not odd"), ("unknown test".into(), "odd".into()));
        assert_eq!(
            mistake("http.statsu == 1"),
            ("`http` has no member `statsu`".into(), "statsu".into())
        );
        assert_eq!(mistake("range(9)").1, "range");
        assert_eq!(mistake("json.items()").1, "items");
    }

    #[test]
    fn a_message_of_required_is_a_constant_text_and_never_a_value() {
        for source in [
            "json.a | required(secret)",
            "json.a | required",
            "json.a | required('a' ~ secret)",
            "json.a | required('a', secret)",
        ] {
            assert_eq!(mistake(source).0, "`required` takes one text in quotes", "{source}");
        }
        Compiled::new(Side::Response, "json.a | required('it is needed')", &names())
            .unwrap_or_else(|mistake| panic!("{}", mistake.message));
    }

    #[test]
    fn words_in_texts_members_and_keyword_arguments_are_not_names() {
        for source in [
            "'nope' ~ \"no\\\"pe\"",
            "json.nope.nope",
            "json['nope']",
            "json.a | default([1]) | max(attribute='nope')",
            "json.a is not none and true",
        ] {
            assert!(Compiled::new(Side::Response, source, &names()).is_ok(), "{source}");
        }
    }

    #[test]
    fn an_expression_that_uses_a_secret_is_secret() {
        let secret = |source: &str| {
            Compiled::new(Side::Request, source, &names())
                .map(|compiled| compiled.secret)
                .expect(source)
        };
        assert!(secret("(base_url ~ app_key) | sha256 | hex"));
        assert!(!secret("base_url ~ 'app_key'"));
    }

    #[test]
    fn the_names_found_are_those_that_the_engine_finds() {
        for source in [
            "app_key ~ base_url",
            "json.a.b[0] | default(base_url) == 3",
            "app_key if base_url == 'x' else json.z",
            "-json.a // 3 < 4 and app_key in [base_url]",
        ] {
            let compiled = Compiled::new(Side::Request, source, &names())
                .map_err(|mistake| mistake.message)
                .expect(source);
            let engine: BTreeSet<String> =
                compiled.expression.undeclared_variables(false).into_iter().collect();
            assert_eq!(compiled.uses, engine, "{source}");
        }
    }

    #[test]
    fn expressions_that_are_long_or_deep_are_refused_before_they_can_exhaust_the_stack() {
        for source in [
            "1".to_owned() + &" ~ 2".repeat(20_000),
            "(".repeat(5_000) + "1",
            "[".repeat(5_000) + "1",
            "-".repeat(5_000) + "1",
            "not ".repeat(5_000) + "1",
            "1 if 1 else ".repeat(5_000) + "1",
            "-".repeat(MOST_NESTING) + "1",
            "(".repeat(MOST_NESTING) + "1" + &")".repeat(MOST_NESTING),
            "not ".repeat(MOST_NESTING) + "1",
            "1".to_owned() + &" ~ 2".repeat(MOST_NESTING),
            "1".to_owned() + &" and 2".repeat(MOST_TOKENS / 2 - 1),
            "1".to_owned() + &" | int".repeat(MOST_TOKENS / 2 - 1),
            "1".to_owned() + &" ** 2".repeat(MOST_TOKENS / 3),
            "json".to_owned() + &".a".repeat(MOST_TOKENS / 2 - 1),
        ] {
            let _ = Compiled::new(Side::Request, &source, &names());
        }
        assert!(
            mistake(&("1".to_owned() + &" ~ 2".repeat(20_000)))
                .0
                .starts_with("the expression is too long")
        );
    }
}
