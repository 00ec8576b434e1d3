//! The options of curl: those that make the request, those that do not matter, and those that a
//! recipe does not support.

use super::sample::{Piece, Sample};

/// Options without a value that do not change the request.
const IGNORED: [&str; 35] = [
    "silent", "show-error", "verbose", "fail", "fail-with-body", "include", "compressed",
    "insecure", "location", "location-trusted", "http1.0", "http1.1", "http2",
    "http2-prior-knowledge", "http3", "no-progress-meter", "progress-bar", "remote-name",
    "remote-header-name", "ipv4", "ipv6", "globoff", "no-buffer", "tlsv1", "tlsv1.2", "tlsv1.3",
    "ssl-reqd", "basic", "no-keepalive", "path-as-is", "styled-output", "no-styled-output",
    "create-dirs", "tcp-nodelay", "disable",
];

/// Options with a value that do not change the request.
const IGNORED_WITH_VALUE: [&str; 20] = [
    "output", "write-out", "max-time", "connect-timeout", "retry", "retry-delay", "retry-max-time",
    "dump-header", "stderr", "trace", "trace-ascii", "cookie-jar", "limit-rate", "max-redirs",
    "resolve", "tls-max", "ciphers", "keepalive-time", "interface", "speed-limit",
];

const CLIENT_CERTIFICATE: &str = "the command shows a client certificate: set \
    `tls.client_certificate_file` and `tls.client_key_file` of the provider";

/// Options that a provider sets and not a recipe, with the note for the author.
const PROVIDER_OPTIONS: [(&str, &str); 6] = [
    ("cert", CLIENT_CERTIFICATE),
    ("key", CLIENT_CERTIFICATE),
    ("cacert", "the command trusts a private authority: set `tls.ca_file` of the provider"),
    ("capath", "the command trusts a private authority: set `tls.ca_file` of the provider"),
    ("proxy", "the command goes through a proxy: set `proxy` of the provider"),
    ("proxy-user", "the command logs in to a proxy: set `proxy` of the provider"),
];

/// Options that a recipe does not support, with the reason.
const UNSUPPORTED: [(&str, &str); 7] = [
    ("upload-file", "`-T` uploads a file, which no token request does"),
    ("digest", "`--digest` needs an answer to a challenge, which recipes cannot give"),
    ("ntlm", "`--ntlm` needs an answer to a challenge, which recipes cannot give"),
    ("negotiate", "`--negotiate` needs Kerberos, which recipes do not support"),
    (
        "aws-sigv4",
        "`--aws-sigv4` signs the request: copy from a recipe that `credwatch recipes list aws` \
         shows",
    ),
    ("config", "`-K` reads options from a file: write them into the command"),
    ("next", "`--next` makes a second request; draft one at a time"),
];

/// Short options with their long names.
const SHORT: &str = "\
    X=request H=header d=data u=user G=get F=form T=upload-file I=head K=config :=next b=cookie \
    s=silent S=show-error v=verbose f=fail i=include k=insecure L=location 0=http1.0 \
    #=progress-bar O=remote-name J=remote-header-name 4=ipv4 6=ipv6 g=globoff N=no-buffer \
    1=tlsv1 q=disable o=output w=write-out m=max-time A=user-agent e=referer D=dump-header \
    c=cookie-jar E=cert x=proxy U=proxy-user n=netrc j=junk-session-cookies Y=speed-limit";

/// Reads the words after `curl`.
///
/// # Errors
/// As [`super::parse`].
pub fn read(words: &[String]) -> Result<Sample, String> {
    let mut reader = Reader { words: words.iter(), sample: Sample::default(), urls: Vec::new() };
    reader.run()?;
    let Reader { mut sample, mut urls, .. } = reader;
    match urls.len() {
        0 => return Err("the command names no URL".into()),
        1 => {}
        _ => sample.notes.push("the command names several URLs; only the first was taken".into()),
    }
    sample.url = urls.remove(0);
    Ok(sample)
}

