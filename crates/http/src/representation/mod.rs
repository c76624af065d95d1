//! What a request may ask of content that has a version: is it still the one that I have, and give
//! me this part of it (RFC 9110 §8.8, §13, §14).
//!
//! Pure functions of a head and of what is known of the content: where that lies is nobody's
//! concern here.
//!
//! ```
//! use waterwheel_http::representation::{EntityTag, Ranges, Validators, Verdict, Wishes};
//!
//! let validators = Validators::new(EntityTag::strong("v1"), None);
//! let wishes = Wishes::of_get([("if-none-match", b"\"v1\"".as_slice())]);
//! assert_eq!(wishes.judge(&validators), Verdict::NotModified);
//!
//! let wishes = Wishes::of_get([("range", b"bytes=2-3,-1".as_slice())]);
//! assert_eq!(wishes.judge(&validators), Verdict::Send);
//! assert_eq!(wishes.ranges(&validators, 10), Ranges::Parts(vec![2..4, 9..10]));
//! ```

mod entity_tag;
mod media_type;
mod multipart;
mod preference;
mod range;
mod wishes;

pub use entity_tag::EntityTag;
pub use media_type::media_type;
pub use multipart::{Multipart, content_range};
pub use preference::Preference;
pub use range::{RANGES_MAX, Ranges};
pub use wishes::{Validators, Verdict, Wishes};
