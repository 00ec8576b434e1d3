//! Decides which values of a configuration file a fault may show. It blanks values that are not
//! known to be harmless, because a secret can stand under a misspelt key.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Source;
use crate::secret::{is_name, names_a_secret};

/// Keys of `[defaults]` and `[providers.NAME]` whose values are harmless.
pub const HARMLESS: [&str; 14] = [
    "confirm_after", "failure_threshold", "interval", "labels", "max_backoff", "min_lifetime",
    "parameters", "proxy", "proxy_from_environment", "recipe", "required_scopes", "secret_expires",
    "timeout", "tls",
];

/// Marks every value that must not be shown.
pub fn conceal(tree: &DeTable<'_>, source: &Source) {
    for (key, value) in tree {
        match (key.get_ref().as_ref(), value.get_ref()) {
            (
                "web" | "limits" | "metrics" | "provider_files" | "recipe_files"
                | "replace_builtin",
                _,
            ) => {}
            ("defaults", DeValue::Table(table)) => provider(table, source),
            ("providers", DeValue::Table(table)) => {
                for (_, value) in table {
                    match value.get_ref() {
                        DeValue::Table(table) => provider(table, source),
                        _ => hide(value, source),
                    }
                }
            }
            ("recipes", DeValue::Table(table)) => literals(table, false, source),
            _ => hide(value, source),
        }
    }
}

fn provider(table: &DeTable<'_>, source: &Source) {
    for (key, value) in table {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("credentials" | "credentials_next", DeValue::Table(table)) => {
                credentials(table, source);
            }
            (name, _) if !HARMLESS.contains(&name) => hide(value, source),
            _ => hide_urls_and_secret_names(value, source),
        }
    }
}

fn credentials(table: &DeTable<'_>, source: &Source) {
    for (key, value) in table {
        if !is_name(key.get_ref()) {
            source.hide(key.span());
        }
        match value.get_ref() {
            DeValue::Table(table) => {
                for (key, value) in table {
                    let text = value.get_ref().as_str().unwrap_or("\0");
                    let harmless = match key.get_ref().as_ref() {
                        "env" | "systemd" => is_name(text),
                        "file" => text.contains('/') || text.contains('.') || is_name(text),
                        _ => false,
                    };
                    if !harmless {
                        hide(value, source);
                    }
                }
            }
            _ => hide(value, source),
        }
    }
}

/// Blanks values whose key names a secret, and URLs with a password.
fn hide_urls_and_secret_names(value: &Spanned<DeValue<'_>>, source: &Source) {
    match value.get_ref() {
        DeValue::Table(table) => {
            for (key, value) in table {
                if names_a_secret(key.get_ref()) && !key.get_ref().ends_with("url") {
                    hide(value, source);
                } else {
                    hide_urls_and_secret_names(value, source);
                }
            }
        }
        DeValue::Array(items) => {
            items.iter().for_each(|item| hide_urls_and_secret_names(item, source));
        }
        DeValue::String(text) if text.contains('@') && text.contains(':') => {
            source.hide(value.span());
        }
        _ => {}
    }
}

/// Blanks texts that a recipe sends and that contain no expression: such a text can be a secret.
fn literals(table: &DeTable<'_>, sent: bool, source: &Source) {
    for (key, value) in table {
        let sent = sent
            || matches!(key.get_ref().as_ref(), "headers" | "form" | "query" | "json" | "body");
        match value.get_ref() {
            DeValue::Table(table) => literals(table, sent, source),
            DeValue::String(text) if sent && !text.contains("{{") && !is_name(text) => {
                source.hide(value.span());
            }
            _ => {}
        }
    }
}

fn hide(value: &Spanned<DeValue<'_>>, source: &Source) {
    match value.get_ref() {
        // The span of a table is only its header.
        DeValue::Table(table) => table.values().for_each(|value| hide(value, source)),
        DeValue::Array(items) if !items.is_empty() => {
            items.iter().for_each(|item| hide(item, source));
        }
        _ => source.hide(value.span()),
    }
}
