//! Recipes against servers that nobody here wrote: django-oauth-toolkit, Authlib and Keystone, set
//! up by the scripts in `tests/issuers`, and one with token exchange. What is refused has the
//! server's own code.

mod authlib;
mod django;
mod exchange;
mod keystone;

use crate::programs::issuer::Issuer;

#[test]
fn a_server_ends_when_whoever_started_it_is_gone() {
    let status = Issuer::script("authlib_oauth", &[]).end();
    assert!(status.success(), "{status}");
}
