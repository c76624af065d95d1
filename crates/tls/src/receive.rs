//! From received records to plaintext in one run.

use std::convert::Infallible;

use waterwheel_ring::{Full, Inbound, Ring};

use crate::fault::Fault;
use crate::record::{Front, HEADER_LEN, Opened, RecordLayer, front};
use crate::session::Received;

/// Opens every whole record in `sealed`, adding contents to `plain`.
#[inline]
pub(crate) fn open_all<L: RecordLayer>(
    layer: &mut L,
    ring: &Ring,
    sealed: &mut Inbound,
    plain: &mut Inbound,
    room: usize,
) -> Result<Received, Fault> {
    loop {
        let len = match front(sealed.bytes(), layer.record_len_max()) {
            Front::Whole(len) => len,
            Front::Partial(_) if sealed.is_empty() => return Ok(Received::Await { room: 0 }),
            Front::Partial(room) => return Ok(Received::Await { room }),
            Front::TooLong => return Err(refuse_header(layer, sealed, Fault::RecordOverflow)),
            Front::Malformed => return Err(refuse_header(layer, sealed, Fault::UnexpectedMessage)),
        };
        let opened = if len == sealed.len() && plain.is_empty() {
            open_alone(layer, ring, sealed, plain, len)
        } else {
            open_behind(layer, ring, sealed, plain, room, len)
        };
        match opened {
            Ok(Ok(Opened::Closed)) => {
                sealed.consume(sealed.len());
                return Ok(Received::Closed);
            }
            Ok(Ok(_)) => {}
            Ok(Err(fault)) => return Err(refuse(sealed, fault)),
            Err(Full { .. }) => return Ok(Received::Starved),
        }
    }
}

/// Opens the only record there is where it lies. Its run becomes that of the plaintext.
#[inline]
fn open_alone<L: RecordLayer>(
    layer: &mut L,
    ring: &Ring,
    sealed: &mut Inbound,
    plain: &mut Inbound,
    len: usize,
) -> Result<Result<Opened, Fault>, Full> {
    let mut record = sealed.claim_front(ring, len, len)?;
    let opened = layer.open(record.payload_mut());
    if let Ok(Opened::Data { start, len }) = opened {
        record.truncate(start + len);
        record.advance(start);
        *plain = Inbound::from(record);
    } else {
        record.recycle(0);
        *sealed = Inbound::from(record);
    }
    Ok(opened)
}

/// Opens a record to behind the plaintext there is: decrypting is the move.
#[inline]
fn open_behind<L: RecordLayer>(
    layer: &mut L,
    ring: &Ring,
    sealed: &mut Inbound,
    plain: &mut Inbound,
    room: usize,
    len: usize,
) -> Result<Result<Opened, Fault>, Full> {
    // Everything that was received fits behind, so that the run grows once.
    let reach = room.max(plain.len() + sealed.len());
    let body_len = len - HEADER_LEN;
    let record = &mut sealed.bytes_mut()[..len];
    let mut opened = None;
    let (_, offered) = plain.receive(ring, reach, 0, |target| {
        if target.len() < body_len {
            return Ok::<usize, Infallible>(0);
        }
        let result = opened.insert(layer.open_into(record, target));
        Ok(match result {
            Ok(Opened::Data { len, .. }) => *len,
            _ => 0,
        })
    })?;
    let opened = match opened {
        Some(opened) => opened,
        None => open_beside(layer, ring, record, plain, offered)?,
    };
    sealed.consume(len);
    Ok(opened)
}

/// Opens a record where it lies and copies the content to parked plaintext, which takes `step`
/// bytes at a time: rare, since a connection is parked for being slow.
#[cold]
fn open_beside<L: RecordLayer>(
    layer: &mut L,
    ring: &Ring,
    record: &mut [u8],
    plain: &mut Inbound,
    step: usize,
) -> Result<Result<Opened, Fault>, Full> {
    let opened = layer.open(record);
    if let Ok(Opened::Data { start, len }) = opened {
        for part in record[start..start + len].chunks(step.max(1)) {
            let (_, _) = plain.receive(ring, 0, 0, |target| {
                target[..part.len()].copy_from_slice(part);
                Ok::<usize, Infallible>(part.len())
            })?;
        }
        ring.count_copy(len);
    }
    Ok(opened)
}

/// Shows the layer a header that is none, so that one with alerts of its own has the right one.
#[cold]
fn refuse_header<L: RecordLayer>(layer: &mut L, sealed: &mut Inbound, fault: Fault) -> Fault {
    let _ = layer.open(&mut sealed.bytes_mut()[..HEADER_LEN]);
    refuse(sealed, fault)
}

/// A connection whose bytes make no sense keeps none of them.
#[cold]
fn refuse(sealed: &mut Inbound, fault: Fault) -> Fault {
    sealed.bytes_mut().fill(0);
    sealed.consume(sealed.len());
    fault
}
