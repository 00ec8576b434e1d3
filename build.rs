//! Makes the table of built-in recipes from the files in `src/recipe/builtin`, so that a new recipe
//! needs no line of Rust. `src/recipe/builtin.rs` includes it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const FOLDER: &str = "src/recipe/builtin";

fn main() {
    println!("cargo::rerun-if-changed={FOLDER}");
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")).join(FOLDER);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    paths.sort();
    let mut table = format!(
        "/// Name and text of each built-in recipe, by name.\n\
         pub const BUILTINS: [(&str, &str); {}] = [\n",
        paths.len()
    );
    for path in &paths {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name in UTF-8");
        let path = path.to_str().expect("a path in UTF-8");
        writeln!(table, "    ({name:?}, include_str!({path:?})),").expect("a String takes all");
    }
    table.push_str("];\n");
    let target = Path::new(&variable("OUT_DIR")).join("builtins.rs");
    std::fs::write(&target, table).unwrap_or_else(|error| panic!("{}: {error}", target.display()));
}

/// What Cargo tells every build script.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}
