//! Undoes the content codings of a body (RFC 9110, section 8.4): gzip and deflate.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

use crate::outcome::{Failure, malformed};

/// The most codings of one body, so that each body costs a bounded time. Further ones are unknown.
const MOST_CODINGS: usize = 4;

/// The longest name of a coding that a message shows.
const LONGEST_NAME: usize = 20;

/// How a body is encoded.
pub enum Coding {
    /// `gzip` or `x-gzip`.
    Gzip,
    /// `deflate`: with a zlib header as the standard says, or without as some servers send it.
    Deflate,
    /// A coding that credwatch cannot undo, with its name.
    Unknown(String),
}

/// The body has more bytes than it may have.
pub struct TooLarge;

impl Coding {
    /// The codings of a body in the order in which the server applied them. Their names have no
    /// case. `identity`, `none` and an empty name are no coding.
    pub fn of(headers: &HeaderMap) -> Vec<Self> {
        let lists = headers.get_all(header::CONTENT_ENCODING).iter();
        let names = lists.flat_map(|list| list.as_bytes().split(|byte| *byte == b','));
        let mut codings = Vec::new();
        for name in names.map(<[u8]>::trim_ascii) {
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            if name.is_empty() || is("identity") || is("none") {
                continue;
            }
            codings.push(if codings.len() == MOST_CODINGS {
                Self::Unknown("more than four".into())
            } else if is("gzip") || is("x-gzip") {
                Self::Gzip
            } else if is("deflate") {
                Self::Deflate
            } else {
                Self::Unknown(shown(name))
            });
            if codings.len() > MOST_CODINGS {
                break;
            }
        }
        codings
    }

    /// What to report when this coding cannot be undone.
    fn failure(&self) -> Failure {
        match self {
            Self::Gzip => malformed("not_gzip", "the answer says `gzip` but cannot be unpacked"),
            Self::Deflate => {
                malformed("not_deflate", "the answer says `deflate` but cannot be unpacked")
            }
            Self::Unknown(name) => {
                let message = format!(
                    "the answer has the content coding `{name}`, which credwatch does not ask for \
                     and cannot undo"
                );
                malformed("unknown_encoding", &message)
            }
        }
    }
}

/// A name of the provider as a message can show it.
fn shown(name: &[u8]) -> String {
    let characters = name.iter().take(LONGEST_NAME).map(|byte| char::from(*byte));
    characters.filter(|character| character.is_ascii_alphanumeric() || *character == '-').collect()
}

/// Undoes the codings. Where one cannot be undone, returns as much as possible, and the failure.
///
/// # Errors
/// When the body is larger than `most` bytes.
pub fn decode<'b>(
    body: &'b [u8],
    codings: &[Coding],
    most: usize,
) -> Result<(Cow<'b, [u8]>, Option<Failure>), TooLarge> {
    let (mut body, mut problem) = (Cow::Borrowed(body), None);
    for coding in codings.iter().rev() {
        if body.is_empty() {
            break;
        }
        let (bytes, is_whole) = match coding {
            Coding::Gzip => unpack(MultiGzDecoder::new(&*body), most)?,
            Coding::Deflate => match unpack(ZlibDecoder::new(&*body), most)? {
                (bytes, false) if bytes.is_empty() => unpack(DeflateDecoder::new(&*body), most)?,
                unpacked => unpacked,
            },
            Coding::Unknown(_) => (Vec::new(), false),
        };
        if !is_whole {
            problem = problem.or_else(|| Some(coding.failure()));
        }
        // Some servers name a coding and do not apply it.
        if is_whole || !bytes.is_empty() {
            body = Cow::Owned(bytes);
        }
    }
    Ok((body, problem))
}

/// The unpacked bytes up to the first fault, and whether there is none. gzip can have several
/// members (RFC 1952, section 2.2).
fn unpack(unpacking: impl Read, most: usize) -> Result<(Vec<u8>, bool), TooLarge> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let result = unpacking.take(limit).read_to_end(&mut bytes);
    if bytes.len() > most { Err(TooLarge) } else { Ok((bytes, result.is_ok())) }
}
