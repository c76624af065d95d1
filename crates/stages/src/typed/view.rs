//! A lease whose payload is known to be a value, or a list of records.

use std::{
    error::Error,
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use waterwheel_ring::Lease;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes, Unaligned};

/// An owned payload that reads and writes as a `T`, without a copy.
///
/// `T` is a value, a slice `[R]` of records when the payload holds a number of them, or a
/// [`Message`] of a head and records behind it. Types are free of padding. Built from bytes and the
/// fixed-endian integers of `zerocopy` they are `Unaligned`, and a view starts wherever the payload
/// does. A type with native numbers has the byte order of this machine and an alignment: a payload
/// that starts elsewhere is shifted by a few bytes into the room beside it, which the ring counts
/// as a copy.
///
/// ```
/// use waterwheel_ring::{Config, Ring};
/// use waterwheel_stages::typed::View;
/// use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, little_endian::U32};
///
/// #[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
/// #[repr(C)]
/// struct Order {
///     id: U32,
///     quantity: U32,
/// }
///
/// let ring = Ring::new(&Config::default())?;
/// let mut lease = ring.reserve(1)?;
/// lease.append(&[7, 0, 0, 0, 200, 0, 0, 0])?;
///
/// let mut order = View::<Order>::new(lease).map_err(|(error, _)| error)?;
/// let allowed = order.quantity.get().min(100);
/// order.quantity.set(allowed);
/// assert_eq!(order.into_lease().payload(), [7, 0, 0, 0, 100, 0, 0, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct View<T: Viewable + ?Sized> {
    lease: Lease,
    // The lease owns bytes, not a `T`; nothing of type `T` is ever dropped.
    viewed: PhantomData<fn() -> *const T>,
}

/// Why a payload is not the value asked for. Always the peer's fault: answer 400; the connection
/// survives.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewError {
    /// A value has one length, and the payload has another.
    Len {
        /// Bytes in the value.
        expected: usize,
        /// Bytes in the payload.
        received: usize,
    },
    /// The payload is no whole number of records.
    Ragged {
        /// Bytes in a record.
        record_len: usize,
        /// Bytes in the payload.
        received: usize,
    },
    /// The payload is shorter than the head of a message.
    Head {
        /// Bytes in the head.
        head_len: usize,
        /// Bytes in the payload.
        received: usize,
    },
    /// The length fits, but the type has no value with these bits.
    Value,
    /// The payload starts at an address that the type does not allow, and has no room beside it to
    /// be shifted. Nobody's fault: take a copy, or a type that is `Unaligned`.
    Alignment,
}

/// A head, and as many records as are behind it.
///
/// Both have to be `Unaligned`, so that nothing lies between them. For another shape, derive
/// `zerocopy`'s traits for a type of your own and view its bytes.
///
/// ```
/// use waterwheel_ring::{Config, Ring};
/// use waterwheel_stages::typed::{Message, View};
/// use zerocopy::little_endian::{U16, U32};
///
/// let ring = Ring::new(&Config::default())?;
/// let mut lease = ring.reserve(1)?;
/// lease.append(&[7, 0, 0, 0, 1, 0, 2, 0, 3, 0])?;
///
/// let message = View::<Message<U32, U16>>::new(lease).map_err(|(error, _)| error)?;
/// assert_eq!(message.head.get(), 7);
/// assert_eq!(message.tail.iter().map(|record| record.get()).sum::<u16>(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(clippy::exhaustive_structs, reason = "its fields are what a message is")]
#[derive(Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Message<H, R> {
    /// What comes first.
    pub head: H,
    /// What follows it, to the end of the payload.
    pub tail: [R],
}

/// Types that a payload can be seen as: values, slices of records, and messages of both.
///
/// - A value `T` is `TryFromBytes`. Types that allow every bit pattern (`FromBytes`) cost a compare
///   of lengths per dereference; others (with a `bool` or an `enum`) are checked again each time.
/// - The records of a slice `[T]` are `FromBytes`, so that `view[i]` in a loop stays cheap; so are
///   both parts of a [`Message`].
///
/// Sealed: these are all there are.
pub trait Viewable: sealed::Sealed {
    /// The alignment of the value: what its first byte's address must be a multiple of.
    const ALIGN: usize;

    /// Checks that the bytes are such a value.
    ///
    /// # Errors
    /// See [`ViewError`].
    fn check(bytes: &[u8]) -> Result<(), ViewError>;

    /// The bytes as the value; `None` when they are none.
    fn view(bytes: &[u8]) -> Option<&Self>;

    /// The bytes as the value, to be changed; `None` when they are none. Whatever is written, the
    /// bytes stay such a value.
    fn view_mut(bytes: &mut [u8]) -> Option<&mut Self>;
}

impl<T: Viewable + ?Sized> View<T> {
    /// Takes a lease whose whole payload is a `T`.
    ///
    /// # Errors
    /// [`ViewError`], with the lease unchanged.
    #[inline]
    pub fn new(mut lease: Lease) -> Result<Self, (ViewError, Lease)> {
        if T::ALIGN > 1
            && let Err(error) = align(&mut lease, T::ALIGN)
        {
            return Err((error, lease));
        }
        match T::check(lease.payload()) {
            Ok(()) => Ok(Self { lease, viewed: PhantomData }),
            Err(error) => Err((error, lease)),
        }
    }

