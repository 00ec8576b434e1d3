//! The body of an answer as a tree: JSON, a form or XML. All forms become one kind of tree for the
//! rules and for the redactor.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};
use url::form_urlencoded;

use super::mended::mended;

/// The deepest nesting of XML elements. Deeper XML is not read.
const DEEPEST: usize = 64;

/// The most values of an answer. A token answer has a few dozen, or a thousand with a catalogue.
pub const MOST_VALUES: u32 = 10_000;

/// The most values of an answer with a list.
pub const MOST_LISTED_VALUES: u32 = 50_000;

/// The most pairs of a form. A form has no lists, so a token answer has at most a few dozen.
const MOST_PAIRS: usize = 1_000;

/// The most attributes of an XML element, counted by their equals signs.
const MOST_ATTRIBUTES: usize = 1_000;

/// The body as JSON, without a byte order mark and with the broken spots of `mended` mended. `None`
/// also for JSON deeper than 128 levels or with more values than a token answer has, because each
/// value costs far more than its bytes.
#[must_use]
pub fn json(body: &[u8]) -> Option<Json> {
    json_and_text(body, MOST_VALUES).map(|(json, _)| json)
}

/// The body as [`json`] with `most` values, and its text if that had to be mended.
#[must_use]
pub fn json_and_text(body: &[u8], most: u32) -> Option<(Json, Option<String>)> {
    if has_too_many_members(body, most) {
        return None;
    }
    let body = without_mark(body);
    if let Ok(json) = serde_json::from_slice(body) {
        return Some((json, None));
    }
    let text = mended(std::str::from_utf8(body).ok()?)?;
    Some((serde_json::from_str(&text).ok()?, Some(text)))
}

/// The body as a form with at least one `name=value`. If a name occurs twice, the first value
/// counts.
#[must_use]
pub fn form(body: &[u8]) -> Option<Json> {
    let text = form_text(body).filter(|text| !has_too_many_pairs(text))?;
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        members.entry(name.into_owned()).or_insert_with(|| value.into_owned().into());
    }
    Some(members.into())
}

/// The text of a body that can be a form.
fn form_text(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(without_mark(body)).ok()?.trim();
    let is_form = text.contains('=')
        && !text.starts_with(['<', '{', '[', '"'])
        && !text.contains(char::is_whitespace);
    is_form.then_some(text)
}

/// The body as XML: `{ root: … }`. Namespaces are ignored. An element with only text becomes that
/// text. Any other element has its child elements by name (several of one name become an array),
/// its attributes as `@name` and its text as `#text`.
#[must_use]
pub fn xml(body: &[u8]) -> Option<Json> {
    // Some servers send a line break before the declaration.
    let text = std::str::from_utf8(without_mark(body)).ok()?.trim_start();
    // The parser compares each attribute of an element with all earlier ones.
    let attributes = |element: &str| element.bytes().filter(|byte| *byte == b'=').count();
    let is_page = text.get(..14).is_some_and(|it| it.eq_ignore_ascii_case("<!doctype html"));
    if !text.starts_with('<')
        || is_page
        || has_too_many_nodes(text)
        || text.split('<').any(|element| attributes(element) > MOST_ATTRIBUTES)
    {
        return None;
    }
    // Entities can multiply a text without limit, and no token answer needs them.
    let options = roxmltree::ParsingOptions {
        allow_dtd: !text.contains("<!ENTITY"),
        nodes_limit: MOST_VALUES,
        ..roxmltree::ParsingOptions::default()
    };
    let document = roxmltree::Document::parse_with_options(text, options).ok()?;
    let root = document.root_element();
    let mut members = Map::new();
    members.insert(root.tag_name().name().to_owned(), element(root, 0)?);
    Some(members.into())
}

fn element(node: roxmltree::Node<'_, '_>, depth: usize) -> Option<Json> {
    if depth > DEEPEST {
        return None;
    }
    let text: String =
        node.children().filter(roxmltree::Node::is_text).filter_map(|text| text.text()).collect();
    let mut members = Map::new();
    for attribute in node.attributes() {
        members.insert(format!("@{}", attribute.name()), attribute.value().into());
    }
    for child in node.children().filter(roxmltree::Node::is_element) {
        let value = element(child, depth + 1)?;
        match members.get_mut(child.tag_name().name()) {
            None => {
                members.insert(child.tag_name().name().to_owned(), value);
            }
            Some(Json::Array(items)) => items.push(value),
            Some(first) => *first = Json::Array(vec![first.take(), value]),
        }
    }
    if members.is_empty() {
        return Some(text.trim().into());
    }
    if !text.trim().is_empty() {
        members.insert("#text".into(), text.trim().into());
    }
    Some(members.into())
}