struct Reader<'a> {
    words: std::slice::Iter<'a, String>,
    sample: Sample,
    urls: Vec<String>,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), String> {
        let mut only_urls = false;
        while let Some(word) = self.words.next() {
            if only_urls || !word.starts_with('-') || word == "-" {
                self.urls.push(word.clone());
            } else if word == "--" {
                only_urls = true;
            } else if let Some(long) = word.strip_prefix("--") {
                // curl itself takes no `=`, but samples have it.
                match long.split_once('=').filter(|(name, _)| takes_value(name)) {
                    Some((name, value)) => self.option(name, word, Some(value.to_owned()))?,
                    None => self.option(long, word, None)?,
                }
            } else {
                self.short(word)?;
            }
        }
        Ok(())
    }

    /// `-sSXPOST` is `-s -S -X POST`.
    fn short(&mut self, word: &str) -> Result<(), String> {
        let mut rest = word.chars();
        rest.next();
        while let Some(letter) = rest.next() {
            let long = SHORT
                .split_whitespace()
                .find_map(|pair| pair.strip_prefix(letter)?.strip_prefix('='))
                .ok_or_else(|| unknown(&format!("-{letter}")))?;
            if takes_value(long) {
                let attached = rest.as_str();
                let value = (!attached.is_empty()).then(|| attached.to_owned());
                return self.option(long, &format!("-{letter}"), value);
            }
            self.option(long, &format!("-{letter}"), None)?;
        }
        Ok(())
    }

    fn option(
        &mut self,
        name: &str,
        written: &str,
        attached: Option<String>,
    ) -> Result<(), String> {
        if let Some((_, reason)) = UNSUPPORTED.iter().find(|(known, _)| *known == name) {
            return Err((*reason).into());
        }
        if !takes_value(name) {
            return self.flag(name, written);
        }
        let Some(value) = attached.or_else(|| self.words.next().cloned()) else {
            return Err(format!("`{written}` at the end of the command lacks its value"));
        };
        match name {
            "url" => self.urls.push(value),
            "request" => self.sample.method = Some(value),
            "user" => self.sample.user = Some(value),
            "oauth2-bearer" => {
                self.sample.headers.push(("Authorization".into(), format!("Bearer {value}")));
            }
            "user-agent" => self.sample.headers.push(("User-Agent".into(), value)),
            "referer" => self.sample.headers.push(("Referer".into(), value)),
            "form" | "form-string" => return self.form(&value),
            "cookie" if value.contains('=') => self.sample.headers.push(("Cookie".into(), value)),
            "cookie" => {
                return Err("`-b` names a file: write the cookies as `-b 'name=value'`".into());
            }
            "header" => return self.header(&value),
            "data" | "data-ascii" | "data-binary" | "data-raw" | "data-urlencode" | "json"
            | "url-query" => return self.data(name, value),
            other => {
                if let Some((_, note)) = PROVIDER_OPTIONS.iter().find(|(known, _)| *known == other)
                {
                    self.note(note);
                }
            }
        }
        Ok(())
    }

    fn flag(&mut self, name: &str, written: &str) -> Result<(), String> {
        match name {
            "get" => self.sample.get = true,
            "head" => self.sample.method = Some("HEAD".into()),
            "insecure" => self.note(
                "`-k` of the command is left out: certificates are checked. \
             `tls.ca_file` of the provider trusts a private authority",
            ),
            "location" | "location-trusted" => self.note(
                "`-L` of the command is left out: no \
             redirect is followed, so write the URL that it ends at",
            ),
            "netrc" | "netrc-optional" => self.note(
                "`-n` reads a password from `.netrc`; add it \
             as a credential",
            ),
            known if IGNORED.contains(&known) => {}
            _ => return Err(unknown(written)),
        }
        Ok(())
    }

    fn header(&mut self, text: &str) -> Result<(), String> {
        if text.starts_with('@') {
            return Err("`-H @…` names a file with headers: write them as `-H 'Name: \
                value'`"
                .into());
        }
        if text.contains(char::is_control) {
            return Err(
                "a header of the command has a line break in it: is a quote missing?".into()
            );
        }
        match text.split_once(':') {
            // `Name:` removes a header that curl would send.
            Some((_, value)) if value.trim().is_empty() => {}
            Some((name, value)) => {
                self.sample.headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            None if text.ends_with(';') => {}
            None => {
                return Err(
                    "a header of the command has no `:` between its name and its value".into()
                );
            }
        }
        Ok(())
    }

    fn form(&mut self, text: &str) -> Result<(), String> {
        let Some((name, value)) = text.split_once('=') else {
            return Err("a field of `-F` has no `=` between its name and its value".into());
        };
        self.sample.is_multipart = true;
        let value = if value.starts_with(['@', '<']) && !value.ends_with('>') {
            self.text_of_file(name)
        } else {
            value.trim_matches('"').to_owned()
        };
        self.sample.data.push(Piece::Plain(name.to_owned(), value));
        Ok(())
    }

    /// The placeholder for the text of a file.
    fn text_of_file(&mut self, name: &str) -> String {
        self.note("a field of the command comes from a file: its input is the text of that file");
        format!("<{name}>")
    }

    fn data(&mut self, name: &str, value: String) -> Result<(), String> {
        let from_file = match name {
            "data-raw" => false,
            "data-urlencode" => {
                value.split_once('=').map_or(value.as_str(), |(name, _)| name).contains('@')
            }
            _ => value.starts_with('@'),
        };
        if let Some((field, _)) = value
            .split_once('@')
            .filter(|(field, _)| from_file && name == "data-urlencode" && !field.is_empty())
        {
            let value = self.text_of_file(field);
            self.sample.data.push(Piece::Plain(field.to_owned(), value));
            return Ok(());
        }
        if from_file {
            return Err(format!(
                "`--{name} @…` reads the body from a file: write its text in place of `@…`"
            ));
        }
        let piece = match name {
            "data-urlencode" | "url-query" => match value.split_once('=') {
                Some((name, value)) => Piece::Plain(name.to_owned(), value.to_owned()),
                None => Piece::Plain(String::new(), value),
            },
            _ => Piece::Raw(value),
        };
        if name == "url-query" {
            self.sample.get = true;
        }
        self.sample.is_json |= name == "json";
        self.sample.data.push(piece);
        Ok(())
    }

    fn note(&mut self, note: &str) {
        if !self.sample.notes.iter().any(|known| known == note) {
            self.sample.notes.push(note.to_owned());
        }
    }
}

