//! Payloads seen as Rust values, where they lie.

mod view;

pub use crate::typed::view::{Message, View, ViewError, Viewable};