/// The bound that the number of values in a body exceeds, in words.
fn exceeded(body: &[u8]) -> Option<&'static str> {
    let values = "more than 10,000 values";
    match without_mark(body).trim_ascii_start().first() {
        Some(b'{' | b'[') => has_too_many_members(body, MOST_VALUES).then_some(values),
        Some(b'<') => std::str::from_utf8(body).is_ok_and(has_too_many_nodes).then_some(values),
        _ => form_text(body).is_some_and(has_too_many_pairs).then_some("more than 1,000 pairs"),
    }
}

/// Whether JSON has more values than an answer may have. A value comes after `{`, `[` or `,`; these
/// signs do not count inside texts.
fn has_too_many_members(body: &[u8], most: u32) -> bool {
    let most = most as usize;
    // Most bodies have fewer bytes.
    if body.len() <= most {
        return false;
    }
    // This count includes the signs inside texts. It is fast, and enough for most bodies.
    let signs = |chunk: &[u8]| {
        let signs = chunk.iter().map(|byte| u8::from(matches!(byte, b'{' | b'[' | b',')));
        usize::from(signs.sum::<u8>())
    };
    // The compiler counts many bytes at once in a small number, which 255 bytes cannot overflow.
    if body.chunks(255).map(signs).sum::<usize>() <= most {
        return false;
    }
    let (mut values, mut in_text, mut escaped) = (0_usize, false, false);
    body.iter().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'{' | b'[' | b',' if !in_text => values += 1,
            _ => {}
        }
        values > most
    })
}

/// Whether XML has more elements and texts than an answer may have.
fn has_too_many_nodes(text: &str) -> bool {
    let begins = |pair: &&[u8]| {
        matches!(pair, [b'<', next] if *next != b'/')
            || matches!(pair, [b'>', next] if *next != b'<')
    };
    text.as_bytes().windows(2).filter(begins).count() > MOST_VALUES as usize
}

fn has_too_many_pairs(form: &str) -> bool {
    form.bytes().filter(|byte| *byte == b'&').count() >= MOST_PAIRS
}

/// Whether the body is one word, as a token is, and no page or document.
#[must_use]
pub fn is_word(body: &[u8]) -> bool {
    std::str::from_utf8(without_mark(body)).is_ok_and(|text| {
        let text = text.trim();
        !text.is_empty()
            && !text.starts_with(['<', '{', '['])
            && !text.contains(|character: char| character.is_whitespace() || character.is_control())
    })
}

/// The text of a body, with a replacement character for each byte that is not UTF-8.
#[must_use]
pub fn text(body: &[u8]) -> Cow<'_, str> {
    // For a valid text this is ten times as fast as `from_utf8_lossy`.
    std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed)
}

/// The message for a body that is not what is `wanted`.
#[must_use]
pub fn mismatch(body: &[u8], wanted: &str) -> String {
    if let Some(bound) = exceeded(body) {
        return format!("the answer has {bound}");
    }
    format!("the answer is not {wanted} but {}", describe(body))
}

/// Whether the body is an HTML page.
#[must_use]
pub fn is_page(body: &[u8]) -> bool {
    let start = start(body);
    start.starts_with("<!doctypehtml") || start.starts_with("<html")
}

/// The first signs of a body in lower case, without white space.
fn start(body: &[u8]) -> String {
    let signs = without_mark(body).iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    let start: Vec<u8> = signs.take(15).collect();
    String::from_utf8_lossy(&start).to_lowercase()
}

