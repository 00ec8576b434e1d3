//! Decides which texts from outside may be shown.
//!
//! [`Redactor`] finds the known secrets of an attempt in a text. The other rules judge an unknown
//! text by its name and form, with one rule for each setting.

mod answer;
mod configuration;
mod draft;
mod pattern;
mod redactor;
mod search;
mod shape;
#[cfg(test)]
mod verdicts;
mod view;

pub use answer::{may_show_in_answer, sentence, shown_place};
pub use configuration::{
    has_plain_steps, is_like_a_duration, is_like_an_address, is_plain_name, is_plain_path,
    is_plain_variable,
};
pub use draft::{
    is_api_name, is_field_name, is_harmless, is_random_step, is_small_number, may_be_constant,
    may_be_user_agent, may_show_host, may_stand_beside,
};
pub use redactor::{HIDDEN, Redactor};
pub use shape::{is_address, is_listed_secret, is_named_secret, looks_random, names_a_secret};
