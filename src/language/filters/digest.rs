//! Digests with and without a key. They return bytes, so that a filter can use a digest as its
//! input.

use aws_lc_rs::digest::{self, digest};
use aws_lc_rs::hmac;
use md5::{Digest as _, Md5};
use minijinja::{Error, Value};

use crate::language::convert::bytes;

pub fn sha1(value: &Value) -> Result<Value, Error> {
    hash(&digest::SHA1_FOR_LEGACY_USE_ONLY, value, "sha1")
}

pub fn sha256(value: &Value) -> Result<Value, Error> {
    hash(&digest::SHA256, value, "sha256")
}

pub fn sha512(value: &Value) -> Result<Value, Error> {
    hash(&digest::SHA512, value, "sha512")
}

pub fn md5(value: &Value) -> Result<Value, Error> {
    bytes(value, "md5").map(|bytes| Value::from_bytes(Md5::digest(bytes).to_vec()))
}

pub fn hmac_sha1(value: &Value, key: &Value) -> Result<Value, Error> {
    mac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, value, key, "hmac_sha1")
}

pub fn hmac_sha256(value: &Value, key: &Value) -> Result<Value, Error> {
    mac(hmac::HMAC_SHA256, value, key, "hmac_sha256")
}

pub fn hmac_sha512(value: &Value, key: &Value) -> Result<Value, Error> {
    mac(hmac::HMAC_SHA512, value, key, "hmac_sha512")
}

fn hash(
    algorithm: &'static digest::Algorithm,
    value: &Value,
    filter: &str,
) -> Result<Value, Error> {
    bytes(value, filter).map(|bytes| Value::from_bytes(digest(algorithm, &bytes).as_ref().to_vec()))
}

fn mac(
    algorithm: hmac::Algorithm,
    value: &Value,
    key: &Value,
    filter: &str,
) -> Result<Value, Error> {
    let key = hmac::Key::new(algorithm, &bytes(key, filter)?);
    let tag = hmac::sign(&key, &bytes(value, filter)?);
    Ok(Value::from_bytes(tag.as_ref().to_vec()))
}