    /// The lease, its payload as it was last written.
    #[inline]
    #[must_use]
    pub fn into_lease(self) -> Lease {
        self.lease
    }

    /// Bytes in the payload.
    #[inline]
    #[must_use]
    pub fn payload_len(&self) -> usize {
        self.lease.len()
    }
}

impl<T: Viewable + ?Sized> Deref for View<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        T::view(self.lease.payload()).expect(CHECKED)
    }
}

impl<T: Viewable + ?Sized> DerefMut for View<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        T::view_mut(self.lease.payload_mut()).expect(CHECKED)
    }
}

impl<T: Viewable + ?Sized> fmt::Debug for View<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("View").field(&self.lease).finish()
    }
}

impl<T> Viewable for T
where
    T: TryFromBytes + IntoBytes + KnownLayout + Immutable,
{
    const ALIGN: usize = align_of::<T>();

    #[inline]
    fn check(bytes: &[u8]) -> Result<(), ViewError> {
        if bytes.len() != size_of::<T>() {
            return Err(ViewError::Len { expected: size_of::<T>(), received: bytes.len() });
        }
        T::try_ref_from_bytes(bytes).map(drop).map_err(|_| ViewError::Value)
    }

    #[inline]
    fn view(bytes: &[u8]) -> Option<&Self> {
        T::try_ref_from_bytes(bytes).ok()
    }

    #[inline]
    fn view_mut(bytes: &mut [u8]) -> Option<&mut Self> {
        T::try_mut_from_bytes(bytes).ok()
    }
}

impl<T> Viewable for [T]
where
    T: FromBytes + IntoBytes + KnownLayout + Immutable,
{
    const ALIGN: usize = align_of::<T>();

    #[inline]
    fn check(bytes: &[u8]) -> Result<(), ViewError> {
        const { assert!(size_of::<T>() > 0, "a record has at least one byte") }
        if bytes.len().is_multiple_of(size_of::<T>()) {
            Ok(())
        } else {
            Err(ViewError::Ragged { record_len: size_of::<T>(), received: bytes.len() })
        }
    }

    #[inline]
    fn view(bytes: &[u8]) -> Option<&Self> {
        Self::ref_from_bytes(bytes).ok()
    }

    #[inline]
    fn view_mut(bytes: &mut [u8]) -> Option<&mut Self> {
        Self::mut_from_bytes(bytes).ok()
    }
}

impl<H, R> Viewable for Message<H, R>
where
    H: FromBytes + IntoBytes + KnownLayout + Immutable + Unaligned,
    R: FromBytes + IntoBytes + KnownLayout + Immutable + Unaligned,
{
    const ALIGN: usize = 1;

    #[inline]
    fn check(bytes: &[u8]) -> Result<(), ViewError> {
        match bytes.get(size_of::<H>()..) {
            Some(tail) => <[R]>::check(tail),
            None => Err(ViewError::Head { head_len: size_of::<H>(), received: bytes.len() }),
        }
    }

    #[inline]
    fn view(bytes: &[u8]) -> Option<&Self> {
        Self::ref_from_bytes(bytes).ok()
    }

    #[inline]
    fn view_mut(bytes: &mut [u8]) -> Option<&mut Self> {
        Self::mut_from_bytes(bytes).ok()
    }
}

/// Shifts the payload to an address that is a multiple of `align`: to the front when there is room,
/// else to the back.
fn align(lease: &mut Lease, align: usize) -> Result<(), ViewError> {
    let front = lease.address() % align;
    if front == 0 {
        return Ok(());
    }
    let len = lease.len();
    if lease.grow_front(front).is_ok() {
        lease.copy_within(front..front + len, 0);
        lease.truncate(len);
        return Ok(());
    }
    let back = align - front;
    lease.grow_back(back).map_err(|_| ViewError::Alignment)?;
    lease.copy_within(0..len, back);
    lease.advance(back);
    Ok(())
}

impl fmt::Display for ViewError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Len { expected, received } => {
                write!(formatter, "expected {expected} bytes, received {received}")
            }
            Self::Ragged { record_len, received } => {
                write!(formatter, "expected records of {record_len} bytes, received {received}")
            }
            Self::Head { head_len, received } => {
                write!(formatter, "expected a head of {head_len} bytes, received {received}")
            }
            Self::Alignment => formatter.write_str("the payload cannot be aligned where it lies"),
            Self::Value => formatter.write_str("a field has a value that its type does not have"),
        }
    }
}

impl Error for ViewError {}

mod sealed {
    use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes};

    #[expect(unnameable_types, reason = "no other crate adds kinds of views")]
    pub trait Sealed {}

    impl<T: TryFromBytes + IntoBytes + KnownLayout + Immutable> Sealed for T {}
    impl<T: FromBytes + IntoBytes + KnownLayout + Immutable> Sealed for [T] {}
    impl<H, R> Sealed for super::Message<H, R> {}
}

/// Length, value and alignment are checked when the view is made, and a payload never moves. From
/// then on it is written to through the value alone, so it always holds one, and its length never
/// changes.
const CHECKED: &str = "checked when the view was made";

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
