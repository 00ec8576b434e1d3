//! A recipe as it is written in TOML, before anything in it is compiled.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

/// How one kind of token API is asked, and how its answer is read.
#[derive(serde::Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Recipe")]
pub struct Definition {
    /// A name for people.
    pub title: Option<String>,
    /// Where the API is documented, in the provider's own words.
    pub documentation: Option<String>,
    /// What a probe does at the provider beside issuing a token; shown by `credwatch check`.
    pub side_effects: Option<String>,
    /// Inputs that are not secret.
    pub parameters: Ordered<Parameter>,
    /// Inputs that are secret, identifiers included.
    pub credentials: Credentials,
    /// `cached` when the provider hands the same token out until it expires, so that a falling lifetime is normal.
    pub tokens: Tokens,
    /// Values bound once per attempt, in this order; each may use those before it.
    #[serde(rename = "let")]
    pub bindings: Ordered<Text>,
    /// The request.
    pub request: Request,
    /// How the answer is read.
    pub response: Response,
}

/// Whether a provider issues a new token each time.
#[derive(serde::Deserialize, JsonSchema, Default, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Tokens {
    /// A new token for each request.
    #[default]
    Fresh,
    /// The same token until it expires.
    Cached,
}

/// An input that is not secret.
#[derive(serde::Deserialize, JsonSchema, Default, Clone)]
#[serde(deny_unknown_fields, default)]
pub struct Parameter {
    /// What it is for.
    pub description: Option<String>,
    /// The value when a provider gives none.
    pub default: Option<Scalar>,
    /// Whether a provider may leave it out; what needs it is then left out of the request.
    pub optional: bool,
    /// The values that are allowed; any when empty.
    pub one_of: Vec<String>,
}

/// A secret input.
#[derive(serde::Deserialize, JsonSchema, Default, Clone)]
#[serde(deny_unknown_fields, default)]
pub struct Credential {
    /// What it is, in the provider's words.
    pub description: Option<String>,
    /// Whether a provider may leave it out; what needs it is then left out of the request.
    pub optional: bool,
}

/// A single string, number or boolean.
#[derive(serde::Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(untagged)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// true or false.
    Boolean(bool),
}

impl From<&Scalar> for minijinja::Value {
    fn from(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Text(text) => Self::from(text.as_str()),
            Scalar::Integer(number) => Self::from(*number),
            Scalar::Boolean(truth) => Self::from(*truth),
        }
    }
}

/// The token request. Text may hold expressions in `{{ … }}`.
#[derive(serde::Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// `GET`, `POST`, `PUT` or `PATCH`; `POST` when left out.
    pub method: Option<Text>,
    /// The URL. A value at its very start is taken as it is, later ones are percent-encoded.
    pub url: Option<Text>,
    /// Query parameters, appended to the URL.
    pub query: Ordered<Text>,
    /// Headers.
    pub headers: Ordered<Text>,
    /// A body of the type `application/x-www-form-urlencoded`.
    pub form: Option<Ordered<Text>>,
    /// A body of the type `application/json`. A lone expression keeps its type.
    pub json: Option<Node>,
    /// A body as it is; its type is set by a `Content-Type` header.
    pub body: Option<Text>,
}

/// How the answer is read. All values are expressions.
#[derive(serde::Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Response {
    /// What must hold beside a 2xx status and a token.
    pub issued: Option<Text>,
    /// Where the token is; the first that is there counts. It must be a string with something in it.
    pub token: Expressions,
    /// Where the expiry is; the first that is there counts, with its own unit.
    pub expiry: Vec<ExpiryRule>,
    /// When the token never expires.
    pub never: Option<Text>,
    /// Where the error code is; the first usable scalar counts, then `http_<status>`.
    pub code: Expressions,
    /// Where a sentence for people is.
    pub message: Expressions,
    /// Where the granted scopes are: an array, or a string with blanks or commas.
    pub scopes: Option<Text>,
    /// Codes that mean: too many requests.
    pub throttled: Vec<String>,
    /// Codes that mean: the provider itself is at fault, not the credential.
    pub unavailable: Vec<String>,
}

/// One place where the expiry may stand.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiryRule {
    /// An expression; absent and null pass on to the next rule.
    pub value: Text,
    /// What the number or text means.
    pub unit: Unit,
}

/// What an expiry value means.
#[derive(serde::Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Seconds from now on.
    Seconds,
    /// Milliseconds from now on.
    Milliseconds,
    /// Minutes from now on.
    Minutes,
    /// Seconds since 1970, or milliseconds when the number is 1e11 or more (1e11 s is the year 5138, 1e11 ms is 1973).
    Epoch,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Microseconds since 1970.
    EpochMicroseconds,
    /// A date with time and offset as in RFC 3339.
    Rfc3339,
    /// The value is a JSON Web Token; its `exp` claim counts (RFC 7519, section 4.1.4).
    Jwt,
}

