//! When the bytes of a lease are zeroed.

/// When the bytes of a lease are zeroed.
///
/// Neither choice lets a lease read what an earlier one wrote. Wiping is the second line: it leaves
/// nothing behind for a fault elsewhere to reveal.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wipe {
    /// What a lease has written is zeroed when it is released, on the thread that releases it.
    #[default]
    OnRelease,
    /// Released bytes stay until they are written over.
    Never,
}