fn takes_value(name: &str) -> bool {
    const OWN: [&str; 19] = [
        "url", "request", "user", "oauth2-bearer", "cookie", "header", "data", "data-ascii",
        "data-binary", "data-raw", "data-urlencode", "json", "url-query", "cert-type", "key-type",
        "user-agent", "referer", "form", "form-string",
    ];
    OWN.contains(&name)
        || IGNORED_WITH_VALUE.contains(&name)
        || PROVIDER_OPTIONS.iter().any(|(known, _)| *known == name)
}

/// The message about an unknown option. A text that does not look like an option may be a secret,
/// so the message does not repeat it.
fn unknown(option: &str) -> String {
    let plain = option.len() <= 24 && option.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        || option.len() == 2;
    let shown = if plain { format!("the option `{option}`") } else { "an option".to_owned() };
    format!("{shown} of the command is unknown: remove it if the request does not need it")
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn sample(text: &str) -> Sample {
        parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn each_way_to_write_an_option_is_understood() {
        for text in [
            "curl -X POST -u a:b -d c=d -H 'E: f' https://x.example",
            "curl -sSXPOST -ua:b -dc=d -HE:f https://x.example",
            "$ curl --silent --request POST --user a:b --data c=d --header 'E: f' --url \
             https://x.example | jq .",
            "sudo /usr/bin/curl --request=POST --user=a:b --data-raw=c=d --header='E: f' \
             https://x.example > out",
            "KEY=1 curl https://x.example -k -X POST -u a:b --data-binary c=d -H 'E:f' -H \
             'Gone:' -o /dev/null -w '%{http_code}'",
            "export TOKEN=$(curl -X POST -u a:b -d c=d -H 'E: f' https://x.example)",
        ] {
            let sample = sample(text);
            assert_eq!(
                (sample.method.as_deref(), sample.url.as_str(), sample.user.as_deref()),
                (Some("POST"), "https://x.example", Some("a:b")),
                "{text}"
            );
            assert_eq!(sample.headers, [("E".to_owned(), "f".to_owned())], "{text}");
            assert!(sample.data == [Piece::Raw("c=d".into())], "{text}");
        }
    }

    #[test]
    fn a_command_that_no_recipe_can_send_is_refused_without_repeating_its_secrets() {
        for (text, word) in [
            ("curl -F key https://x.example", "no `=`"),
            ("curl -d @body.json https://x.example", "write its text"),
            ("curl --data-urlencode @file https://x.example", "write its text"),
            ("curl --digest -u a:b https://x.example", "challenge"),
            ("curl --frobnicate https://x.example", "`--frobnicate`"),
            ("curl --S3cr3tS3cr3tS3cr3t https://x.example", "an option of the command"),
            ("curl -d", "lacks its value"),
            ("curl -d a=b", "no URL"),
            ("curl -H 'nothing' https://x.example", "no `:`"),
            ("ftp https://x.example", "no curl command"),
            ("", "no curl command"),
        ] {
            let problem = parse(text).err().unwrap_or_else(|| panic!("{text} was accepted"));
            assert!(problem.contains(word) && !problem.contains("S3cr3t"), "{text}: {problem}");
        }
    }
}
