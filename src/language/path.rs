//! Checks that the values in a URL stay in the path that the recipe wrote.

use std::ops::Range;

use minijinja::Error;
use percent_encoding::percent_decode_str;

use super::refused::refused;

/// Servers and proxies decode a path more than once.
const MOST_DECODINGS: usize = 3;

/// Checks a URL. The recipe lets the first `start` bytes be any value. `values` are the places of
/// the other values that follow a text of the recipe.
///
/// # Errors
/// When the path has a dot segment (RFC 3986, section 3.3), in any encoding, or when an empty value
/// is a part of the path.
pub fn check(text: &str, start: usize, values: &[Range<usize>]) -> Result<(), Error> {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let mut at = 0;
    for segment in text[..end].split(['/', '\\']) {
        let place = at..at + segment.len();
        at = place.end + 1;
        if place.end > start && leads_away(segment) {
            return Err(refused("the path has a dot segment, which leads to another path"));
        }
        if segment.is_empty() && values.contains(&place) {
            return Err(refused("a value is empty, which leads to a shorter path"));
        }
    }
    Ok(())
}

/// Whether a server could take this part of a path for `.` or `..`.
fn leads_away(segment: &str) -> bool {
    let is_dots = |part: &str| {
        // A parser of URLs removes tabs and line breaks, some servers what follows a `;`.
        let name = part.split(';').next().unwrap_or_default();
        let mut kept = name.chars().filter(|sign| !sign.is_control() && !sign.is_whitespace());
        let dots = [kept.next(), kept.next(), kept.next()];
        matches!(dots, [Some('.'), None, _] | [Some('.'), Some('.'), None])
    };
    let mut text = segment.to_owned();
    for _ in 0..=MOST_DECODINGS {
        if text.split(['/', '\\']).any(is_dots) {
            return true;
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            break;
        }
        text = decoded;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_leads_out_of_the_path_of_the_recipe() {
        for segment in [
            ".", "..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%25252e.", "..%2Fadmin",
            "a%2F..%2Fb", "%5C..", "..%5cb", ".\t.", "..%00", "..%20", "..%3Bx", "%0D%0A..",
            "..%2f",
        ] {
            let text = format!("https://h/v1/{segment}/x");
            assert!(check(&text, 9, &[]).is_err(), "{segment}");
            assert!(check(&format!("https://h/v1/x?next={segment}"), 9, &[]).is_ok(), "{segment}");
        }
        for segment in ["v1.2", "...", "a..b", "%2Fa%2Fb", "a%20b", "..a", "x%2e", "%C3%BC", "%zz"]
        {
            assert!(check(&format!("https://h/v1/{segment}"), 9, &[]).is_ok(), "{segment}");
        }
        assert!(check("https://h/..", 12, &[]).is_ok(), "the operator wrote the start");
        assert!(check("https://h/../x/..", 12, &[]).is_err());
    }

    #[test]
    fn an_empty_value_makes_no_shorter_path() {
        let empty_at_19 = |text| check(text, 9, std::slice::from_ref(&(19..19)));
        for text in ["https://h/sessions/", "https://h/sessions//end", "https://h/sessions/?a=b"] {
            assert!(empty_at_19(text).is_err(), "{text}");
            assert!(check(text, 9, &[]).is_ok(), "{text}");
        }
        assert!(empty_at_19("https://h/sessions/x").is_ok());
    }
}
