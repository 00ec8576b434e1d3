//! The links to the other pages of a list.

use maud::{Markup, html};

use super::finding::ROWS;
use super::format::grouped;

/// A part of a list.
#[derive(Clone, Copy)]
pub struct Part {
    /// The number of the page, from 1.
    pub page: usize,
    /// The number of pages.
    pub pages: usize,
    /// The number of rows on the page.
    pub rows: usize,
    /// The number of rows on all pages.
    pub all: usize,
}

/// The links; nothing when there is one page. `place` tells the two lists of links apart.
pub fn pager(part: Part, place: &str, address: impl Fn(usize) -> String) -> Markup {
    let Part { page, pages, rows, all } = part;
    let first = (page - 1) * ROWS;
    html! {
        @if pages > 1 {
            nav.pager aria-label={ "Pages, " (place) } data-key={ "pager-" (place) } {
                span.here {
                    (grouped(first + 1)) "–" (grouped(first + rows)) " of " (grouped(all))
                }
                " "
                @if page > 1 { a rel="prev" href=(address(page - 1)) { "‹ Previous" } }
                @else { span aria-disabled="true" { "‹ Previous" } }
                @for shown in window(page, pages) {
                    " "
                    @match shown {
                        Some(shown) if shown == page => {
                            a href=(address(shown)) aria-current="page" { (grouped(shown)) }
                        }
                        Some(shown) => { a href=(address(shown)) { (grouped(shown)) } }
                        None => span { "…" },
                    }
                }
                " "
                @if page < pages { a rel="next" href=(address(page + 1)) { "Next ›" } }
                @else { span aria-disabled="true" { "Next ›" } }
            }
        }
    }
}

/// The first page, the last one and those around the current one; `None` for a gap.
fn window(page: usize, pages: usize) -> Vec<Option<usize>> {
    let mut shown: Vec<Option<usize>> = Vec::new();
    let mut last = 0;
    for number in [1, 2, page - 1, page, page + 1, pages - 1, pages] {
        let is_edge = number == 1 || number == pages || number.abs_diff(page) <= 1;
        // One page alone takes no more room than the sign of a gap.
        let fills_a_gap = (number == 2 && page <= 4) || (number + 1 == pages && page + 3 >= pages);
        if number <= last || number > pages || !(is_edge || fills_a_gap) {
            continue;
        }
        if number > last + 1 {
            shown.push(None);
        }
        shown.push(Some(number));
        last = number;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_has_both_ends_and_the_neighbours_of_the_page() {
        let shown = |page, pages| {
            let numbers = window(page, pages).into_iter();
            let words: Vec<String> =
                numbers.map(|shown| shown.map_or("…".into(), |page| page.to_string())).collect();
            words.join(" ")
        };
        assert_eq!(shown(1, 30), "1 2 … 30");
        assert_eq!(shown(4, 30), "1 2 3 4 5 … 30");
        assert_eq!(shown(15, 30), "1 … 14 15 16 … 30");
        assert_eq!(shown(27, 30), "1 … 26 27 28 29 30");
        assert_eq!(shown(30, 30), "1 … 29 30");
        assert_eq!([shown(1, 2), shown(2, 2), shown(2, 3)], ["1 2", "1 2", "1 2 3"]);
    }
}
