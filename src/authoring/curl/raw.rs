//! Reads a raw HTTP request, which some pages show instead of a command: `POST /token HTTP/1.1`.

use super::sample::{Piece, Sample};

/// The most characters of a request.
const LONGEST: usize = 64 * 1024;

/// The hint of each error.
const WANTED: &str = "paste `POST /path HTTP/1.1`, one header on each line with `Host` among \
    them, an empty line and the body; or a curl command";

/// Whether a text begins like a request.
pub fn is_request(text: &str) -> bool {
    let line = text.trim_start().lines().next().unwrap_or_default();
    let mut words = line.split_whitespace();
    let method = words.next().is_some_and(|word| {
        ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].contains(&word)
    });
    let target = words
        .next()
        .is_some_and(|word| word.starts_with(['/', '{', '<', '$']) || word.contains("://"));
    method
        && target
        && words.next().is_none_or(|word| word.starts_with("HTTP/"))
        && words.next().is_none()
}

/// Reads a request.
///
/// # Errors
/// A sentence that says what to paste. It holds no value of the request.
pub fn read(text: &str) -> Result<Sample, String> {
    if text.len() > LONGEST {
        return Err("this is too long for a request".into());
    }
    let text = text.replace("\r\n", "\n");
    let (first, mut rest) = text.trim_start().split_once('\n').unwrap_or((text.trim(), ""));
    let mut words = first.split_whitespace();
    let mut sample = Sample { method: words.next().map(str::to_owned), ..Sample::default() };
    let target = words.next().unwrap_or_default();
    let mut host = None;
    let mut is_form = false;
    while !rest.is_empty() {
        let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        let line = line.trim();
        if line.is_empty() {
            rest = behind;
            break;
        }
        let Some((name, value)) = header(line) else {
            // Some pages leave out the empty line.
            if line.starts_with(['{', '[', '<']) || line.contains('=') {
                break;
            }
            return Err(format!("a line of the request is not a header: {WANTED}"));
        };
        rest = behind;
        if name.eq_ignore_ascii_case("host") {
            host = Some(value.to_owned());
            continue;
        }
        is_form |= name.eq_ignore_ascii_case("content-type") && value.contains("urlencoded");
        if !value.is_empty() {
            sample.headers.push((name.to_owned(), value.to_owned()));
        }
    }
    sample.url = match host {
        _ if target.contains("://") || !target.starts_with('/') => target.to_owned(),
        Some(host) if !host.is_empty() => format!("https://{host}{target}"),
        _ => {
            let note = "the request does not say which host it goes to: set `base_url`";
            sample.notes.push(note.into());
            format!("{{base_url}}{target}")
        }
    };
    let body = rest.trim();
    if !body.is_empty() {
        // Pages break a form into lines for readers; the request has no line breaks.
        let body = if is_form { body.lines().map(str::trim).collect() } else { body.to_owned() };
        sample.data.push(Piece::Raw(body));
    }
    Ok(sample)
}

/// Name and value of a header line; `None` when the name is invalid.
fn header(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let fits =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    fits.then(|| (name, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn a_raw_request_is_read_like_its_curl_command() {
        for text in [
            "POST /token HTTP/1.1\r\nHost: x.example\r\nContent-Type: a/urlencoded\r\n\r\n\
             grant_type=a\r\n&b=c",
            "\nPOST https://x.example/token\nContent-Type: a/urlencoded\ngrant_type=a&b=c\n",
        ] {
            let sample = parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!(sample.method.as_deref(), Some("POST"), "{text}");
            assert_eq!(sample.url, "https://x.example/token", "{text}");
            assert_eq!(sample.headers, [("Content-Type".into(), "a/urlencoded".into())], "{text}");
            assert!(sample.data == [Piece::Raw("grant_type=a&b=c".into())], "{text}");
        }
    }

    #[test]
    fn a_request_that_cannot_be_read_says_what_to_paste() {
        let text = "POST /token HTTP/1.1\nHost: x.example\nS3cr3t and more\n";
        let problem = parse(text).err().unwrap_or_else(|| panic!("{text} was accepted"));
        assert!(
            problem.contains("not a header")
                && problem.contains("POST /path HTTP/1.1")
                && !problem.contains("S3cr3t"),
            "{problem}"
        );
        for (target, url) in [("/token", "{base_url}/token"), ("{{server}}/t", "{{server}}/t")] {
            let sample = parse(&format!("POST {target}\n\na=b")).expect("readable");
            assert_eq!(sample.url, url);
        }
        let page = "POST https://x.example/t\n\ncurl -X PUT https://x.example/t2 -d a=b";
        assert_eq!(parse(page).expect("readable").method.as_deref(), Some("PUT"));
        assert!(!is_request("curl -X POST https://x.example") && !is_request("POST it to /token"));
    }
}
