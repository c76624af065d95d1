//! The state of the layer and what becomes of a record's content once it is authentic.

use std::fmt;

use rustls::ExtractedSecrets;
use waterwheel_ring::{Ring, Runs};

use super::key::{Cipher, Direction, TAIL_LEN};
use crate::aside::TrafficSecret;
use crate::fault::Fault;
use crate::record::{
    ALERT, Alert, HANDSHAKE, HEADER_LEN, KEY_UPDATES_MAX, Opened, RECORD_LEN_MAX, RecordLayer,
    Room, WARNINGS_MAX,
};

/// The record layer of one TLS 1.3 connection after its handshake.
pub(crate) struct InPlace {
    pub(super) inbound: Direction,
    pub(super) outbound: Direction,
    /// Bytes received of a KeyUpdate that is split over records.
    partial_len: u8,
    /// Records in a row without content.
    pub(super) empty_count: u8,
    /// KeyUpdates since the last application data.
    key_update_count: u8,
    warning_count: u8,
    /// The peer has asked for new keys from us and has not got them yet. Asking again before that
    /// changes nothing, so that a flood of requests is answered once a flush.
    owes_key_update: bool,
}

impl InPlace {
    /// Takes over from rustls: which cipher, and how many records it has opened and sealed.
    pub(crate) fn new(
        keys: &ExtractedSecrets,
        inbound: TrafficSecret,
        outbound: TrafficSecret,
    ) -> Result<Self, Fault> {
        let ((opened, keys_in), (sealed, keys_out)) = (&keys.rx, &keys.tx);
        Ok(Self::over(
            Direction::new(Cipher::of(keys_in)?, *opened, inbound)?,
            Direction::new(Cipher::of(keys_out)?, *sealed, outbound)?,
        ))
    }

    fn over(inbound: Direction, outbound: Direction) -> Self {
        Self {
            inbound,
            outbound,
            partial_len: 0,
            empty_count: 0,
            key_update_count: 0,
            warning_count: 0,
            owes_key_update: false,
        }
    }

    /// Application data came: what was counted against floods starts anew.
    pub(super) fn note_data(&mut self) -> Result<(), Fault> {
        self.key_update_count = 0;
        self.refuse_within_message()
    }

    /// RFC 8446 §5.1: no other record comes between the parts of a handshake message.
    pub(super) const fn refuse_within_message(&self) -> Result<(), Fault> {
        if self.partial_len == 0 { Ok(()) } else { Err(Fault::UnexpectedMessage) }
    }

    /// RFC 8446 §6: the level says nothing, and every alert but two ends the connection.
    pub(super) fn take_alert(&mut self, content: &[u8]) -> Result<Opened, Fault> {
        self.refuse_within_message()?;
        let &[_, code] = content else { return Err(Fault::Decode) };
        match code {
            CLOSE_NOTIFY => Ok(Opened::Closed),
            USER_CANCELED if self.warning_count < WARNINGS_MAX => {
                self.warning_count += 1;
                Ok(Opened::Control)
            }
            USER_CANCELED => Err(Fault::Flood),
            code => Err(Fault::Alert(code)),
        }
    }

    /// A client has only one handshake message to send now, KeyUpdate, since neither tickets nor
    /// certificates are asked of it (RFC 8446 §4.6). Each must end its record, because the next
    /// record has other keys (§5.1).
    pub(super) fn take_handshake(&mut self, content: &[u8]) -> Result<Opened, Fault> {
        for (index, byte) in content.iter().enumerate() {
            match (self.partial_len, byte) {
                (0, &KEY_UPDATE) => self.partial_len = 1,
                (0, _) => return Err(Fault::UnexpectedMessage),
                (REQUEST_AT.., &request) => {
                    self.partial_len = 0;
                    if index + 1 < content.len() {
                        return Err(Fault::UnexpectedMessage);
                    }
                    return self.take_key_update(request);
                }
                (at, byte) if *byte == u8::from(at + 1 == REQUEST_AT) => {
                    self.partial_len += 1;
                }
                _ => return Err(Fault::Decode),
            }
        }
        Ok(Opened::Control)
    }

