//! The purpose of a field of a sample, by its name.

use crate::authoring::suggest::words;
use crate::secret::names_a_secret;

/// The purpose of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The same for every customer: a grant type, a version.
    Constant,
    /// Not secret, and often the same for every customer: a scope, a region.
    Parameter,
    /// Not secret, and different for each customer: a tenant, a realm.
    Own,
    /// A secret or an identifier.
    Credential,
    /// The time of the request.
    Time,
    /// A time after the request.
    End,
    /// A value that is used once: a nonce.
    Once,
    /// Computed from other fields.
    Signature,
    Unknown,
}

impl Kind {
    /// Whether a value of this kind is an input that is not secret.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Constant | Self::Parameter | Self::Own)
    }
}

const CONSTANTS: [&str; 23] = [
    "jsonrpc", "granttype", "responsetype", "tokentype", "v", "accept", "contenttype",
    "acceptlanguage", "action", "methods", "service", "xrequestedwith", "channel", "expiresin",
    "durationseconds", "output", "authenticator", "signtype", "target", "amztarget", "idp",
    "loginprovidername", "operationname",
];

/// Last words of names whose values belong to the API.
const CONSTANT_ENDS: [&str; 28] = [
    "version", "revision", "type", "kind", "format", "method", "mode", "lang", "language",
    "locale", "algorithm", "alg", "flow", "protocol", "encoding", "strategy", "style", "ttl",
    "lifetime", "duration", "validity", "timeout", "grant", "provider", "flavor", "operation",
    "action", "minutes",
];

/// Names of values that are not secret. A suffix such as `_id` does not change that.
const PARAMETERS: [&str; 17] = [
    "scope", "scopes", "audience", "audiences", "resource", "resources", "region", "country",
    "env", "environment", "product", "permission", "permissions", "role", "zone", "currency",
    "feature",
];

const OWN: [&str; 32] = [
    "config", "cluster", "team", "group", "repo", "repository", "tenant", "realm", "domain",
    "subdomain", "organization", "organisation", "org", "site", "company", "instance", "host",
    "hostname", "project", "workspace", "namespace", "shop", "store", "database", "db", "schema",
    "warehouse", "baseurl", "device", "session", "application", "entity",
];

