//! Mutations of texts and of JSON, the same in every run.

use serde_json::{Map, Value as Json};

/// Pseudo-random numbers, the same in each run (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// `bytes` with up to four random changes: flipped bits, removed, doubled or cut bytes, and
/// inserted `words`.
pub fn mutated(bytes: &[u8], words: &[&[u8]], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        let from = dice.below(bytes.len() + 1);
        let to = from + dice.below((bytes.len() - from).min(64) + 1);
        match dice.below(6) {
            0 if from < bytes.len() => bytes[from] ^= 1 << dice.below(8),
            1 => drop(bytes.drain(from..to)),
            2 => {
                let copy = bytes[from..to].to_vec();
                let place = dice.below(bytes.len() + 1);
                bytes.splice(place..place, copy);
            }
            3 => bytes.truncate(from),
            _ => drop(bytes.splice(from..from, dice.pick(words).iter().copied())),
        }
    }
    bytes
}

/// Damaged copies of a body, each with a name: lost bytes, doubled bytes, other encodings.
pub fn damaged_bytes(body: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(body);
    let utf16 = |little: bool| {
        text.encode_utf16()
            .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
            .collect::<Vec<u8>>()
    };
    let mut all: Vec<(String, Vec<u8>)> = (0..body.len())
        .step_by(body.len() / 12 + 1)
        .map(|length| (format!("cut to {length}"), body[..length].to_vec()))
        .collect();
    all.extend(
        (1..body.len())
            .step_by(body.len() / 6 + 1)
            .map(|start| (format!("without its first {start} bytes"), body[start..].to_vec())),
    );
    all.extend([
        ("doubled".into(), [body, body].concat()),
        ("with a mark".into(), [b"\xef\xbb\xbf", body].concat()),
        ("with a wrong mark".into(), [b"\xff\xfe", body].concat()),
        ("in UTF-16".into(), [b"\xff\xfe".to_vec(), utf16(true)].concat()),
        ("in UTF-16 the other way".into(), utf16(false)),
        (
            "as gzip that is none".into(),
            [b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", body].concat(),
        ),
        ("with zeros".into(), [body, &[0; 16]].concat()),
        ("in Latin-1".into(), [&b"\xe4\xf6"[..], body].concat()),
        ("quoted".into(), Json::from(&*text).to_string().into_bytes()),
        ("in an array".into(), [b"[", body, b"]"].concat()),
        ("in a callback".into(), [b"callback(", body, b");"].concat()),
        ("in a page".into(), [b"<!doctype html><pre>", body, b"</pre>"].concat()),
        ("behind a comment".into(), [b")]}',\n", body].concat()),
        ("as an event".into(), [b"data: ", body, b"\n\n"].concat()),
    ]);
    all
}

/// Changed copies of a JSON value, each with a name: members that are missing, renamed, of another
/// type, or wrapped.
pub fn damaged_tree(tree: &Json) -> Vec<(String, Json)> {
    let mut all = vec![
        ("in `data`".to_owned(), serde_json::json!({ "data": tree })),
        ("in a list".to_owned(), serde_json::json!([tree])),
        ("as a text".to_owned(), tree.to_string().into()),
        ("empty".to_owned(), serde_json::json!({})),
        ("null".to_owned(), Json::Null),
    ];
    for path in paths(tree) {
        let name = path.join(".");
        let mut change = |what: &str, with: &dyn Fn(&mut Map<String, Json>, &str)| {
            let mut tree = tree.clone();
            let (last, before) = path.split_last().expect("a path has a name");
            let parent = before
                .iter()
                .try_fold(&mut tree, |tree, name| tree.get_mut(name))
                .and_then(Json::as_object_mut);
            with(parent.expect("an object"), last);
            all.push((format!("{name} {what}"), tree));
        };
        change("gone", &|parent, name| drop(parent.remove(name)));
        change("renamed", &|parent, name| {
            let value = parent.remove(name).expect("there");
            parent.insert(format!("new_{name}"), value);
        });
        change("in upper case", &|parent, name| {
            let value = parent.remove(name).expect("there");
            parent.insert(name.to_uppercase(), value);
        });
        for other in [
            Json::Null,
            true.into(),
            serde_json::json!([]),
            serde_json::json!({}),
            serde_json::json!([[["x"]]]),
        ] {
            change(&format!("as {other}"), &|parent, name| parent[name] = other.clone());
        }
        change("in a list", &|parent, name| {
            parent[name] = serde_json::json!([parent[name].clone()]);
        });
        change("in an object", &|parent, name| {
            parent[name] = serde_json::json!({ "value": parent[name].clone() });
        });
    }
    all
}

/// The paths of all members in nested objects.
pub fn paths(tree: &Json) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for (name, value) in tree.as_object().into_iter().flatten() {
        all.push(vec![name.clone()]);
        all.extend(paths(value).into_iter().map(|path| [vec![name.clone()], path].concat()));
    }
    all
}
