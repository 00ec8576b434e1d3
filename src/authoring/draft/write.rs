//! Writes TOML in the style of a person.

/// The longest line of an inline table, in characters.
const LONGEST_LINE: usize = 110;

/// A TOML value.
pub enum Value {
    Text(String),
    /// A number or boolean.
    Plain(String),
    Array(Vec<Value>),
    Table(Vec<(String, Value)>),
}

/// A comment that says what to check.
pub fn todo(text: &str) -> String {
    format!("# TODO: {text}{}", if text.ends_with(['?', ':']) { "" } else { "." })
}

/// A text in quotes, if possible in those that need no escapes.
pub fn text(text: &str) -> String {
    let simple = !text.contains(['\'']) && !text.chars().any(char::is_control);
    if text.contains(['"', '\\']) && simple {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            _ if character.is_control() => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// A key, in quotes when it needs them.
pub fn key(name: &str) -> String {
    let bare =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { text(name) }
}

impl Value {
    /// The value on one line.
    pub fn inline(&self) -> String {
        match self {
            Self::Text(value) => text(value),
            Self::Plain(value) => value.clone(),
            Self::Array(items) => {
                format!("[{}]", items.iter().map(Self::inline).collect::<Vec<_>>().join(", "))
            }
            Self::Table(members) if members.is_empty() => "{}".into(),
            Self::Table(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("{} = {}", key(name), value.inline()))
                    .collect();
                format!("{{ {} }}", members.join(", "))
            }
        }
    }

    /// Adds the lines that set `name`: one if it fits, else one for each member.
    pub fn lines(&self, name: &str, out: &mut Vec<String>) {
        let line = format!("{name} = {}", self.inline());
        match self {
            Self::Table(members) if !members.is_empty() && line.chars().count() > LONGEST_LINE => {
                for (member, value) in members {
                    value.lines(&format!("{name}.{}", key(member)), out);
                }
            }
            _ => out.push(line),
        }
    }
}

/// A text of several lines in its quotes.
pub fn block(value: &str) -> String {
    let fits = !value.contains("'''")
        && !value.ends_with('\'')
        && value.chars().all(|c| c == '\n' || c == '\t' || !c.is_control());
    if value.contains('\n') && fits { format!("'''\n{value}'''") } else { text(value) }
}
