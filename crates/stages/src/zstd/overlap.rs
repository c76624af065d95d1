//! Decompression over the compressed bytes themselves. Here is all the unsafe code of the codec.

use std::fmt;
use std::ptr::NonNull;

use zstd_safe::zstd_sys::{
    ZSTD_DCtx, ZSTD_createDCtx, ZSTD_decompressDCtx, ZSTD_freeDCtx, ZSTD_isError,
};

/// A context of the library that is used for whole bodies only.
pub(super) struct Overlapping {
    context: NonNull<ZSTD_DCtx>,
}

impl Overlapping {
    /// Makes a context; `None` when there is no memory for it.
    pub(super) fn new() -> Option<Self> {
        // SAFETY: the call has no conditions; it returns a context of our own, or null.
        let context = unsafe { ZSTD_createDCtx() };
        NonNull::new(context).map(|context| Self { context })
    }

    /// Decompresses the last `source_len` bytes of `window` to its start and returns the length of
    /// the result, which is at most `len_max`. Afterwards all of the window is unspecified but for
    /// the result.
    ///
    /// The frames decompress right when between the end of their content and the end of the window
    /// there is the margin of their [`Survey`](super::frame::Survey). With less they fail or give
    /// wrong bytes, and never leave the window.
    ///
    /// # Errors
    /// The library's error code.
    ///
    /// # Panics
    /// When the window is shorter than `source_len` or `len_max`.
    pub(super) fn decompress(
        &mut self,
        window: &mut [u8],
        source_len: usize,
        len_max: usize,
    ) -> Result<usize, usize> {
        assert!(source_len <= window.len() && len_max <= window.len(), "both lie in the window");
        let target = window.as_mut_ptr();
        // SAFETY: the source is the window's last `source_len` bytes; the offset is inside it.
        let source = unsafe { target.add(window.len() - source_len) };
        // SAFETY: the context is live and used by nobody else, which `&mut self` says. Both ranges
        // lie in the window, which is initialised and lent to this call alone; both pointers are
        // derived from the same borrow, and no reference to the bytes is used while it runs. The
        // library allows the two to overlap in this order and, whatever the bytes, writes to
        // `target..target + len_max` and reads the source only.
        let code = unsafe {
            ZSTD_decompressDCtx(
                self.context.as_ptr(),
                target.cast(),
                len_max,
                source.cast_const().cast(),
                source_len,
            )
        };
        // SAFETY: the call has no conditions.
        if unsafe { ZSTD_isError(code) } == 0 { Ok(code) } else { Err(code) }
    }
}

impl Drop for Overlapping {
    fn drop(&mut self) {
        // SAFETY: the context came from `ZSTD_createDCtx` and is used no more.
        unsafe { ZSTD_freeDCtx(self.context.as_ptr()) };
    }
}

impl fmt::Debug for Overlapping {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Overlapping")
    }
}
