//! The questions and answers of `credwatch init`.

use std::io;
use std::path::Path;

use secrecy::SecretString;

use super::super::ready::inputs_to_copy;
use super::super::recipes::matching;
use super::person::Person;
use crate::config::CERTIFICATE_METHODS;
use crate::files;
use crate::recipe::Recipe;
use crate::recipe::definition::Scalar;

/// The most recipes of one list.
const MOST_LISTED: usize = 20;

/// What the person wants.
pub struct Answers {
    /// The name of the provider.
    pub name: String,
    /// The name of its recipe.
    pub recipe: String,
    /// Parameters by name.
    pub parameters: Vec<(String, String)>,
    /// Credentials by name.
    pub credentials: Vec<(String, Place)>,
    /// The files of the client certificate and its key.
    pub certificate: Option<[String; 2]>,
}

/// The parameter by which a client authenticates without a secret.
const METHOD: &str = "auth_method";

/// Where a credential is.
pub enum Place {
    /// The person has typed it.
    Typed(SecretString),
    /// A file that exists.
    File(String),
}

/// Asks for everything that a provider needs.
///
/// # Errors
/// When the input ends.
pub fn ask(person: &mut Person<'_>) -> io::Result<Answers> {
    person.say(
        "This writes a first configuration: one provider, with its secrets in files of their \
         own.\n",
    )?;
    let recipe = recipe(person)?;
    let name = name(person, &recipe)?;
    let (mut parameters, mut credentials) = (Vec::new(), Vec::new());
    let method = method(person, &recipe)?;
    let chosen = method.as_deref().map(|method| (METHOD, method));
    let inputs = inputs_to_copy(&recipe, chosen).unwrap_or_default();
    for (input, parameter) in recipe.parameters.iter().filter(|(input, _)| inputs.contains(input)) {
        let question = question(input, parameter.description.as_deref(), "");
        parameters.push((input.clone(), person.ask_again(&question)?.to_string()));
    }
    let needs_certificate =
        method.as_deref().is_some_and(|method| CERTIFICATE_METHODS.contains(&method));
    parameters.extend(method.map(|method| (METHOD.to_owned(), method)));
    let certificate = if needs_certificate {
        Some([
            readable(person, "Path of the client certificate in PEM: ")?,
            readable(person, "Path of its key in PEM: ")?,
        ])
    } else {
        None
    };
    if !recipe.credentials.is_empty() {
        person.say(
            "Secrets are not shown. You can paste a key in PEM or a JSON object with all its \
             lines. For a secret that is in a file, type @ and its path; for one that begins with \
             @, type @@.",
        )?;
    }
    let wanted = recipe.credentials.iter().filter(|(input, _)| inputs.contains(input));
    for (input, credential) in wanted {
        let question = question(input, credential.description.as_deref(), ", not shown");
        credentials.push((input.clone(), place(person, &question)?));
    }
    let recipe = recipe.name;
    Ok(Answers { name, recipe, parameters, credentials, certificate })
}

fn question(input: &str, description: Option<&str>, more: &str) -> String {
    match description {
        Some(text) => format!("{input} ({}){more}: ", text.trim_end_matches('.')),
        None => format!("{input}{more}: "),
    }
}

/// How the client authenticates, where the recipe lets a person choose; `None` for the usual way.
fn method(person: &mut Person<'_>, recipe: &Recipe) -> io::Result<Option<String>> {
    let known = recipe.parameters.iter().find(|(input, _)| input == METHOD);
    let Some((_, parameter)) = known.filter(|(_, parameter)| !parameter.one_of.is_empty()) else {
        return Ok(None);
    };
    let usual = match &parameter.default {
        Some(Scalar::Text(text)) => text.as_str(),
        _ => "",
    };
    let all = parameter.one_of.join(", ");
    loop {
        let answer = person.ask(&format!("{METHOD}, one of {all} [{usual}]: "))?;
        if answer.is_empty() || **answer == *usual {
            return Ok(None);
        }
        if parameter.one_of.contains(&answer) {
            return Ok(Some(answer.to_string()));
        }
        person.say(&format!("It is one of {all}. Press Enter for {usual}."))?;
    }
}

