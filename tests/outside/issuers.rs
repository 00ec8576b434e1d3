//! Recipes against token servers of other projects: django-oauth-toolkit, Authlib and Keystone, set
//! up by the scripts in `tests/issuers`, and a server with token exchange. Each refusal has the
//! code of the server.

mod authlib;
mod django;
mod exchange;
mod keystone;

use crate::programs::issuer::Issuer;

#[test]
fn a_server_of_the_tests_ends_when_its_standard_input_is_closed() {
    let status = Issuer::script("authlib_oauth", &[]).end();
    assert!(status.success(), "{status}");
}
