//! What messages call the source of a credential. An operator can write the secret itself where the
//! name of its source belongs, so a name is shown only when it exists or looks like a name.

use std::path::Path;

use crate::secret::{has_plain_steps, is_plain_name, is_plain_variable};

/// The credential with this name in the recipe.
pub fn credential(name: &str) -> String {
    if is_plain_name(name) { format!("the credential `{name}`") } else { "a credential".to_owned() }
}

/// The environment variable with this name.
pub fn variable(name: &str) -> String {
    variable_name(name).map_or_else(
        || "the environment variable of this credential".to_owned(),
        |name| format!("the environment variable {name}"),
    )
}

/// The name of an environment variable, if it may be shown.
pub fn variable_name(name: &str) -> Option<&str> {
    (is_plain_variable(name) || std::env::var_os(name).is_some()).then_some(name)
}

/// A credential file: `prefix` and its path, or words for it.
pub fn file(prefix: &str, path: &Path) -> String {
    shown_path(path)
        .map_or_else(|| "the file of this credential".to_owned(), |path| format!("{prefix}{path}"))
}

/// The path of a program that prints a credential, or words for it.
pub fn program(path: &str) -> String {
    shown_path(Path::new(path)).unwrap_or_else(unknown_program)
}

/// Words for a program whose path is not shown.
pub fn unknown_program() -> String {
    "the program of this credential".to_owned()
}

/// The name of a systemd credential, or `NAME`.
pub fn systemd(name: &str) -> &str {
    if is_plain_name(name) { name } else { "NAME" }
}

/// The path, if it may be shown. Looks into the file system, which can hang.
fn shown_path(path: &Path) -> Option<String> {
    // What stands behind the last directory that exists can be a secret.
    let known = path.ancestors().find(|known| known.exists());
    let rest = known.and_then(|known| path.strip_prefix(known).ok()).unwrap_or(path);
    rest.to_str().is_some_and(has_plain_steps).then(|| path.display().to_string())
}