const TIMES: [&str; 14] = [
    "timestamp", "ts", "time", "t", "date", "requesttime", "xtimestamp", "now", "datetime", "iat",
    "nbf", "created", "createdat", "issuedat",
];
const ENDS: [&str; 9] = [
    "exp", "expires", "expiresat", "expireson", "expiry", "expiration", "expirationtime",
    "validuntil", "notonorafter",
];
const ONCE: [&str; 14] = [
    "nonce", "noncestr", "random", "rnd", "requestid", "uuid", "guid", "idempotencykey", "jti",
    "correlationid", "traceid", "messageid", "transactionid", "controlid",
];
const SIGNATURES: [&str; 9] =
    ["sign", "signature", "hmac", "checksum", "digest", "mac", "sig", "encryption", "signed"];
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
    let is_once = |known: &&str| name.ends_with(*known);
    let names_a_call = words.iter().any(|word| {
        matches!(word.as_str(), "req" | "request" | "message" | "msg" | "correlation" | "trace")
    });
    if CONSTANTS.contains(&name) || CONSTANT_ENDS.contains(&last) || name.ends_with("type") {
        Kind::Constant
    } else if SIGNATURES.contains(&last) || name == "contentmd5" {
        Kind::Signature
    } else if ONCE.iter().any(is_once) || names_a_call && matches!(last, "id" | "no" | "number") {
        Kind::Once
    } else if TIMES.contains(&name)
        || matches!(last, "timestamp" | "datetime")
        || matches!(last, "date" | "time") && is_time_of_the_request(&words)
    {
        Kind::Time
    } else if ENDS.contains(&name)
        || name.contains("expir") && matches!(last, "at" | "on" | "time" | "date" | "expiry")
    {
        Kind::End
    } else if is_of(&PARAMETERS, name, &words) {
        Kind::Parameter
    } else if is_of(&OWN, name, &words) {
        Kind::Own
    } else if name.contains("expir") && !name.ends_with("token") {
        Kind::Constant
    } else if last == "name" && words.len() > 1 && !names_a_person(&words) {
        Kind::Own
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

/// Whether a name says when something ends.
pub fn is_expiry(field: &str) -> bool {
    const ENDINGS: [&str; 8] = [
        "until", "validto", "validthru", "notafter", "notonorafter", "enddate", "endtime",
        "deadline",
    ];
    let name = words(field).concat();
    name.contains("expir")
        || ENDS.contains(&name.as_str())
        || ENDINGS.iter().any(|end| name.ends_with(end))
}

/// Whether a text is a number of seconds, days and the like, or that of a version, by the name of
/// its field. All customers have the same.
pub fn is_count(field: &str, text: &str) -> bool {
    const UNITS: [&str; 28] = [
        "seconds", "secs", "sec", "minutes", "mins", "hours", "days", "millis", "ttl", "expires",
        "expire", "expiry", "expiration", "expiresin", "expirein", "expiryin", "lifetime",
        "duration", "validity", "timeout", "maxage", "version", "validfor", "validityperiod",
        "lifespan", "timetolive", "lease", "leaseperiod",
    ];
    let name = words(field).concat();
    (1..=12).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && UNITS.iter().any(|unit| name.ends_with(unit))
}

/// Whether a date or time is not that of a birth or a lifetime.
fn is_time_of_the_request(words: &[String]) -> bool {
    const OTHERS: [&str; 9] =
        ["life", "live", "valid", "expir", "birth", "start", "end", "session", "access"];
    let is_other = |word: &String| OTHERS.iter().any(|other| word.contains(other));
    words.len() > 1 && !words.iter().any(is_other)
}

/// Whether a name is that of a user, which is as secret as an identifier.
fn names_a_person(words: &[String]) -> bool {
    ["user", "login", "account", "sign", "logon", "service", "principal"]
        .iter()
        .any(|word| words[words.len() - 2].contains(word))
}

/// Whether a name is one of these, perhaps with `_id`, `_name` or `_code` behind it.
fn is_of(known: &[&str], name: &str, words: &[String]) -> bool {
    let stem = match words {
        [stem @ .., last]
            if !stem.is_empty() && matches!(last.as_str(), "id" | "name" | "code" | "codes") =>
        {
            stem.last().map_or("", String::as_str)
        }
        _ => "",
    };
    let last = words.last().map_or("", String::as_str);
    let is_object = matches!(last, "session" | "device" | "application" | "entity" | "host");
    // `session_id` and `device_id` identify, and so may be secret.
    let identifies = matches!(stem, "session" | "device" | "application" | "entity" | "role")
        && words.last().is_some_and(|last| last == "id" || last == "code");
    known.contains(&name)
        || known.contains(&last) && !is_object
        || known.contains(&stem) && !identifies
        || name.strip_prefix("tenant").is_some_and(|_| known.contains(&"tenant"))
        || name.strip_prefix("company").is_some_and(|rest| known.contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_seconds_is_a_count_also_beside_the_word_token() {
        for (field, text, expected) in [
            ("tokenTtlSeconds", "3600", true),
            ("access_token_lifetime", "86400", true),
            ("tokenVersion", "20230101", true),
            ("session_token_duration", "31536000000", true),
            ("tokenVersion", "2x", false),
            ("token", "3600", false),
            ("pin", "123456", false),
        ] {
            assert_eq!(is_count(field, text), expected, "{field}");
        }
    }

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
            ("kind", Kind::Constant),
            ("authorize_type", Kind::Constant),
            ("loginType", Kind::Constant),
            ("token_ttl", Kind::Constant),
            ("expirationSeconds", Kind::Constant),
            ("RegionId", Kind::Parameter),
            ("country_codes", Kind::Parameter),
            ("realm", Kind::Own),
            ("tenant_id", Kind::Own),
            ("project_name", Kind::Own),
            ("CompanyDB", Kind::Own),
            ("device_id", Kind::Credential),
            ("X-Correlation-Id", Kind::Once),
            ("WM_QOS.CORRELATION_ID", Kind::Once),
            ("x-av-req-id", Kind::Once),
            ("x-av-date", Kind::Time),
            ("iat", Kind::Time),
            ("exp", Kind::End),
        ] {
            assert_eq!(kind(field), expected, "{field}");
        }
    }
}
