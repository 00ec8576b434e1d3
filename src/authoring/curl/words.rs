//! Splits a text into commands and words like a shell. It is more lenient than a shell, because
//! pages write `<key>` and `a?b&c` without quotes, and use curly quotes.

use std::iter::Peekable;
use std::str::Chars;

/// The most characters of a command.
const LONGEST: usize = 64 * 1024;

/// The commands of a text, each as its words without quotes.
///
/// # Errors
/// When a quote is not closed or the text is too long.
pub fn commands(text: &str) -> Result<Vec<Vec<String>>, String> {
    if text.len() > LONGEST {
        return Err("this is too long for a command".into());
    }
    let text = documents_inline(plain(&text.replace("\r\n", "\n")));
    let mut lexer = Lexer {
        rest: text.chars().peekable(),
        word: None,
        words: Vec::new(),
        commands: Vec::new(),
    };
    lexer.run()?;
    Ok(lexer.commands)
}

/// The text for a POSIX shell: the signs of other shells that continue a line become `\`.
fn plain(text: &str) -> String {
    let ends = |sign: &str| {
        text.lines().any(|line| line.trim_end().ends_with(sign) && line.trim() != sign)
    };
    // The Windows command line escapes with `^` as a shell does with `\`.
    let text = if ends(" ^") || text.contains("^\"") {
        text.replace("^\n", "\\\n").replace('^', "")
    } else {
        text.to_owned()
    };
    text.replace(" `\n", " \\\n")
}

/// The text with the here document of `-d @- <<END` in place of `@-`.
fn documents_inline(text: String) -> String {
    let found = text.find("<<").and_then(|place| {
        let (before, rest) = (&text[..place], text[place + 2..].trim_start_matches('-'));
        let at = before.rfind("@-").filter(|at| !before[*at..].contains('\n'))?;
        let (line, body) = rest.split_once('\n')?;
        let word = line.split_whitespace().next()?;
        let end = word.trim_matches(['\'', '"', '\\']);
        let lines = body.lines().take_while(|line| line.trim() != end);
        let document = lines.collect::<Vec<_>>().join("\n");
        let behind: Vec<&str> = body.lines().skip(document.lines().count().max(1) + 1).collect();
        let quoted = document.replace('\'', "'\\''");
        Some(format!(
            "{}'{quoted}'{} {}\n{}",
            &before[..at],
            &before[at + 2..],
            line.replacen(word, "", 1),
            behind.join("\n")
        ))
    });
    found.unwrap_or(text)
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    word: Option<String>,
    words: Vec<String>,
    commands: Vec<Vec<String>>,
}