/// A description of the body for people.
#[must_use]
pub fn describe(body: &[u8]) -> String {
    if is_page(body) {
        return "an HTML page".into();
    }
    let start = start(body);
    if let Some(bound) = exceeded(body) {
        return format!("a body with {bound}");
    }
    if start.starts_with('<') {
        return "XML or HTML".into();
    }
    if body.starts_with(b"\x1f\x8b") {
        return "compressed with gzip, which no header says".into();
    }
    if std::str::from_utf8(body).is_err() {
        return "bytes that are no UTF-8 text".into();
    }
    if json(body).is_some() {
        return "JSON".into();
    }
    if start.starts_with(['{', '[']) {
        return "broken or too deeply nested JSON".into();
    }
    format!("{} bytes of text", body.len())
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn xml_becomes_a_tree_without_namespaces() {
        let text = concat!(
            r#"<?xml version="1.0"?><s:Envelope xmlns:s="urn:s" xmlns="urn:x"><s:Body>"#,
            r#"<Token kind="a">abc</Token><Item>1</Item><Item>2</Item><Empty/>"#,
            "</s:Body></s:Envelope>"
        );
        let token = json!({ "@kind": "a", "#text": "abc" });
        let body = json!({ "Token": token, "Item": ["1", "2"], "Empty": "" });
        let expected = json!({ "Envelope": { "Body": body } });
        assert_eq!(xml(text.as_bytes()), Some(expected));
    }

    #[test]
    fn xml_can_have_a_document_type_and_a_line_break_before_the_declaration() {
        let expected = Some(json!({ "a": "b" }));
        for text in [
            "<!DOCTYPE a><a>b</a>",
            "<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM 'a.dtd'><a>b</a>",
            "<!DOCTYPE a [<!ELEMENT a (#PCDATA)>]><a>b</a>",
            "\r\n <?xml version='1.0' encoding='ISO-8859-1'?><a>b</a>",
            "\u{feff}\n<?xml version='1.0'?><a>b</a>",
        ] {
            assert_eq!(xml(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(xml(b"<!DOCTYPE html><html><body>down</body></html>"), None);
    }

    #[test]
    fn hostile_xml_is_none() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><x>&b;</x>";
        let deep = format!("{}{}", "<a>".repeat(2_000), "</a>".repeat(2_000));
        let many = format!("<a>{}</a>", "<b/>".repeat(30_000));
        let attributes: Vec<String> = (0..2_000).map(|number| format!("a{number}='>'")).collect();
        let attributes = format!("<a {}/>", attributes.join(" "));
        for text in [bomb, &deep, &many, &attributes, "<a>", "", "{}", "<a></b>", "\u{0}"] {
            assert_eq!(xml(text.as_bytes()), None, "{}", text.chars().take(40).collect::<String>());
        }
    }

    #[test]
    fn a_form_is_decoded_and_a_page_is_none() {
        assert_eq!(
            form(b"access_token=a%2Bb+c&scope=&access_token=second\n"),
            Some(json!({ "access_token": "a+b c", "scope": "" }))
        );
        for text in ["<a href=\"x=y\">", "{\"a\":\"b=c\"}", "nothing", "", "a = b"] {
            assert_eq!(form(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_body_with_too_many_values_is_described_as_such() {
        for (body, expected) in [
            (format!("[{}1]", "1,".repeat(10_000)), "a body with more than 10,000 values"),
            (format!("[[{}1]]", "{},".repeat(5_000)), "a body with more than 10,000 values"),
            (format!("a=1{}", "&a=1".repeat(1_000)), "a body with more than 1,000 pairs"),
            (format!("a=1{}", "&a=1".repeat(999)), "3999 bytes of text"),
            (format!("<a>{}</a>", "<b/>".repeat(10_001)), "a body with more than 10,000 values"),
            (format!("[{}1]", "1,".repeat(9_999)), "JSON"),
            (format!("[\"{}\"]", r#"\",[{"#.repeat(20_000)), "JSON"),
            (format!("[{}", "1,".repeat(9_999)), "broken or too deeply nested JSON"),
        ] {
            assert_eq!(describe(body.as_bytes()), expected);
            assert_eq!(json(body.as_bytes()).is_some(), expected == "JSON");
        }
    }

    #[test]
    fn gzip_without_a_header_is_described_as_such() {
        let message = mismatch(b"\x1f\x8b\x08\0", "JSON");
        assert_eq!(
            message,
            "the answer is not JSON but compressed with gzip, which no header says"
        );
    }

    #[test]
    fn a_word_is_no_page() {
        for (text, expected) in [
            ("abc.def-1\n", true),
            ("<html>", false),
            ("two words", false),
            ("", false),
            ("{}", false),
            ("\u{7}", false),
        ] {
            assert_eq!(is_word(text.as_bytes()), expected, "{text:?}");
        }
    }
}
