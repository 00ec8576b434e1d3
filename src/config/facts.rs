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

/// What is wrong with a text that is no link.
pub const NO_LINK: &str = "this is no link: an address that begins with https:// or http://, \
                           without user and password, of at most 500 bytes";

/// Whether a browser opens this URL, and it has no credentials in it.
pub fn is_link(address: &str) -> bool {
    let is_url = Url::parse(address).is_ok_and(|url| {
        ["http", "https"].contains(&url.scheme())
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
    });
    is_url && address.len() <= LONGEST_LINK && !address.contains(char::is_whitespace)
}

/// A link for people. A fault when it is none.
fn link(text: Option<&Text>, context: &mut Context<'_>) -> Option<Box<str>> {
    let text = text?;
    let address = text.0.get_ref().trim();
    if !is_link(address) {
        context.error(text.0.span(), NO_LINK);
        return None;
    }
    Some(address.into())
}
