//! What a text says once it is decoded: a secret that is echoed by way of another program comes
//! escaped.

use percent_encoding::percent_decode_str;

/// How often a text is decoded: what one program has escaped, another can have escaped again.
const ROUNDS: usize = 2;

/// The text decoded in each way that changes it, and in all ways together. Never longer than the
/// text.
pub fn disguises(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut current = text.to_owned();
    for _ in 0..ROUNDS {
        for decode in [without_marks, unescaped, percent_decoded, entities_decoded] {
            let alone = decode(text);
            let together = decode(&current);
            current = together.clone().unwrap_or(current);
            for decoded in [alone, together].into_iter().flatten() {
                if !found.contains(&decoded) {
                    found.push(decoded);
                }
            }
        }
    }
    found
}

/// Letters and digits only, in lower case.
pub fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Without control characters and those that cannot be seen.
fn without_marks(text: &str) -> Option<String> {
    let mark = |character: char| {
        character.is_control()
            || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fffd}')
    };
    text.contains(mark).then(|| text.replace(mark, ""))
}

/// `%2F`, and `+` for a blank where it stands beside one of those.
fn percent_decoded(text: &str) -> Option<String> {
    text.contains('%').then(|| percent_decode_str(text).decode_utf8_lossy().into_owned())
}

/// The escapes of JSON and of its relatives: `\/`, `\"`, `\n`, `\u002f`, `\x2f`.
fn unescaped(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return None;
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let digits = match after.as_bytes().first() {
            Some(b'u') => 4,
            Some(b'x') => 2,
            _ => 0,
        };
        let number = after
            .get(1..=digits)
            .filter(|_| digits > 0)
            .and_then(|text| u32::from_str_radix(text, 16).ok());
        if let Some(character) = number.and_then(char::from_u32) {
            out.push(character);
            rest = &after[1 + digits..];
        } else {
            let mut characters = after.chars();
            out.extend(characters.next());
            rest = characters.as_str();
        }
    }
    out.push_str(rest);
    Some(out)
}

/// The entities of XML and HTML.
fn entities_decoded(text: &str) -> Option<String> {
    const LONGEST: usize = 8;
    if !text.contains('&') {
        return None;
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let named = after.split_once(';').filter(|(name, _)| name.len() <= LONGEST);
        if let Some((character, behind)) =
            named.and_then(|(name, behind)| Some((entity(name)?, behind)))
        {
            out.push(character);
            rest = behind;
        } else {
            out.push('&');
            rest = after;
        }
    }
    out.push_str(rest);
    Some(out)
}

fn entity(name: &str) -> Option<char> {
    let number =
        |text: &str, radix: u32| u32::from_str_radix(text, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let name = name.strip_prefix('#')?;
            name.strip_prefix(['x', 'X']).map_or_else(|| number(name, 10), |hex| number(hex, 16))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_escape_is_undone() {
        for (text, plain) in [
            (r"a\/b", "a/b"),
            (r"a\u002Fb", "a/b"),
            (r"a\x2fb", "a/b"),
            (r"a\", "a"),
            ("a%2fb", "a/b"),
            ("a%252fb", "a/b"),
            (r"a\\\/b", r"a/b"),
            ("a&amp;#47;b", "a/b"),
            ("a&#x2f;b", "a/b"),
            ("a\u{0}\u{200b}/\u{1b}b", "a/b"),
            ("&;&&nothing;&#xffffffff;a%2fb", "&;&&nothing;&#xffffffff;a/b"),
        ] {
            let found = disguises(text);
            assert!(found.iter().any(|found| found == plain), "{text}: {found:?}");
        }
        assert!(disguises("plain text, 100 percent").is_empty());
    }
}