/// The absolute path of a file that can be read.
fn readable(person: &mut Person<'_>, question: &str) -> io::Result<String> {
    loop {
        let answer = person.ask_again(question)?;
        match files::read_secret(Path::new(answer.as_str())) {
            Ok(_) => return Ok(std::path::absolute(&**answer)?.to_string_lossy().into_owned()),
            Err(error) => person.say(&format!("cannot read {}: {error}", *answer))?,
        }
    }
}

fn place(person: &mut Person<'_>, question: &str) -> io::Result<Place> {
    loop {
        let answer = person.ask_hidden(question)?;
        let Some(path) = answer.strip_prefix('@') else {
            return Ok(Place::Typed(SecretString::from(answer.as_str())));
        };
        if path.starts_with('@') {
            return Ok(Place::Typed(SecretString::from(path)));
        }
        let path = path.trim();
        match files::read_secret(path.as_ref()) {
            Ok(_) => {
                let path = std::path::absolute(path)?;
                return Ok(Place::File(path.to_string_lossy().into_owned()));
            }
            // What is no path can be a secret.
            Err(error) if path.contains('/') || Path::new(path).symlink_metadata().is_ok() => {
                person.say(&format!("cannot read {path}: {error}"))?;
            }
            Err(_) => person.say(
                "No file here has the name after the @. If the secret begins with @, type one \
                 more @ before it.",
            )?,
        }
    }
}

/// Searches recipes until the person takes one.
fn recipe(person: &mut Person<'_>) -> io::Result<Recipe> {
    let mut words = person.ask_again("Which vendor or API? Some words of its name: ")?.to_string();
    loop {
        let words_of: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let mut found = matching(&words_of);
        found.sort_by_key(|(distance, _)| *distance);
        let mut found: Vec<Recipe> = found.into_iter().map(|(_, recipe)| recipe).collect();
        if found.is_empty() {
            person.say(
                "No built-in recipe has these words. For an API with OAuth 2.0 try `oauth2`; \
                 `credwatch recipes new` drafts a recipe for any other API.",
            )?;
            words = person.ask_again("Other words: ")?.to_string();
            continue;
        }
        for (number, recipe) in found.iter().enumerate().take(MOST_LISTED) {
            let title = recipe.title.as_deref().unwrap_or_default();
            person.say(&format!("{:>4}  {:<28} {title}", number + 1, recipe.name))?;
        }
        if found.len() > MOST_LISTED {
            let rest = found.len() - MOST_LISTED;
            person.say(&format!("      … and {rest} more: type more words"))?;
        }
        let answer = person.ask_again("Its number, or other words: ")?;
        let by_number = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let by_name = found.iter().position(|recipe| recipe.name == **answer);
        match by_number.filter(|place| *place < found.len()).or(by_name) {
            Some(place) => return Ok(found.swap_remove(place)),
            None => words = answer.to_string(),
        }
    }
}

