//! What the configuration tells people about a provider: who owns it, and where to go.

use super::file::{self, Shared};
use super::shared::Context;
use crate::links::Link;
use crate::provider::Facts;
use crate::recipe::definition::Text;

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

/// A link for people. A fault when it is none.
fn link(text: Option<&Text>, context: &mut Context<'_>) -> Option<Link> {
    let text = text?;
    let link = Link::checked(text.0.get_ref().trim());
    if link.is_none() {
        context.error(text.0.span(), NO_LINK);
    }
    link
}
