//! The fuzz targets of `tests/fuzz`, run with their corpus and with the same mutations each time.
//! This needs no nightly compiler, and a fixed bug stays fixed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::HeaderMap;

use super::support::mutate::{Dice, mutated};
use super::support::{files, repository};
use super::targets::conversation::requests;
use super::targets::replay::{RECORDED, answering};
use super::targets::{
    answer, challenge, command, configuration, conversation, expression, jwt, recipe, state,
    web_config, xml,
};

/// Texts that are special for some parser.
const WORDS: [&[u8]; 32] = [
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\"", b"\\", b"\\u0000", b"{", b"}", b"[", b"]", b"null",
    b"-1", b"1e400", b"9223372036854775808", b"\"access_token\":", b"\"code\":", b"<a>", b"</a>",
    b"&amp;", b"<![CDATA[", b"<!DOCTYPE x [", b"%zz", b"=", b",", b"realm=\"", b" | json", b" ~ ",
    b"**", b"[1:", b"{{ ", b"\xe2\x80\x8b", b"eyJhbGciOiJub25lIn0.",
];

/// The corpus of a target.
fn corpus(target: &str, least: usize) -> Vec<Vec<u8>> {
    let folder = repository("tests/fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(paths.len() >= least, "only {} seeds for {target}", paths.len());
    paths.iter().map(|path| std::fs::read(path).expect("readable")).collect()
}

fn run(target: fn(&[u8]), seeds: &[Vec<u8>], mutations: usize) {
    for seed in seeds {
        target(seed);
    }
    let mut dice = Dice::new(seeds.len() as u64);
    for _ in 0..mutations {
        let seed = dice.pick(seeds).clone();
        target(&mutated(&seed, &WORDS, &mut dice));
    }
}

fn texts(folder: &str, extension: &str, least: usize) -> Vec<Vec<u8>> {
    let paths = files(folder, extension, least);
    paths.iter().map(|path| std::fs::read(path).expect("readable")).collect()
}

fn expressions() -> Vec<Vec<u8>> {
    let mut seeds = corpus("expression", 20);
    for text in texts("src/recipe/builtin", "toml", 6) {
        let text = String::from_utf8(text).expect("UTF-8");
        let quoted = text.split('"').filter(|text| text.contains("json"));
        seeds.extend(quoted.map(|text| text.as_bytes().to_vec()));
    }
    seeds
}

fn recipes() -> Vec<Vec<u8>> {
    let mut seeds = corpus("recipe", 4);
    for text in texts("src/recipe/builtin", "toml", 6) {
        // In a file of recipes each table is inside the table of its recipe.
        let text = String::from_utf8(text)
            .expect("UTF-8")
            .replace("\n[[", "\n[[recipes.r.")
            .replace("\n[", "\n[recipes.r.")
            .replace("[recipes.r.[recipes.r.", "[[recipes.r.");
        seeds.push(format!("[recipes.r]\n{text}").into_bytes());
    }
    seeds
}

fn tokens() -> Vec<Vec<u8>> {
    let made = std::fs::read_to_string(repository("tests/keys/tokens.json")).expect("readable");
    let made: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    let mut seeds = corpus("jwt", 5);
    let tokens = made["tokens"].as_object().expect("a map").values();
    seeds.extend(
        tokens.map(|token| {
            format!("{} {}", token.as_str().expect("text"), made["jwks"]).into_bytes()
        }),
    );
    seeds
}

fn commands() -> Vec<Vec<u8>> {
    let mut seeds = corpus("command", 2);
    seeds.extend(super::writing::sample_commands().map(|command| command.as_bytes().to_vec()));
    seeds
}

fn configurations() -> Vec<Vec<u8>> {
    let mut seeds = texts("tests/configs/bad", "toml", 40);
    seeds.extend(texts("tests/exchanges", "toml", 40).into_iter().step_by(20));
    seeds.push(std::fs::read(repository("config.example.toml")).expect("readable"));
    seeds.retain(|seed| seed.len() < 20_000);
    seeds.extend(corpus("configuration", 1));
    seeds
}

fn web_configs() -> Vec<Vec<u8>> {
    let mut seeds = texts("tests/configs/bad-web", "yml", 20);
    seeds.extend(corpus("web_config", 1));
    seeds
}

/// A target: its name, its function, its seeds, and how many mutations `make test` runs.
type Target = (&'static str, fn(&[u8]), fn() -> Vec<Vec<u8>>, usize);

/// All targets.
const TARGETS: [Target; 11] = [
    ("answer", answer, || corpus("answer", 40), 1_500),
    ("expression", expression, expressions, 6_000),
    ("recipe", recipe, recipes, 400),
    ("challenge", challenge, || corpus("challenge", 5), 2_000),
    ("jwt", jwt, tokens, 500),
    ("xml", xml, || corpus("xml", 10), 2_000),
    ("command", command, commands, 1_000),
    ("configuration", configuration, configurations, 1_000),
    ("web_config", web_config, web_configs, 1_000),
    ("conversation", conversation, || corpus("conversation", 4), 3_000),
    ("state", state, || corpus("state", 4), 5_000),
];

fn mutations(name: &str) {
    let (_, target, seeds, count) =
        TARGETS.iter().find(|(known, ..)| *known == name).expect("a target");
    run(*target, &seeds(), *count);
}

#[test]
fn any_answer_to_any_request_is_read() {
    mutations("answer");
}

#[test]
fn any_answers_lead_to_an_end_without_a_secret() {
    mutations("conversation");
}

#[test]
fn the_corpus_has_a_conversation_with_all_calls() {
    let most = corpus("conversation", 4).iter().map(|seed| requests(seed)).max();
    // Two steps, the token request, a verification and a cleanup.
    assert_eq!(most, Some(5));
}

#[test]
fn any_expression_is_compiled_or_refused() {
    mutations("expression");
}

#[test]
fn any_recipe_is_compiled_or_refused() {
    mutations("recipe");
}

#[test]
fn any_challenge_is_read() {
    mutations("challenge");
}

#[test]
fn any_token_and_any_keys_are_read() {
    mutations("jwt");
}

#[test]
fn any_xml_is_read() {
    mutations("xml");
}

#[test]
fn any_command_yields_a_draft_that_loads_or_an_error() {
    mutations("command");
}

#[test]
fn any_configuration_is_read_or_refused() {
    mutations("configuration");
}

#[test]
fn any_web_config_is_read_or_refused() {
    mutations("web_config");
}

#[test]
fn any_saved_state_is_restored_or_refused() {
    mutations("state");
}

/// Runs one target or all for a time, by hand, without a nightly compiler:
/// `FUZZ_TARGET=command FUZZ_MINUTES=10 cargo test --release --test it -- --ignored --nocapture
/// a_target_runs_for_minutes`.
#[test]
#[ignore = "it runs for minutes; the tests above run a part of it"]
fn a_target_runs_for_minutes() {
    let setting = |name: &str| std::env::var(name).unwrap_or_default();
    let minutes: f64 = setting("FUZZ_MINUTES").parse().unwrap_or(1.0);
    let wanted = setting("FUZZ_TARGET");
    for (name, target, seeds, _) in TARGETS {
        if !wanted.is_empty() && wanted != name {
            continue;
        }
        let (seeds, end) = (seeds(), Instant::now() + Duration::from_secs_f64(minutes * 60.0));
        let (mut dice, mut runs) = (Dice::new(0x5eed), 0_u64);
        while Instant::now() < end {
            let seed = dice.pick(&seeds).clone();
            target(&mutated(&seed, &WORDS, &mut dice));
            runs += 1;
        }
        println!("{name}: {runs} runs in {minutes} minutes");
    }
}

/// Each body of the corpus with a third of the built-in recipes.
#[test]
fn each_body_of_the_corpus_is_read_by_many_recipes() {
    let mut by_recipe = BTreeMap::new();
    for prepared in RECORDED.iter() {
        by_recipe.entry(prepared.exchange.recipe.as_str()).or_insert(prepared);
    }
    assert!(by_recipe.len() >= 28, "{} recipes", by_recipe.len());
    for (number, body) in corpus("answer", 40).iter().enumerate() {
        let body = body.get(3..).unwrap_or_default();
        for (place, prepared) in by_recipe.values().enumerate().skip(number % 3).step_by(3) {
            let status = if (number + place) % 4 == 0 { 401 } else { 200 };
            let _ = answering(prepared, "token", status, &HeaderMap::new(), body);
        }
    }
}
