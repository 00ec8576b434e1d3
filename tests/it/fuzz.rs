//! The fuzz targets of `tests/fuzz`, run with their corpus and with the same mutations each time.
//! This needs no nightly compiler, and a fixed bug stays fixed.

use std::collections::BTreeMap;

use http::HeaderMap;

use super::support::mutate::{Dice, mutated};
use super::support::{files, repository};
use super::targets::replay::{RECORDED, answering};
use super::targets::{answer, challenge, expression, jwt, recipe, xml};

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

#[test]
fn any_answer_to_any_request_is_read() {
    run(answer, &corpus("answer", 40), 1_500);
}

#[test]
fn any_expression_is_compiled_or_refused() {
    let mut seeds = corpus("expression", 20);
    let builtin: Vec<String> = files("src/recipe/builtin", "toml", 6)
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("readable"))
        .collect();
    seeds.extend(
        builtin
            .iter()
            .flat_map(|text| text.split('"'))
            .filter(|text| text.contains("json"))
            .map(|text| text.as_bytes().to_vec()),
    );
    run(expression, &seeds, 6_000);
}

#[test]
fn any_recipe_is_compiled_or_refused() {
    let mut seeds = corpus("recipe", 4);
    for path in files("src/recipe/builtin", "toml", 6) {
        let text = std::fs::read_to_string(path).expect("readable");
        // In a file of recipes each table is inside the table of its recipe.
        let text = text
            .replace("\n[[", "\n[[recipes.r.")
            .replace("\n[", "\n[recipes.r.")
            .replace("[recipes.r.[recipes.r.", "[[recipes.r.");
        seeds.push(format!("[recipes.r]\n{text}").into_bytes());
    }
    run(recipe, &seeds, 400);
}

#[test]
fn any_challenge_is_read() {
    run(challenge, &corpus("challenge", 5), 2_000);
}

#[test]
fn any_token_and_any_keys_are_read() {
    let made = std::fs::read_to_string(repository("tests/keys/tokens.json")).expect("readable");
    let made: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    let mut seeds = corpus("jwt", 5);
    seeds.extend(
        made["tokens"].as_object().expect("a map").values().map(|token| {
            format!("{} {}", token.as_str().expect("text"), made["jwks"]).into_bytes()
        }),
    );
    run(jwt, &seeds, 500);
}

#[test]
fn any_xml_is_read() {
    run(xml, &corpus("xml", 10), 2_000);
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