impl Lexer<'_> {
    fn push(&mut self, character: char) {
        self.word.get_or_insert_default().push(character);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some(character) = self.rest.next() {
            match character {
                '\\' => self.backslash(),
                '\'' => self.single()?,
                '"' | '“' | '”' => self.double()?,
                '$' => self.dollar()?,
                '`' => self.verbatim('`', '`')?,
                '\n' if self.next_line_continues() => self.end_word(),
                '\n' | ';' | '|' => self.end_command(),
                // A page means `a?b=c&d=e` as one word, though a shell would split it.
                '&' if self.word.is_none()
                    || self.rest.peek().is_none_or(|next| next.is_whitespace() || *next == '&') =>
                {
                    self.end_command();
                }
                '#' if self.word.is_none() => {
                    while self.rest.next_if(|next| *next != '\n').is_some() {}
                }
                '<' => self.less(),
                '>' => self.redirect(),
                _ if character.is_whitespace() => self.end_word(),
                _ => self.push(character),
            }
        }
        self.end_command();
        Ok(())
    }

    /// Whether the next line begins with an option, so it belongs to the command.
    fn next_line_continues(&self) -> bool {
        let next: String =
            self.rest.clone().skip_while(|next| *next == ' ' || *next == '\t').take(2).collect();
        (self.word.is_some() || !self.words.is_empty()) && next.starts_with('-') && next != "- "
    }

    fn backslash(&mut self) {
        // Copying adds blanks between the backslash and the end of the line.
        let mut ahead = self.rest.clone();
        while ahead.next_if(|next| *next == ' ' || *next == '\t').is_some() {}
        if ahead.next_if_eq(&'\n').is_some() {
            self.rest = ahead;
            return;
        }
        match self.rest.next() {
            Some(next) => self.push(next),
            None => self.push('\\'),
        }
    }

    fn single(&mut self) -> Result<(), String> {
        self.word.get_or_insert_default();
        loop {
            match self.rest.next() {
                None => return Err(unclosed('\'')),
                Some('\'') => return Ok(()),
                Some(other) => self.push(other),
            }
        }
    }

    fn double(&mut self) -> Result<(), String> {
        self.word.get_or_insert_default();
        loop {
            match self.rest.next() {
                None => return Err(unclosed('"')),
                Some('"' | '“' | '”') => return Ok(()),
                Some('$') if self.rest.peek() == Some(&'(') => self.dollar()?,
                Some('`') if self.runs_a_client() => self.verbatim('`', '`')?,
                Some('\\') => match self.rest.next() {
                    Some('\n') => {}
                    Some(next @ ('"' | '\\' | '$' | '`')) => self.push(next),
                    Some(next) => {
                        self.push('\\');
                        self.push(next);
                    }
                    None => return Err(unclosed('"')),
                },
                Some(other) => self.push(other),
            }
        }
    }

    /// Whether a command follows, and not a quote that PowerShell escapes with a backquote.
    fn runs_a_client(&self) -> bool {
        let text: String = self.rest.clone().skip_while(|next| *next == ' ').take(5).collect();
        matches!(text.as_str(), "curl " | "wget ")
    }

    /// Decodes `$'…'`; keeps `$(…)` and `$NAME`.
    fn dollar(&mut self) -> Result<(), String> {
        match self.rest.peek() {
            Some('\'') => {
                self.rest.next();
                self.ansi()
            }
            Some('(') => {
                self.rest.next();
                self.push('$');
                self.verbatim('(', ')')
            }
            _ => {
                self.push('$');
                Ok(())
            }
        }
    }

    /// Copies the text up to the closing sign.
    fn verbatim(&mut self, open: char, close: char) -> Result<(), String> {
        self.push(open);
        let (mut depth, mut quote) = (1, None);
        while let Some(character) = self.rest.next() {
            self.push(character);
            match (quote, character) {
                (None, '\'' | '"') => quote = Some(character),
                (Some(open), _) if open == character => quote = None,
                (None, _) if character == close => depth -= 1,
                (None, _) if character == open => depth += 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
        Err(unclosed(open))
    }

    /// The escapes of `$'…'`.
    fn ansi(&mut self) -> Result<(), String> {
        self.word.get_or_insert_default();
        loop {
            match self.rest.next() {
                None => return Err(unclosed('\'')),
                Some('\'') => return Ok(()),
                Some('\\') => match self.rest.next() {
                    None => return Err(unclosed('\'')),
                    Some('n') => self.push('\n'),
                    Some('t') => self.push('\t'),
                    Some('r') => self.push('\r'),
                    Some('x') => self.number(2),
                    Some('u') => self.number(4),
                    Some('U') => self.number(8),
                    Some(next) => self.push(next),
                },
                Some(other) => self.push(other),
            }
        }
    }

    fn number(&mut self, most: usize) {
        let mut digits = String::new();
        while digits.len() < most
            && let Some(digit) = self.rest.next_if(char::is_ascii_hexdigit)
        {
            digits.push(digit);
        }
        self.push(
            u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).unwrap_or('\u{fffd}'),
        );
    }

    /// Keeps a placeholder such as `<key>`; any other `<` redirects the input.
    fn less(&mut self) {
        let inside: String = self
            .rest
            .clone()
            .take_while(|next| !matches!(next, '>' | '<' | '\n' | '\'' | '"'))
            .collect();
        let closed = self.rest.clone().nth(inside.chars().count()) == Some('>');
        if closed && !inside.trim().is_empty() {
            self.push('<');
            for character in inside.chars().chain(['>']) {
                self.rest.next();
                self.push(character);
            }
        } else {
            self.redirect();
        }
    }

    /// Skips a redirection: `> file`, `2>/dev/null`.
    fn redirect(&mut self) {
        if self
            .word
            .as_deref()
            .is_some_and(|word| word.len() == 1 && word.chars().all(|digit| digit.is_ascii_digit()))
        {
            self.word = None;
        }
        self.end_word();
        while self.rest.next_if(|next| matches!(next, '>' | '<' | '&' | ' ')).is_some() {}
        while self
            .rest
            .next_if(|next| !next.is_whitespace() && !matches!(next, '|' | ';'))
            .is_some()
        {}
    }
}

