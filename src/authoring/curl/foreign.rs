//! Reads the commands of other clients: `wget` and `HTTPie`.

use serde_json::{Map, Value as Json};

use super::command;
use super::sample::{Piece, Sample};

/// The request of a command of `wget` or `HTTPie`; `None` for any other command.
pub fn read(command: &[String]) -> Option<Result<Sample, String>> {
    let is_prompt = |word: &&String| matches!(word.as_str(), "$" | "%" | "sudo");
    let start = command.iter().take_while(is_prompt).count();
    let words = command.get(start + 1..)?;
    match command.get(start)?.rsplit('/').next()? {
        "wget" => Some(wget(words)),
        name @ ("http" | "https") if !words.is_empty() => Some(httpie(words, name)),
        _ => None,
    }
}

/// wget has options like those of curl.
fn wget(words: &[String]) -> Result<Sample, String> {
    let mut curl: Vec<String> = Vec::new();
    let (mut user, mut password) = (None, String::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, attached) = word
            .split_once('=')
            .filter(|_| word.starts_with("--"))
            .map_or((word.as_str(), None), |(name, value)| (name, Some(value.to_owned())));
        let option = match name {
            "--post-data" | "--body-data" => "--data-raw",
            "--header" => "--header",
            "--method" => "--request",
            "--user" | "--http-user" | "--password" | "--http-password" => name,
            "-O" | "--output-document" | "-o" | "--timeout" | "--tries" => "--output",
            "--no-check-certificate" => {
                curl.push("--insecure".into());
                continue;
            }
            _ if name.starts_with('-') => continue,
            _ => {
                curl.push(word.clone());
                continue;
            }
        };
        let Some(value) = attached.or_else(|| words.next().cloned()) else {
            return Err("an option at the end of the command lacks its value".into());
        };
        match option {
            "--user" | "--http-user" => user = Some(value),
            "--password" | "--http-password" => password = value,
            _ => curl.extend([option.to_owned(), value]),
        }
    }
    if let Some(user) = user {
        curl.extend(["--user".into(), format!("{user}:{password}")]);
    }
    command::read(&curl)
}

/// `HTTPie` takes headers, query and body as items: `Name:value`, `name==value`, `name=value`,
/// `name:=json`.
fn httpie(words: &[String], scheme: &str) -> Result<Sample, String> {
    let (mut curl, mut query) = (Vec::new(), Vec::new());
    let (mut members, mut is_form, mut url) = (Map::new(), false, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-f" | "--form" => is_form = true,
            "-a" | "--auth" => {
                let value = words.next().cloned().unwrap_or_default();
                curl.extend(["--user".to_owned(), value]);
            }
            "-A" | "--auth-type" | "-o" | "--output" | "--timeout" => _ = words.next(),
            option if option.starts_with('-') => {}
            method if url.is_none() && method.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                curl.extend(["--request".to_owned(), method.to_owned()]);
            }
            address if url.is_none() => url = Some(address.to_owned()),
            item => {
                let at = item.find([':', '=']).ok_or("an item of the command has no `=` or `:`")?;
                let (name, rest) = (&item[..at], &item[at..]);
                if let Some(value) = rest.strip_prefix("==") {
                    query.push(format!("{name}={value}"));
                } else if let Some(value) = rest.strip_prefix(":=") {
                    members.insert(name.into(), serde_json::from_str(value).unwrap_or(Json::Null));
                } else if let Some(value) = rest.strip_prefix('=') {
                    members.insert(name.into(), value.into());
                } else {
                    curl.extend(["--header".to_owned(), format!("{name}: {}", &rest[1..])]);
                }
            }
        }
    }
    let url = url.ok_or("the command names no URL")?;
    let url = if url.contains("://") { url } else { format!("{scheme}://{url}") };
    let sign = if url.contains('?') { "&" } else { "?" };
    let query = if query.is_empty() { query.concat() } else { sign.to_owned() + &query.join("&") };
    curl.push(url + &query);
    let mut sample = command::read(&curl)?;
    if is_form {
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        sample
            .data
            .extend(members.iter().map(|(name, value)| Piece::Plain(name.clone(), text(value))));
    } else if !members.is_empty() {
        sample.is_json = true;
        sample.data.push(Piece::Raw(Json::Object(members).to_string()));
    }
    Ok(sample)
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn commands_of_other_clients_make_the_request_of_their_curl_command() {
        let json = "{\"a\":\"b\",\"c\":true}";
        for text in [
            format!("curl -X POST https://x.example/t -H 'X-Y: z' -u u:p --json '{json}'"),
            format!(
                "wget -q --method=POST --header 'X-Y: z' --header 'Content-Type: \
                 application/json' --user u --password p --body-data '{json}' -O - \
                 https://x.example/t"
            ),
            "$ http -a u:p POST https://x.example/t X-Y:z a=b c:=true".to_owned(),
        ] {
            let sample = parse(&text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!(sample.method.as_deref(), Some("POST"), "{text}");
            assert_eq!(sample.url, "https://x.example/t", "{text}");
            assert_eq!(sample.user.as_deref(), Some("u:p"), "{text}");
            assert!(sample.headers.contains(&("X-Y".into(), "z".into())), "{text}");
            assert!(sample.data == [super::Piece::Raw(json.into())], "{text}");
        }
        let form = parse("http -f POST x.example/t a=b q==1").expect("readable");
        assert_eq!(form.url, "http://x.example/t?q=1");
        assert!(form.data == [super::Piece::Plain("a".into(), "b".into())] && !form.is_json);
    }

    #[test]
    fn the_command_most_like_a_token_request_is_taken() {
        let challenge = "curl https://x.example/challenge";
        let token = "curl -d 'grant_type=x' https://x.example/oauth/token";
        let call = "curl -H 'Authorization: Bearer <token>' https://x.example/v1/items";
        for text in [format!("{challenge}\n{token}\n{call}"), format!("{token}\n{call}")] {
            let sample = parse(&text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert!(sample.url.ends_with("/oauth/token"), "{text}");
            assert!(sample.others.last().is_some_and(|other| other.uses_a_token), "{text}");
            assert!(sample.others.iter().rev().skip(1).all(|other| !other.uses_a_token), "{text}");
        }
    }
}
