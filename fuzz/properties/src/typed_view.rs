//! A view exists for exactly the payloads that hold the type, and what is written through it is
//! what its lease then holds.

use waterwheel_stages::typed::{View, ViewError, Viewable};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes, Unaligned};

use crate::site;

/// A record that allows every pattern of bits.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Row {
    id: U64,
    quantity: U32,
    flags: [u8; 3],
}

/// A value with patterns that its type does not have.
#[derive(Debug, TryFromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Order {
    length: U16,
    urgent: bool,
    side: Side,
}

#[derive(Clone, Copy, Debug, TryFromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(u8)]
enum Side {
    Buy = 1,
    Sell = 7,
}

/// See the module.
pub fn typed_view(data: &[u8]) {
    rows(data);
    let head = data.first_chunk::<ORDER_LEN>();
    let is_order = |bytes: &[u8]| bytes[2] <= 1 && matches!(bytes[3], 1 | 7);
    order(data, data.len() == ORDER_LEN && is_order(data));
    if let Some(head) = head {
        order(head, is_order(head));
    }
}

fn rows(data: &[u8]) {
    let len = size_of::<Row>();
    match view::<[Row]>(data) {
        Ok(mut rows) => {
            assert_eq!(rows.len() * len, data.len());
            for row in rows.iter_mut() {
                row.id = U64::new(!row.id.get());
                row.flags.reverse();
            }
            let mut expected = data.to_vec();
            for row in expected.chunks_exact_mut(len) {
                row[..8].iter_mut().for_each(|byte| *byte = !*byte);
                row[12..].reverse();
            }
            assert_eq!(rows.into_lease().payload(), expected);
        }
        Err(error) => {
            assert_eq!(error, ViewError::Ragged { record_len: len, received: data.len() });
            assert!(!data.len().is_multiple_of(len));
        }
    }
}

fn order(data: &[u8], is_order: bool) {
    match view::<Order>(data) {
        Ok(mut order) => {
            assert!(is_order);
            assert_eq!(order.length.get(), u16::from_le_bytes([data[0], data[1]]));
            order.urgent = !order.urgent;
            order.side = match order.side {
                Side::Buy => Side::Sell,
                Side::Sell => Side::Buy,
            };
            let expected = [data[0], data[1], data[2] ^ 1, data[3] ^ 6];
            assert_eq!(order.into_lease().payload(), expected);
        }
        Err(ViewError::Len { expected, received }) => {
            assert_eq!((expected, received), (ORDER_LEN, data.len()));
            assert_ne!(received, ORDER_LEN);
        }
        Err(error) => assert!(error == ViewError::Value && !is_order, "{error:?}"),
    }
}

/// A refused payload comes back as it was.
fn view<T: Viewable + ?Sized>(data: &[u8]) -> Result<View<T>, ViewError> {
    View::new(site::lease(data, 0, 0)).map_err(|(error, lease)| {
        assert_eq!(lease.payload(), data);
        error
    })
}

const ORDER_LEN: usize = 4;
