//! Bodies of the type `multipart/form-data` (RFC 7578).

use sha2::{Digest as _, Sha256};

/// The body with these parts. Its boundary is a digest of the parts, so that no part contains it
/// and the same values give the same body.
pub fn body(parts: &[(&str, String)]) -> String {
    let mut digest = Sha256::new();
    for (name, value) in parts {
        for text in [name, value.as_str()] {
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        }
    }
    let boundary = format!("credwatch-{}", hex::encode(&digest.finalize()[..16]));
    let mut body = String::new();
    for (name, value) in parts {
        let name = escaped(name);
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    body
}

/// The boundary of such a body.
pub fn boundary(body: &str) -> &str {
    let line = body.lines().next().unwrap_or_default();
    line.trim_start_matches("--").trim_end_matches("--")
}

/// A name without the characters that would end it (HTML standard, "multipart/form-data encoding
/// algorithm").
fn escaped(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_stands_between_two_boundaries() {
        let parts = [("a\"b", "x y".to_owned()), ("c", "1\r\n2".to_owned())];
        let body = body(&parts);
        let boundary = boundary(&body);
        assert!(boundary.len() <= 70 && boundary.len() > 20, "RFC 2046, section 5.1.1: {boundary}");
        let expected = "--B\r\nContent-Disposition: form-data; name=\"a%22b\"\r\n\r\nx y\r\n\
                        --B\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n1\r\n2\r\n\
                        --B--\r\n";
        assert_eq!(body.replace(boundary, "B"), expected);
        assert_eq!(super::boundary(&super::body(&[])).len(), boundary.len());
    }

    #[test]
    fn other_values_have_another_boundary() {
        let of = |value: &str| boundary(&body(&[("a", value.to_owned())])).to_owned();
        assert_ne!(of("1"), of("2"));
        assert_eq!(of("1"), of("1"));
    }
}
