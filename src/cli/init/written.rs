//! What the answers become: the text of the configuration, and the secret files beside it.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::dialogue::{Answers, Place};

/// The folder of the secrets, beside the configuration.
const FOLDER: &str = "secrets";

/// The configuration, and its secret files by their paths.
pub struct Written {
    pub text: String,
    pub secrets: Vec<(PathBuf, SecretString)>,
}

/// What to write for these answers into this folder.
pub fn written(answers: Answers, folder: &Path) -> Written {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let Answers { name, recipe, parameters, credentials, certificate } = answers;
    let mut text = format!(
        "# `credwatch recipes show {recipe} --provider` prints all inputs of this recipe.\n\
         [providers.{name}]\nrecipe = \"{recipe}\"\n"
    );
    for (input, value) in parameters {
        text.push_str(&format!("parameters.{input} = {}\n", quoted(&value)));
    }
    for (key, path) in ["client_certificate_file", "client_key_file"]
        .into_iter()
        .zip(certificate.into_iter().flatten())
    {
        text.push_str(&format!("tls.{key} = {}\n", quoted(&path)));
    }
    let mut secrets = Vec::new();
    for (input, place) in credentials {
        let file = match place {
            Place::File(path) => path,
            Place::Typed(secret) => {
                let file = format!("{FOLDER}/{name}-{}", input.replace('_', "-"));
                secrets.push((folder.join(&file), secret));
                file
            }
        };
        text.push_str(&format!("credentials.{input} = {{ file = {} }}\n", quoted(&file)));
    }
    Written { text, secrets }
}

impl Written {
    /// The files, with the content of each. The configuration is the last, so that it names no
    /// secret that is not there.
    pub fn files<'a>(&'a self, file: &'a Path) -> impl Iterator<Item = (&'a Path, &'a str)> {
        let secrets = self.secrets.iter().map(|(path, secret)| (&**path, secret.expose_secret()));
        secrets.chain([(file, self.text.as_str())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_text;

    #[test]
    fn the_text_is_a_valid_configuration_without_the_secret() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().display().to_string();
        let answers = Answers {
            certificate: Some([path.clone(), path]),
            name: "crm".to_owned(),
            recipe: "oauth2-client-credentials".to_owned(),
            parameters: vec![("token_url".to_owned(), "https://a.example/\"t\"".to_owned())],
            credentials: vec![
                ("client_id".to_owned(), Place::File("/srv/id".to_owned())),
                ("client_secret".to_owned(), Place::Typed(SecretString::from("s3cret"))),
            ],
        };
        let written = written(answers, Path::new("/srv"));
        let plan =
            load_text("test", &written.text).unwrap_or_else(|faults| panic!("{}", faults[0]));
        assert_eq!(plan.providers[0].name, "crm");
        assert!(plan.providers[0].transport.client_certificate.is_some());
        let files: Vec<_> = written.files(Path::new("/srv/credwatch.toml")).collect();
        assert_eq!(files[0], (Path::new("/srv/secrets/crm-client-secret"), "s3cret"));
        assert_eq!(files[1].0, Path::new("/srv/credwatch.toml"));
        assert!(!files[1].1.contains("s3cret"), "{}", files[1].1);
    }
}
