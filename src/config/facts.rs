//! What the configuration tells people about a provider: who owns it, and where to go.

use url::Url;

use super::file::{self, Shared};
use super::shared::Context;
use crate::provider::Facts;
use crate::recipe::definition::Text;

/// The longest link, in bytes. It is a label.
const LONGEST_LINK: usize = 500;

/// The facts of a provider. Its own owner takes precedence.
pub fn facts(
    file: &file::Provider,
    own: &Shared<'_>,
    defaults: &Shared<'_>,
    context: &mut Context<'_>,
) -> Facts {
    let owner = own.owner.or(defaults.owner);
    Facts {
        owner: owner.map(|text| text.0.get_ref().trim().into()),
        renew_url: link(file.renew_url.as_ref(), context),
        vendor_url: link(file.vendor_url.as_ref(), context),
    }
}

/// A link for people. A fault when it is no URL that a browser opens, or has credentials in it.
fn link(text: Option<&Text>, context: &mut Context<'_>) -> Option<Box<str>> {
    let text = text?;
    let address = text.0.get_ref().trim();
    let is_link = Url::parse(address).is_ok_and(|url| {
        ["http", "https"].contains(&url.scheme())
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
    });
    if !is_link || address.len() > LONGEST_LINK || address.contains(char::is_whitespace) {
        let problem = "this is no link: an address that begins with https:// or http://, without \
                       user and password, of at most 500 bytes";
        context.error(text.0.span(), problem);
        return None;
    }
    Some(address.into())
}
