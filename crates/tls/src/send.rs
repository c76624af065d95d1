//! From queued plaintext to records: which bytes become one record, and where it is sealed.

use std::io::IoSlice;

use waterwheel_ring::{Lease, Ring, Runs};

use crate::fault::Fault;
use crate::record::{CONTENT_LEN_MAX, RecordLayer};

/// Seals all of `plain` behind `sealed`. Returns false when the ring is full before the end, or
/// enough is sealed.
#[inline]
pub(crate) fn seal_all<L: RecordLayer>(
    layer: &mut L,
    ring: &Ring,
    plain: &mut Runs,
    sealed: &mut Runs,
) -> Result<bool, Fault> {
    while let Some(front) = plain.front() {
        if sealed.len() >= SEALED_AHEAD_MAX {
            return Ok(false);
        }
        let (front_len, is_last) = (front.len(), front.len() == plain.len());
        let short_len = short_len_max(layer, ring);
        layer.flush(ring, sealed)?;
        if !is_last && front_len < short_len {
            seal_gathered(layer, ring, plain, sealed, short_len)?;
        } else if let Some(lease) = plain.pop_lease_if(|lease| has_room(layer, lease)) {
            sealed.push(seal_lease(layer, lease)?);
        } else if front_len <= short_len {
            seal_short(layer, ring, plain, sealed)?;
        } else if !seal_long(layer, ring, plain, sealed)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Most content of a record that takes one segment.
fn short_len_max<L: RecordLayer>(layer: &L, ring: &Ring) -> usize {
    ring.segment_len().saturating_sub(layer.room().sum()).clamp(1, CONTENT_LEN_MAX)
}

/// Whether a lease can become a record where it lies.
fn has_room<L: RecordLayer>(layer: &L, lease: &Lease) -> bool {
    let room = layer.room();
    lease.len() <= CONTENT_LEN_MAX && lease.headroom() >= room.head && lease.tailroom() >= room.tail
}

/// One record, sealed in the lease itself.
#[inline]
fn seal_lease<L: RecordLayer>(layer: &mut L, mut lease: Lease) -> Result<Lease, Fault> {
    let room = layer.room();
    let grown = lease.grow_front(room.head).and_then(|()| lease.grow_back(room.tail));
    grown.map_err(|_| Fault::Internal)?;
    let len = layer.seal(lease.payload_mut())?;
    lease.truncate(len);
    Ok(lease)
}

/// One record of the first piece, sealed to behind the last one. It goes to the heap when the ring
/// is full: a short reply is better sent than remembered.
#[inline]
fn seal_short<L: RecordLayer>(
    layer: &mut L,
    ring: &Ring,
    plain: &mut Runs,
    sealed: &mut Runs,
) -> Result<(), Fault> {
    let Some(front) = plain.front() else { return Ok(()) };
    place(layer, ring, front, sealed)?;
    let len = front.len();
    plain.consume(len);
    Ok(())
}

/// One record of several short pieces, a head and its body for example. They are copied together
/// first: an AEAD takes its input in one piece.
#[cold]
fn seal_gathered<L: RecordLayer>(
    layer: &mut L,
    ring: &Ring,
    plain: &mut Runs,
    sealed: &mut Runs,
    short_len: usize,
) -> Result<(), Fault> {
    let mut gathered = [0; GATHERED_LEN_MAX];
    let gathered = &mut gathered[..short_len.min(GATHERED_LEN_MAX)];
    let mut slices = [IoSlice::new(&[]); Runs::IO_SLICES_MAX];
    let count = plain.io_slices(&mut slices);
    let mut len = 0;
    for slice in &slices[..count] {
        let part = slice.len().min(gathered.len() - len);
        gathered[len..len + part].copy_from_slice(&slice[..part]);
        len += part;
    }
    place(layer, ring, &gathered[..len], sealed)?;
    ring.count_copy(len);
    plain.consume(len);
    Ok(())
}

#[inline]
fn place<L: RecordLayer>(
    layer: &mut L,
    ring: &Ring,
    content: &[u8],
    sealed: &mut Runs,
) -> Result<(), Fault> {
    let len = layer.sealed_len(content)?;
    let mut outcome = Err(Fault::Internal);
    sealed.place(ring, len, |target| outcome = layer.seal_into(content, target));
    outcome.map(|_| ())
}

/// The first piece, as far as one run reaches, in records as long as they may be: into a run for
/// all of them, or into a single segment when the ring has no such run. Returns false when it has
/// none at all.
fn seal_long<L: RecordLayer>(
    layer: &mut L,
    ring: &Ring,
    plain: &mut Runs,
    sealed: &mut Runs,
) -> Result<bool, Fault> {
    let Some(front) = plain.front() else { return Ok(true) };
    let around = layer.room().sum();
    let content = &front[..front.len().min(RECORDS_PER_RUN * CONTENT_LEN_MAX)];
    let record_count = content.len().div_ceil(CONTENT_LEN_MAX);
    let (mut run, content) = match ring.reserve_bytes(content.len() + record_count * around) {
        Ok(run) => (run, content),
        Err(_) => match ring.reserve(1) {
            Ok(run) => (run, &content[..content.len().min(short_len_max(layer, ring))]),
            Err(_) => return Ok(false),
        },
    };
    for part in content.chunks(CONTENT_LEN_MAX) {
        run.append_with(|target| layer.seal_into(part, target))?;
    }
    let len = content.len();
    sealed.push(run);
    plain.consume(len);
    Ok(true)
}

/// Bytes queued beyond which nothing more is sealed: they take room beside their plaintext, and the
/// first of them can be on their way before the last are sealed. What a socket takes at once.
const SEALED_AHEAD_MAX: usize = 256 * 1024;

/// Records of a run: 64 KiB, what a connection may be sent in a turn.
const RECORDS_PER_RUN: usize = 4;

/// The stack that gathering takes: a page, which a segment is unless it was configured.
const GATHERED_LEN_MAX: usize = 4096;