    fn take_key_update(&mut self, request: u8) -> Result<Opened, Fault> {
        if request > UPDATE_REQUESTED {
            return Err(Fault::IllegalParameter);
        }
        if self.key_update_count == KEY_UPDATES_MAX {
            return Err(Fault::Flood);
        }
        self.key_update_count += 1;
        self.owes_key_update |= request == UPDATE_REQUESTED;
        self.inbound.update()?;
        Ok(Opened::Control)
    }

    /// Seals a short record of the protocol's own behind what is queued.
    fn queue(
        &mut self,
        ring: &Ring,
        out: &mut Runs,
        content_type: u8,
        content: &[u8],
    ) -> Result<(), Fault> {
        let mut sealed = Err(Fault::Internal);
        out.place(ring, content.len() + ROOM.sum(), |target| {
            sealed = self.seal_record(content_type, content, target);
        });
        sealed.map(|_| ())
    }

    /// With secrets that everybody knows, for fuzzing: a handshake for each input would take most
    /// of the time.
    #[cfg(feature = "testing")]
    pub(crate) fn open_to_all() -> Result<Self, Fault> {
        Ok(Self::over(super::sealer::direction(1)?, super::sealer::direction(2)?))
    }

    /// Pretends that so many records were sealed.
    #[cfg(feature = "testing")]
    pub(crate) fn skip_to(&mut self, sequence: u64) {
        self.outbound.skip_to(sequence);
    }
}

impl RecordLayer for InPlace {
    #[inline]
    fn room(&self) -> Room {
        ROOM
    }

    #[inline]
    fn record_len_max(&self) -> usize {
        RECORD_LEN_MAX
    }

    #[inline]
    fn open(&mut self, record: &mut [u8]) -> Result<Opened, Fault> {
        self.open_record(record)
    }

    #[inline]
    fn open_into(&mut self, record: &mut [u8], target: &mut [u8]) -> Result<Opened, Fault> {
        self.open_record_into(record, target)
    }

    #[inline]
    fn seal(&mut self, window: &mut [u8]) -> Result<usize, Fault> {
        self.seal_window(window)
    }

    #[inline]
    fn sealed_len(&mut self, payload: &[u8]) -> Result<usize, Fault> {
        Ok(payload.len() + ROOM.sum())
    }

    #[inline]
    fn seal_into(&mut self, payload: &[u8], target: &mut [u8]) -> Result<usize, Fault> {
        self.seal_record(crate::record::APPLICATION_DATA, payload, target)
    }

    #[inline]
    fn flush(&mut self, ring: &Ring, out: &mut Runs) -> Result<(), Fault> {
        if !self.owes_key_update && !self.outbound.is_spent() {
            return Ok(());
        }
        self.queue(ring, out, HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, UPDATE_NOT_REQUESTED])?;
        self.owes_key_update = false;
        self.outbound.update()?;
        Ok(())
    }

    fn alert(&mut self, ring: &Ring, out: &mut Runs, alert: Alert) -> Result<(), Fault> {
        let content = match alert {
            Alert::CloseNotify => [WARNING, CLOSE_NOTIFY],
            Alert::Fatal(code) => [FATAL, code],
        };
        self.queue(ring, out, ALERT, &content)
    }

    fn rest(&mut self) {
        self.inbound.rest();
        self.outbound.rest();
    }
}

impl fmt::Debug for InPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPlace")
            .field("inbound", &self.inbound)
            .field("outbound", &self.outbound)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
pub(crate) const fn records_per_key_max() -> u64 {
    super::key::RECORDS_PER_KEY_MAX
}

const ROOM: Room = Room { head: HEADER_LEN, tail: TAIL_LEN };

/// The type of a KeyUpdate (RFC 8446 §4). Three bytes of length, 1, and the request follow.
const KEY_UPDATE: u8 = 24;

/// Where the request is.
const REQUEST_AT: u8 = 4;
const UPDATE_NOT_REQUESTED: u8 = 0;
const UPDATE_REQUESTED: u8 = 1;

// RFC 8446 §6
const WARNING: u8 = 1;
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;
