//! Edge-triggered sockets and timers for one worker, behind a trait with a simulated twin.
//!
//! ```text
//!             your worker: one thread, one loop
//!                          │
//!              trait Driver (driver.rs)          Slab<T>  who a Token stands for
//!             ┌────────────┴────────────┐        Wheel    when a Token is due
//!        MioDriver                  SimDriver
//!    sockets of the kernel,     sim::World: virtual clock, clients in
//!    epoll or kqueue by mio     memory, faults from a seed
//! ```
//!
//! A loop written against [`Driver`] runs on both sides unchanged: on [`MioDriver`] it serves, on
//! [`sim::SimDriver`] it is tested, a thousand worlds a second, each from a seed that brings it
//! back. [`Slab`] and [`Wheel`] are the two tables such a loop needs, and [`disk`] is how it reads
//! and writes files without waiting. This crate knows no buffer pool and no protocol.
//!
//! # An echo, served in the simulation
//!
//! ```
//! use std::io;
//! use waterwheel_reactor::sim::{Faults, World};
//! use waterwheel_reactor::{Driver, Event, Slab};
//!
//! /// One turn: accept, echo what waits, forget who has left. Works with every driver.
//! fn turn<D: Driver>(driver: &mut D, sockets: &mut Slab<D::Socket>) -> io::Result<()> {
//!     let mut events = Vec::new();
//!     driver.poll(None, &mut events)?;
//!     for event in events {
//!         match event {
//!             Event::Listener(listener) => {
//!                 while let Ok((socket, _peer)) = driver.accept(listener) {
//!                     let token = sockets.insert(socket);
//!                     let socket = sockets.get_mut(token).expect("inserted above");
//!                     driver.register(socket, token)?;
//!                 }
//!             }
//!             Event::Socket { token, .. } => {
//!                 let mut room = [0; 512];
//!                 let Some(socket) = sockets.get_mut(token) else { continue };
//!                 match driver.recv(socket, &mut room) {
//!                     Ok(0) => drop(sockets.remove(token)),
//!                     Ok(count) => assert_eq!(driver.send(socket, &room[..count])?, count),
//!                     Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
//!                 }
//!             }
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//!
//! let world = World::new(7, Faults::none());
//! let mut driver = world.driver();
//! let mut sockets = Slab::new(100);
//! let client = world.connect();
//! client.send(b"turn, wheel");
//! while !world.idle() {
//!     turn(&mut driver, &mut sockets)?;
//! }
//! assert_eq!(client.received(), b"turn, wheel");
//! # Ok::<(), io::Error>(())
//! ```

#![deny(unsafe_code)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("a token packs an index and a generation into one 64-bit usize");

mod clock;
pub mod disk;
pub mod driver;
pub mod error;
mod helper_threads;
pub mod listen;
mod mio_driver;
mod mio_sources;
mod peer;
pub mod sim;
mod slab;
mod sources;
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "an instruction of the processor, which touches no memory")]
mod ticks;
mod timer;
mod token;

pub use clock::Instant;
pub use driver::{Clock, Driver, Event, Readiness, VECTORED_MAX, Wake};
pub use error::{AcceptFault, SendFault};
pub use helper_threads::{Helpers, Job, NAME_THREADS_MAX};
pub use mio_driver::{MioDriver, Stream, WakePoll, Waker};
pub use peer::PeerAddress;
pub use slab::{Iter, Slab, Slot};
pub use sources::{NameAnswer, Outgoing, Remote, Sources};
pub use timer::Wheel;
pub use token::Token;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[derive(Debug)]
pub struct Readme;