fn unclosed(sign: char) -> String {
    format!(
        "a {sign} is not closed: copy the whole command, and put it in single quotes with \
         `'\\''` for each ' in it, or pass it on standard input with `--from-curl -`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut commands = commands(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        assert_eq!(commands.len(), 1, "{text}: {commands:?}");
        commands.remove(0)
    }

    #[test]
    fn a_command_is_split_into_words_like_a_shell_does() {
        for (text, expected) in [
            ("a  b\tc", vec!["a", "b", "c"]),
            ("a 'b c' \"d e\"f", vec!["a", "b c", "d ef"]),
            ("a '' b", vec!["a", "", "b"]),
            (r#"a "b\"c\\d\e""#, vec!["a", r#"b"c\d\e"#]),
            (r"a b\ c", vec!["a", "b c"]),
            ("a \\\n  -b \\  \n c", vec!["a", "-b", "c"]),
            ("a\r\n  -b", vec!["a", "-b"]),
            (r"a $'it\'s\n\x41\u00e9'", vec!["a", "it's\nAé"]),
            ("a 'it'\\''s'", vec!["a", "it's"]),
            ("a $KEY \"${KEY}\" '$KEY'", vec!["a", "$KEY", "${KEY}", "$KEY"]),
            (
                "a \"$(echo -n \"$A:$B\" | base64)\" b",
                vec!["a", "$(echo -n \"$A:$B\" | base64)", "b"],
            ),
            ("a <client id>:<secret> b > out.json", vec!["a", "<client id>:<secret>", "b"]),
            ("a https://x.example/?b=c&d=e", vec!["a", "https://x.example/?b=c&d=e"]),
            ("a “b c” d # a remark", vec!["a", "b c", "d"]),
            ("a b 2>/dev/null", vec!["a", "b"]),
            ("a ^\n  -b \"c\"", vec!["a", "-b", "c"]),
            ("a ^\"b c^\" ^\n  d", vec!["a", "b c", "d"]),
            ("a `\n  -b c", vec!["a", "-b", "c"]),
            (
                "a -d @- <<EOF -b\n{\"it\": \"it's\"}\nEOF\n",
                vec!["a", "-d", "{\"it\": \"it's\"}", "-b"],
            ),
            ("a -d @- << 'E'\nx=1\ny=2\nE", vec!["a", "-d", "x=1\ny=2"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn commands_end_where_a_shell_ends_them() {
        for text in ["a b | c d", "a b ; c d", "a b && c d", "a b\nc d", "# first\n\na b\nc d\n"] {
            assert_eq!(commands(text).expect("readable"), [["a", "b"], ["c", "d"]], "{text}");
        }
    }

    #[test]
    fn an_open_quote_is_reported() {
        for text in ["a 'b", "a \"b", "a $'b", "a \"$(b\"", "a `b"] {
            assert!(
                commands(text).is_err_and(|problem| problem.contains("is not closed")),
                "{text}"
            );
        }
    }
}
