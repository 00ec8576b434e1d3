//! Which parts of a configuration may be shown beside a fault.

/// Whether a text of a configuration looks like a name and not like a secret in the wrong place.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.');
    text.len() <= 64
        && text.chars().all(plain)
        && text.chars().filter(char::is_ascii_digit).count() < 5
}

/// How many bytes of an unparsable line of a configuration may be shown: a table header, a key, or
/// a key of `harmless` with its value.
#[must_use]
pub fn shown_of_line(line: &str, harmless: &[&str]) -> usize {
    const LONGEST_KEY: usize = 60;
    let allowed = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.' | ' ' | '\t')
    };
    let random = |text: &str| text.chars().filter(char::is_ascii_digit).count() >= 5;
    let header = line.trim_end();
    if header.starts_with('[')
        && header.len() <= LONGEST_KEY
        && header.trim_matches(['[', ']']).chars().all(allowed)
        && !random(header)
    {
        return line.len();
    }
    match line.split_once('=') {
        Some((key, value))
            if harmless.contains(&key.trim())
                && value.len() <= LONGEST_KEY
                && !value.contains(['=', '#']) =>
        {
            line.len()
        }
        Some((key, _))
            if key.len() <= LONGEST_KEY
                && key.chars().all(allowed)
                && !random(key)
                && !key.trim().is_empty() =>
        {
            key.len() + 1
        }
        _ => 0,
    }
}