/// A name that needs no quotes in the configuration.
fn name(person: &mut Person<'_>, recipe: &Recipe) -> io::Result<String> {
    loop {
        let question = format!("Its name in alerts and on pages [{}]: ", recipe.name);
        let name = person.ask(&question)?;
        if name.is_empty() {
            return Ok(recipe.name.clone());
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if name.bytes().all(is_plain) && name.len() <= 100 {
            return Ok(name.to_string());
        }
        person.say("Letters, digits, - and _ only, such as billing-api.")?;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::ErrorKind;

    use secrecy::ExposeSecret;

    use super::super::person::Terminal;
    use super::*;

    /// Notes when the terminal shows and hides what is typed.
    #[derive(Default)]
    struct Echoes(RefCell<Vec<bool>>);

    impl Terminal for Echoes {
        fn echo(&self, shown: bool) {
            self.0.borrow_mut().push(shown);
        }

        fn drain(&self) -> bool {
            false
        }
    }

    /// The answers for these lines, and what the person saw.
    fn after(lines: &str) -> (io::Result<Answers>, String, Vec<bool>) {
        let (mut input, mut out) = (lines.as_bytes(), Vec::new());
        let terminal = Echoes::default();
        let answers = ask(&mut Person { input: &mut input, out: &mut out, terminal: &terminal });
        (answers, String::from_utf8(out).expect("text"), terminal.0.into_inner())
    }

    #[test]
    fn a_person_finds_a_recipe_by_words_and_types_its_inputs() {
        let lines = "nothing-like-it\nsendgrid\nsendgrid-key\na b\nnewsletter\nSG.s3cret\n";
        let (answers, shown, echoes) = after(lines);
        let answers = answers.expect("all answers");
        assert_eq!(
            (answers.name.as_str(), answers.recipe.as_str()),
            ("newsletter", "sendgrid-key")
        );
        let [(input, Place::Typed(secret))] = &answers.credentials[..] else { panic!("{shown}") };
        assert_eq!((input.as_str(), secret.expose_secret()), ("api_key", "SG.s3cret"));
        assert!(
            shown.contains("No built-in recipe") && shown.contains("Letters, digits"),
            "{shown}"
        );
        assert!(!shown.contains("s3cret"));
        assert_eq!(echoes, [false, true], "only the secret is hidden");
    }

    #[test]
    fn a_secret_can_stay_in_a_file_and_an_end_of_the_input_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        std::fs::write(&file, "SG.x").expect("written");
        let path = file.display().to_string();
        let (answers, shown, _) = after(&format!("sendgrid\n1\n\n@/nonexistent/x\n@{path}\n"));
        let answers = answers.expect("all answers");
        assert!(matches!(&answers.credentials[0].1, Place::File(known) if *known == path));
        assert!(shown.contains("cannot read /nonexistent/x: there is no such file"), "{shown}");
        let (answers, _, echoes) = after("sendgrid\n1\n\n");
        assert_eq!(answers.err().map(|error| error.kind()), Some(ErrorKind::UnexpectedEof));
        assert_eq!(echoes, [false, true], "the terminal shows again what is typed");
    }

    #[test]
    fn a_client_without_a_secret_gives_its_method_and_certificate() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(&file, "pem").expect("written");
        let path = file.path().display().to_string();
        let lines = format!(
            "oauth2-client-credentials\noauth2-client-credentials\n\ncertificate\n\
             tls_client_auth\n\nhttps://a.example/t\n/nonexistent/c\n{path}\n{path}\n\nid\n"
        );
        let (answers, shown, _) = after(&lines);
        let answers = answers.expect("all answers");
        let of = |(name, value): &(String, String)| format!("{name}={value}");
        let parameters: Vec<_> = answers.parameters.iter().map(of).collect();
        assert_eq!(parameters, ["token_url=https://a.example/t", "auth_method=tls_client_auth"]);
        let credentials: Vec<_> = answers.credentials.iter().map(|(name, _)| name).collect();
        assert_eq!(credentials, ["client_id"], "no secret is asked");
        assert_eq!(answers.certificate, Some([path.clone(), path]));
        assert!(shown.contains("It is one of client_secret_basic, "), "{shown}");
        assert!(shown.contains("cannot read /nonexistent/c"), "{shown}");
        assert_eq!(shown.matches("This needs an answer").count(), 2, "{shown}");
        // Enter takes the usual way, which the configuration need not say.
        let lines = "oauth2-client-credentials\noauth2-client-credentials\n\n\nu\nid\ns\n";
        let answers = after(lines).0.expect("all answers");
        assert_eq!((answers.parameters.len(), answers.credentials.len()), (1, 2));
        let lines = "oauth2-client-credentials\noauth2-client-credentials\n\nprivate_key_jwt\nu\n\
                     id\nkey\n";
        let answers = after(lines).0.expect("all answers");
        let credentials: Vec<_> = answers.credentials.iter().map(|(name, _)| name).collect();
        assert_eq!(credentials, ["client_id", "private_key"]);
    }

    #[test]
    fn a_secret_that_begins_with_an_at_sign_is_not_shown() {
        let lines = "sendgrid\n1\n\n@Passw0rd-2031!\n@@Passw0rd-2031!\n";
        let (answers, shown, _) = after(lines);
        let answers = answers.expect("all answers");
        assert!(!shown.contains("Passw0rd") && shown.contains("type one more @"), "{shown}");
        let [(_, Place::Typed(secret))] = &answers.credentials[..] else { panic!("{shown}") };
        assert_eq!(secret.expose_secret(), "@Passw0rd-2031!");
    }
}
