//! Records opened and sealed by rustls itself: all of TLS 1.2, and TLS 1.3 where it is asked for.
//!
//! Costs copies and allocations that the layer in place does not have: rustls hands plaintext out
//! in buffers of its own, and seals out of a copy.

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, WriteTraffic};
use waterwheel_ring::{Ring, Runs};

use crate::fault::Fault;
use crate::record::{Alert, HEADER_LEN, Opened, RECORD_LEN_MAX_12, RecordLayer, Room};

/// The record layer of one connection in the hands of rustls.
pub(crate) struct Stock {
    connection: UnbufferedServerConnection,
    /// Records that rustls has opened and still refers to: a handshake message is split over them.
    held: Vec<u8>,
    /// The content of the record at hand.
    content: Vec<u8>,
    /// Records that rustls wants sent.
    pending: Vec<u8>,
}

impl Stock {
    pub(crate) fn new(connection: UnbufferedServerConnection) -> Self {
        Self { connection, held: Vec::new(), content: Vec::new(), pending: Vec::new() }
    }

    /// Opens one record. Its content, if it has any, is in `content`.
    fn take(&mut self, record: &mut [u8]) -> Result<Opened, Fault> {
        self.content.clear();
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(record);
        let mut front = 0;
        let opened = loop {
            let status = self.connection.process_tls_records(&mut bytes[front..]);
            let discard = status.discard;
            let step = match status.state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(next) = traffic.next_record() {
                        self.content.extend_from_slice(next.map_err(Fault::from)?.payload);
                    }
                    None
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(&mut data, &mut self.pending)?;
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                    Some(Ok(Opened::Closed))
                }
                Ok(ConnectionState::WriteTraffic(_)) => Some(Ok(Opened::Control)),
                Ok(_) => Some(Err(Fault::UnexpectedMessage)),
                Err(error) => Some(Err(Fault::from(error))),
            };
            front += discard;
            if let Some(opened) = step {
                break opened;
            }
        };
        if opened.is_err() {
            self.collect_alert(&mut bytes[front..]);
        }
        bytes.drain(..front);
        self.held = bytes;
        if self.held.len() > HELD_LEN_MAX {
            return Err(Fault::UnexpectedMessage);
        }
        match opened {
            Ok(Opened::Control) if !self.content.is_empty() => {
                Ok(Opened::Data { start: 0, len: self.content.len() })
            }
            opened => opened,
        }
    }

    /// After a fault rustls still has its alert to hand out. Asked for more than it has, it would
    /// read the faulty record again.
    fn collect_alert(&mut self, bytes: &mut [u8]) {
        while self.connection.wants_write() {
            let state = self.connection.process_tls_records(bytes).state;
            let Ok(ConnectionState::EncodeTlsData(mut data)) = state else { return };
            if encode(&mut data, &mut self.pending).is_err() {
                return;
            }
        }
    }

    /// Lets `write` use the state in which data can be sealed, which is that of every connection
    /// after its handshake once rustls has nothing of its own to send.
    fn write<T>(
        &mut self,
        write: impl FnOnce(&mut WriteTraffic<'_, ServerConnectionData>) -> T,
    ) -> Result<T, Fault> {
        loop {
            match self.connection.process_tls_records(&mut self.held).state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => return Ok(write(&mut traffic)),
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(&mut data, &mut self.pending)?;
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => {}
                _ => return Err(Fault::Internal),
            }
        }
    }

    fn queue_pending(&mut self, ring: &Ring, out: &mut Runs) {
        if !self.pending.is_empty() {
            out.place(ring, self.pending.len(), |target| target.copy_from_slice(&self.pending));
            self.pending.clear();
        }
    }

    /// Writes what was opened to the start of `target` and zeroes the rest of it.
    fn show(&mut self, opened: Result<Opened, Fault>, target: &mut [u8]) -> Result<Opened, Fault> {
        let shown = if opened.is_ok() { self.content.len() } else { 0 };
        let (front, back) = target.split_at_mut_checked(shown).ok_or(Fault::Internal)?;
        front.copy_from_slice(&self.content[..shown]);
        back.fill(0);
        opened
    }
}