impl Unit {
    /// The word in the recipe.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Minutes => "minutes",
            Self::Epoch => "epoch",
            Self::EpochSeconds => "epoch_seconds",
            Self::EpochMilliseconds => "epoch_milliseconds",
            Self::EpochMicroseconds => "epoch_microseconds",
            Self::Rfc3339 => "rfc3339",
            Self::Jwt => "jwt",
        }
    }
}

/// A string with its place in the file.
#[derive(serde::Deserialize, Clone)]
#[serde(transparent)]
pub struct Text(pub Spanned<String>);

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A table whose order counts, with the place of each key.
pub struct Ordered<V>(pub Vec<(Spanned<String>, V)>);

impl<V> Default for Ordered<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Ordered<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
            type Value = Ordered<V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Ordered(members))
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

impl<V: JsonSchema> JsonSchema for Ordered<V> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("TableOf{}", V::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<V>() })
    }
}

/// One expression, or several in order.
#[derive(Default)]
pub struct Expressions(pub Vec<Text>);

impl<'de> Deserialize<'de> for Expressions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        enum Either {
            One(String),
            Several(Vec<Text>),
        }
        impl<'de> Deserialize<'de> for Either {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Form;
                impl<'de> Visitor<'de> for Form {
                    type Value = Either;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string or an array of strings")
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<Either, E> {
                        Ok(Either::One(text.to_owned()))
                    }
                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Either, A::Error> {
                        let mut several = Vec::new();
                        while let Some(text) = seq.next_element()? {
                            several.push(text);
                        }
                        Ok(Either::Several(several))
                    }
                }
                deserializer.deserialize_any(Form)
            }
        }
        let either = Spanned::<Either>::deserialize(deserializer)?;
        let span = either.span();
        Ok(Self(match either.into_inner() {
            Either::One(text) => vec![Text(Spanned::new(span, text))],
            Either::Several(several) => several,
        }))
    }
}

impl JsonSchema for Expressions {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Expressions".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

/// The credentials of a recipe: a list of names, or a table of name and properties.
#[derive(Default)]
pub struct Credentials(pub Vec<(Spanned<String>, Credential)>);

impl<'de> Deserialize<'de> for Credentials {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = Credentials;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of names or a table")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push((name, Credential::default()));
                }
                Ok(Credentials(names))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Credentials(members))
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl JsonSchema for Credentials {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Credentials".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<Ordered<Credential>>();
        json_schema!({ "anyOf": [{ "type": "array", "items": { "type": "string" } }, table] })
    }
}

/// A piece of a JSON body, with the place of each text in the file.
pub enum Node {
    /// Text, perhaps with expressions.
    Text(Text),
    /// A number or boolean as it is.
    Plain(serde_json::Value),
    /// An array.
    Array(Vec<Node>),
    /// An object.
    Object(Vec<(String, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        enum Inner {
            Text(String),
            Other(Node),
        }
        impl<'de> Deserialize<'de> for Inner {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Form;
                impl<'de> Visitor<'de> for Form {
                    type Value = Inner;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string, number, boolean, array or table")
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<Inner, E> {
                        Ok(Inner::Text(text.to_owned()))
                    }
                    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Inner, E> {
                        Ok(Inner::Other(Node::Plain(truth.into())))
                    }
                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Inner, E> {
                        Ok(Inner::Other(Node::Plain(number.into())))
                    }
                    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Inner, E> {
                        if !number.is_finite() {
                            return Err(E::custom("JSON has no such number"));
                        }
                        Ok(Inner::Other(Node::Plain(number.into())))
                    }
                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Inner, A::Error> {
                        let mut items = Vec::new();
                        while let Some(item) = seq.next_element()? {
                            items.push(item);
                        }
                        Ok(Inner::Other(Node::Array(items)))
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Inner, A::Error> {
                        let mut members = Vec::new();
                        while let Some(member) = map.next_entry()? {
                            members.push(member);
                        }
                        Ok(Inner::Other(Node::Object(members)))
                    }
                }
                deserializer.deserialize_any(Form)
            }
        }
        let inner = Spanned::<Inner>::deserialize(deserializer)?;
        let span = inner.span();
        Ok(match inner.into_inner() {
            Inner::Text(text) => Self::Text(Text(Spanned::new(span, text))),
            Inner::Other(node) => node,
        })
    }
}

impl JsonSchema for Node {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "JsonBody".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "array", "string", "number", "boolean"] })
    }
}
