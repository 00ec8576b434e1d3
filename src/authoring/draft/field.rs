//! The purpose of a field of a sample, by its name.

use crate::authoring::suggest::words;
use crate::secret::names_a_secret;

/// The purpose of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The same for every customer: a grant type, a version.
    Constant,
    /// Differs between customers, but is not secret: a scope, a tenant.
    Parameter,
    /// A secret or an identifier.
    Credential,
    /// The time of the request.
    Time,
    /// A value that is used once: a nonce.
    Once,
    /// Computed from other fields.
    Signature,
    Unknown,
}

const CONSTANTS: [&str; 35] = [
    "jsonrpc", "granttype", "responsetype", "tokentype", "requestedtokentype", "subjecttokentype",
    "assertiontype", "clientassertiontype", "version", "apiversion", "v", "format", "accept",
    "contenttype", "acceptlanguage", "lang", "language", "type", "action", "method", "methods",
    "service", "xrequestedwith", "mode", "channel", "expiresin", "ttl", "duration",
    "durationseconds", "output", "algorithm", "alg", "signmethod", "signaturemethod", "signtype",
];

const PARAMETERS: [&str; 24] = [
    "scope", "scopes", "audience", "resource", "tenant", "tenantid", "tenantname", "realm",
    "region", "domain", "subdomain", "env", "environment", "organization", "org", "orgname",
    "country", "locale", "zone", "site", "baseurl", "host", "hostname", "instance",
];

const TIMES: [&str; 9] =
    ["timestamp", "ts", "time", "t", "date", "requesttime", "xtimestamp", "now", "datetime"];
const ONCE: [&str; 7] =
    ["nonce", "requestid", "uuid", "idempotencykey", "jti", "correlationid", "traceid"];
const SIGNATURES: [&str; 7] = ["sign", "signature", "hmac", "checksum", "digest", "mac", "sig"];
const SECRETS: [&str; 17] = [
    "pass", "pwd", "pin", "otp", "auth", "cred", "hash", "code", "user", "mail", "login", "phone",
    "client", "account", "merchant", "customer", "partner",
];

/// The purpose of a field of this name.
pub fn kind(field: &str) -> Kind {
    let words = words(field);
    let name = words.concat();
    let name = name
        .strip_prefix('x')
        .filter(|rest| field.to_ascii_lowercase().starts_with("x-") && !rest.is_empty())
        .unwrap_or(&name);
    let last = words.last().map_or("", String::as_str);
    if CONSTANTS.contains(&name) || matches!(last, "version") {
        Kind::Constant
    } else if SIGNATURES.contains(&last) || name == "contentmd5" {
        Kind::Signature
    } else if ONCE.contains(&name) || last == "nonce" {
        Kind::Once
    } else if TIMES.contains(&name) || last == "timestamp" {
        Kind::Time
    } else if PARAMETERS.contains(&name) {
        Kind::Parameter
    } else if names_a_secret(field)
        || SECRETS.iter().any(|word| name.contains(word))
        || matches!(last, "id" | "sid" | "username" | "pw")
        || name.ends_with("id")
    {
        Kind::Credential
    } else {
        Kind::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_field_decides_its_purpose() {
        for (field, expected) in [
            ("grant_type", Kind::Constant),
            ("X-Api-Version", Kind::Constant),
            ("client_id", Kind::Credential),
            ("appKey", Kind::Credential),
            ("password", Kind::Credential),
            ("userName", Kind::Credential),
            ("scope", Kind::Parameter),
            ("X-Timestamp", Kind::Time),
            ("requestTime", Kind::Time),
            ("nonce", Kind::Once),
            ("sign", Kind::Signature),
            ("X-Signature", Kind::Signature),
            ("colour", Kind::Unknown),
        ] {
            assert_eq!(kind(field), expected, "{field}");
        }
    }
}
