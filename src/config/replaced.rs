//! Own recipes that have the name of a built-in one.

use super::parsed::Parsed;
use crate::diagnostic::{Fault, Sentence, Shown, nearest};
use crate::recipe::builtin::{self, BUILTINS};

/// The faults of recipes with the name of a built-in one. A recipe of another author could take the
/// credentials of every provider that uses the built-in one. So such a recipe in one of the
/// `recipe_files` is an error unless `replace_builtin` of the main file has its name. In the main
/// file it is a warning.
pub fn faults(main: &Parsed, recipe_files: &[Parsed], incomplete: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let allowed = &main.file.replace_builtin;
    for (parsed, is_main) in
        std::iter::once((main, true)).chain(recipe_files.iter().map(|parsed| (parsed, false)))
    {
        for (name, _) in &parsed.file.recipes.0 {
            let (own, span) = (name.get_ref(), name.span());
            let Some(builtin) = builtin::named_like(own) else { continue };
            if allowed.iter().any(|text| text.0.get_ref() == builtin) {
                continue;
            }
            // It has the letters of a built-in name, so it is no secret.
            let (own_name, shown) = (Shown::outside_of_files(own), Shown::from(builtin));
            let message = if own != builtin {
                Sentence::fill(
                    "the recipe `{}` differs from the built-in recipe `{}` only in upper and \
                     lower case",
                    [own_name, shown.clone()],
                )
            } else if is_main {
                Sentence::fill(
                    "this recipe replaces the built-in recipe `{}`: the credentials of its \
                     providers go where this recipe says",
                    [own_name],
                )
            } else {
                Sentence::fill(
                    "the recipe `{}` has the name of a built-in recipe, which a file of \
                     `recipe_files` must not replace",
                    [own_name],
                )
            };
            let hint = if is_main || own != builtin {
                "rename it, or allow it with `replace_builtin = [\"{}\"]`"
            } else {
                "rename it, or allow it with `replace_builtin = [\"{}\"]` in the main file"
            };
            faults.push(fault(parsed, is_main, span, message).hint(Sentence::fill(hint, [shown])));
        }
    }
    let defined = |name: &str| {
        let mut recipes =
            std::iter::once(main).chain(recipe_files).flat_map(|parsed| &parsed.file.recipes.0);
        recipes.any(|(own, _)| own.get_ref().eq_ignore_ascii_case(name))
    };
    for text in allowed {
        let (name, span) = (text.0.get_ref(), text.0.span());
        if builtin::text(name).is_none() {
            let message = Sentence::fill("there is no built-in recipe \"{}\"", [Shown::name(name)]);
            let near = nearest(name, BUILTINS.iter().map(|(name, _)| *name));
            let hint = near.map_or_else(
                || "`credwatch recipes list` shows what is built in".into(),
                |near| Sentence::fill("did you mean `{}`?", [near.into()]),
            );
            faults.push(Fault::error(&main.source, span, message).hint(hint));
        } else if !incomplete && !defined(name) {
            let message = Sentence::fill(
                "no recipe of your own replaces the built-in recipe `{}`",
                [Shown::outside_of_files(name)],
            );
            faults
                .push(Fault::warning(&main.source, span, message).hint("remove it from the list"));
        }
    }
    faults
}

/// A warning in the main file, an error in a file of `recipe_files`.
fn fault(parsed: &Parsed, is_main: bool, span: std::ops::Range<usize>, message: Sentence) -> Fault {
    if is_main {
        Fault::warning(&parsed.source, span, message)
    } else {
        Fault::error(&parsed.source, span, message)
    }
}
