//! The questions and answers of `credwatch init`.

use std::io;
use std::path::Path;

use secrecy::SecretString;

use super::super::ready::inputs_to_copy;
use super::super::recipes::matching;
use super::person::Person;
use crate::files;
use crate::recipe::Recipe;

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
}

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
    let inputs = inputs_to_copy(&recipe).unwrap_or_default();
    for (input, parameter) in recipe.parameters.iter().filter(|(input, _)| inputs.contains(input)) {
        let question = question(input, parameter.description.as_deref(), "");
        parameters.push((input.clone(), person.ask_again(&question)?.to_string()));
    }
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
    Ok(Answers { name, recipe, parameters, credentials })
}

fn question(input: &str, description: Option<&str>, more: &str) -> String {
    match description {
        Some(text) => format!("{input} ({}){more}: ", text.trim_end_matches('.')),
        None => format!("{input}{more}: "),
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
    fn a_secret_that_begins_with_an_at_sign_is_not_shown() {
        let lines = "sendgrid\n1\n\n@Passw0rd-2031!\n@@Passw0rd-2031!\n";
        let (answers, shown, _) = after(lines);
        let answers = answers.expect("all answers");
        assert!(!shown.contains("Passw0rd") && shown.contains("type one more @"), "{shown}");
        let [(_, Place::Typed(secret))] = &answers.credentials[..] else { panic!("{shown}") };
        assert_eq!(secret.expose_secret(), "@Passw0rd-2031!");
    }
}
