//! Tests of the views.

use waterwheel_ring::{Config, Lease, Ring};
use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes, Unaligned,
    little_endian::{U16, U32},
};

use super::{Message, View, ViewError, Viewable};

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Row {
    id: U32,
    count: U16,
}

#[derive(
    TryFromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug, PartialEq,
)]
#[repr(u8)]
enum Side {
    Buy = 1,
    Sell = 2,
}

#[derive(TryFromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Trade {
    side: Side,
    price: U32,
}

fn leased(headroom: usize, bytes: &[u8]) -> Lease {
    let mut config = Config::default();
    config.segment_count = 16;
    let mut lease = Ring::new(&config).unwrap().reserve(2).unwrap();
    lease.set_headroom(headroom);
    lease.append(bytes).unwrap();
    lease
}

fn refusal<T: Viewable + ?Sized>(bytes: &[u8]) -> ViewError {
    let (error, lease) = View::<T>::new(leased(0, bytes)).map(drop).unwrap_err();
    assert_eq!(lease.payload(), bytes, "the lease comes back as it was");
    error
}

#[test]
fn value_is_changed_in_place_at_any_address() {
    for headroom in 0..16 {
        let lease = leased(headroom, &[1, 0, 0, 0, 9, 0]);
        let address = lease.address();
        let mut row = View::<Row>::new(lease).unwrap();
        assert_eq!((row.id.get(), row.count.get()), (1, 9));
        row.count.set(0x1234);
        let lease = row.into_lease();
        assert_eq!(lease.payload(), [1, 0, 0, 0, 0x34, 0x12]);
        assert_eq!(lease.address(), address);
    }
}

#[test]
fn slice_has_as_many_records_as_fit() {
    for records in 0_u8..40 {
        let bytes: Vec<u8> = (0..records * 6).collect();
        let mut rows = View::<[Row]>::new(leased(3, &bytes)).unwrap();
        assert_eq!(rows.len(), usize::from(records));
        for row in rows.iter_mut() {
            row.count.set(7);
        }
        assert!(rows.into_lease().payload().chunks(6).all(|row| row[4..] == [7, 0]));
    }
}

#[test]
fn wrong_lengths_are_refused_with_sizes() {
    assert_eq!(refusal::<Row>(&[0; 5]), ViewError::Len { expected: 6, received: 5 });
    assert_eq!(refusal::<Row>(&[0; 12]), ViewError::Len { expected: 6, received: 12 });
    assert_eq!(refusal::<[Row]>(&[0; 13]), ViewError::Ragged { record_len: 6, received: 13 });
    assert_eq!(refusal::<Row>(&[]).to_string(), "expected 6 bytes, received 0");
    assert_eq!(refusal::<[Row]>(&[0]).to_string(), "expected records of 6 bytes, received 1");
}

#[test]
fn values_outside_the_type_are_refused() {
    for side in 0..=255 {
        let bytes = [side, 5, 0, 0, 0];
        if matches!(side, 1 | 2) {
            let mut trade = View::<Trade>::new(leased(1, &bytes)).unwrap();
            assert_eq!(trade.price.get(), 5);
            let (other, code) =
                if trade.side == Side::Buy { (Side::Sell, 2) } else { (Side::Buy, 1) };
            trade.side = other;
            assert_eq!(trade.side, other);
            assert_eq!(trade.into_lease().payload()[0], code);
        } else {
            assert_eq!(refusal::<Trade>(&bytes), ViewError::Value);
        }
    }
}

#[test]
fn one_trait_bounds_values_and_slices() {
    fn payload_len<T: Viewable + ?Sized>(bytes: &[u8]) -> usize {
        View::<T>::new(leased(0, bytes)).unwrap().payload_len()
    }
    assert_eq!(payload_len::<Row>(&[0; 6]), 6);
    assert_eq!(payload_len::<[u8]>(&[0; 5]), 5);
    assert_eq!(payload_len::<[u8; 4]>(&[0; 4]), 4);
}

#[test]
fn native_types_are_shifted_to_their_alignment() {
    for headroom in 0..32 {
        let lease = leased(headroom, &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        let mut numbers = View::<[u64]>::new(lease).unwrap();
        assert_eq!(*numbers, [1_u64.to_le(), 2_u64.to_le()]);
        numbers[1] = 3_u64.to_le();
        let lease = numbers.into_lease();
        assert_eq!((lease.len(), lease.payload()[8], lease.address() % 8), (16, 3, 0));
    }
}

#[test]
fn payload_without_room_for_its_alignment_is_refused() {
    let mut before = leased(0, &[0; 9]);
    let middle = before.split_off(1);
    // The tailroom behind it still gives way.
    assert!(View::<u64>::new(middle).is_ok());
    let mut before = leased(0, &[0; 10]);
    let mut middle = before.split_off(1);
    let _behind = middle.split_off(8);
    let (error, lease) = View::<u64>::new(middle).map(drop).unwrap_err();
    assert_eq!((error, lease.len()), (ViewError::Alignment, 8));
}

#[test]
fn message_is_a_head_and_the_records_behind_it() {
    for records in 0_u8..20 {
        let bytes: Vec<u8> = (0..6 + records * 2).collect();
        let mut message = View::<Message<Row, U16>>::new(leased(5, &bytes)).unwrap();
        assert_eq!(message.tail.len(), usize::from(records));
        message.head.count.set(0);
        for record in &mut message.tail {
            record.set(9);
        }
        let lease = message.into_lease();
        assert_eq!(lease.payload()[..6], [0, 1, 2, 3, 0, 0]);
        assert!(lease.payload()[6..].chunks(2).all(|record| record == [9, 0]));
    }
    let refused = |len| refusal::<Message<Row, U16>>(&vec![0; len]);
    assert_eq!(refused(5), ViewError::Head { head_len: 6, received: 5 });
    assert_eq!(refused(9), ViewError::Ragged { record_len: 2, received: 3 });
}

#[test]
fn debug_text_shows_no_bytes() {
    let view = View::<[u8]>::new(leased(0, b"secret")).unwrap();
    assert!(!format!("{view:?}").contains("115"), "the text is geometry alone");
}
