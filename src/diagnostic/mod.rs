//! Faults in files that an operator wrote: the place, the problem and a hint.
//!
//! A fault goes to terminals, logs and tickets. It shows keys, and values only from an allow-list:
//! [`Outline`] decides for the line of the file, [`Shown`] for the sentence.

mod fault;
mod outline;
mod sentence;
mod show;
mod similar;
mod source;
mod within;

pub use fault::{Fault, Kind, Severity};
pub use outline::Outline;
pub use sentence::{Sentence, Shown, suggestion, suggestion_of_names};
pub use similar::nearest;
pub use source::Source;
pub use within::{within, within_all};