impl RecordLayer for Stock {
    fn room(&self) -> Room {
        ROOM
    }

    fn record_len_max(&self) -> usize {
        RECORD_LEN_MAX_12
    }

    fn open(&mut self, record: &mut [u8]) -> Result<Opened, Fault> {
        let opened = self.take(record);
        self.show(opened, record)
    }

    fn open_into(&mut self, record: &mut [u8], target: &mut [u8]) -> Result<Opened, Fault> {
        let opened = self.take(record);
        let written = (record.len() - HEADER_LEN).min(target.len());
        self.show(opened, &mut target[..written])
    }

    fn seal(&mut self, window: &mut [u8]) -> Result<usize, Fault> {
        let payload = window[ROOM.head..window.len() - ROOM.tail].to_vec();
        self.seal_into(&payload, window)
    }

    fn sealed_len(&mut self, payload: &[u8]) -> Result<usize, Fault> {
        match self.write(|traffic| traffic.encrypt(payload, &mut []))? {
            Err(EncryptError::InsufficientSize(size)) => Ok(size.required_size),
            _ => Err(Fault::KeysSpent),
        }
    }

    fn seal_into(&mut self, payload: &[u8], target: &mut [u8]) -> Result<usize, Fault> {
        self.write(|traffic| traffic.encrypt(payload, target))?.map_err(|_| Fault::KeysSpent)
    }

    fn flush(&mut self, ring: &Ring, out: &mut Runs) -> Result<(), Fault> {
        // rustls keeps an answer to a KeyUpdate until there is data; data without room for it makes
        // it give the answer alone.
        self.write(|traffic| drop(traffic.encrypt(&[0], &mut [])))?;
        self.write(|_| ())?;
        self.queue_pending(ring, out);
        Ok(())
    }

    fn alert(&mut self, ring: &Ring, out: &mut Runs, alert: Alert) -> Result<(), Fault> {
        // Fatal alerts are rustls' own choice and pending already.
        if alert == Alert::CloseNotify {
            let mut record = [0; ROOM.head + 2 + ROOM.tail];
            let len = self
                .write(|traffic| traffic.queue_close_notify(&mut record))?
                .map_err(|_| Fault::Internal)?;
            self.pending.extend_from_slice(&record[..len]);
        }
        self.queue_pending(ring, out);
        Ok(())
    }

    fn rest(&mut self) {
        self.held.shrink_to_fit();
        self.content = Vec::new();
        self.pending.shrink_to_fit();
    }
}

/// Appends a record that rustls wants sent.
fn encode(
    data: &mut rustls::unbuffered::EncodeTlsData<'_, ServerConnectionData>,
    pending: &mut Vec<u8>,
) -> Result<(), Fault> {
    let len = encoded_len(data)?;
    let kept = pending.len();
    pending.resize(kept + len, 0);
    data.encode(&mut pending[kept..]).map_err(|_| Fault::Internal)?;
    Ok(())
}

/// Bytes of a record that rustls wants sent, asked for by offering it no room.
pub(crate) fn encoded_len(
    data: &mut rustls::unbuffered::EncodeTlsData<'_, ServerConnectionData>,
) -> Result<usize, Fault> {
    match data.encode(&mut []) {
        Err(EncodeError::InsufficientSize(size)) => Ok(size.required_size),
        _ => Err(Fault::Internal),
    }
}

/// TLS 1.2 has up to 8 bytes of nonce behind the header and 16 of tag (RFC 5288 §3). In front of a
/// record rustls may put a KeyUpdate of 27 bytes when keys are spent.
const ROOM: Room = Room { head: HEADER_LEN + 8, tail: 16 + 27 };

/// The longest message that a client may split over records after the handshake is a renegotiating
/// ClientHello, which is refused however long it is.
const HELD_LEN_MAX: usize = 32 * 1024;
