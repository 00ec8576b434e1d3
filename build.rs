//! Makes the table of built-in recipes from the files in `src/recipe/builtin`, so that a new recipe
//! needs no line of Rust. `src/recipe/builtin.rs` includes it. Tells the metric `build_info` the
//! compiler and the revision.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    let compiler = first_line(Command::new(variable("RUSTC")).arg("--version"));
    println!("cargo::rustc-env=CREDWATCH_COMPILER={}", compiler.unwrap_or("unknown".into()));
    println!("cargo::rustc-env=CREDWATCH_REVISION={}", revision());
    std::fs::write(&target, table).unwrap_or_else(|error| panic!("{}: {error}", target.display()));
}

/// The revision of the sources: `CREDWATCH_REVISION`, else that of git. Builds for development have
/// none, because each commit would build the crate anew.
fn revision() -> String {
    println!("cargo::rerun-if-env-changed=CREDWATCH_REVISION");
    if let Ok(told) = std::env::var("CREDWATCH_REVISION") {
        return told;
    }
    let git = |arguments: &[&str]| first_line(Command::new("git").args(arguments));
    if variable("PROFILE") != "release" {
        return "unknown".into();
    }
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or("unknown".into())
}

/// The first line that a program prints; `None` when it fails.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let line = String::from_utf8(output.stdout).ok()?.lines().next()?.trim().to_owned();
    (!line.is_empty()).then_some(line)
}

/// What Cargo tells every build script.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}
