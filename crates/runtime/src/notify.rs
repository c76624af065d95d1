//! Telling the service manager how things stand, as `sd_notify`(3) does: one datagram each. Does
//! nothing where no manager asked for it.

use std::env;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager, if it wants to be told.
#[derive(Debug, Default)]
pub(crate) struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants a sign of life.
    pub(crate) watchdog: Option<Duration>,
}

impl Manager {
    /// The manager that the environment names.
    pub(crate) fn from_env() -> Self {
        let address =
            env::var_os("NOTIFY_SOCKET").and_then(|name| address(name.as_encoded_bytes()));
        let socket = address.and_then(|address| Some((UnixDatagram::unbound().ok()?, address)));
        let watchdog = watchdog(env::var("WATCHDOG_USEC").ok(), env::var("WATCHDOG_PID").ok());
        Self { watchdog: watchdog.filter(|_| socket.is_some()), socket }
    }

    /// Sends `state`, lines of `NAME=value`.
    pub(crate) fn tell(&self, state: &str) {
        if let Some((socket, address)) = &self.socket {
            // It asked to be told; whether it listens is its own affair.
            drop(socket.send_to_addr(state.as_bytes(), address));
        }
    }
}

/// An absolute path, or a name without one behind an `@`.
fn address(name: &[u8]) -> Option<SocketAddr> {
    match name {
        [b'/', ..] => {
            let path = std::str::from_utf8(name).ok()?;
            SocketAddr::from_pathname(path).ok()
        }
        [b'@', name @ ..] => nameless(name).ok(),
        _ => None,
    }
}

#[cfg(target_os = "linux")]
fn nameless(name: &[u8]) -> io::Result<SocketAddr> {
    <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn nameless(_name: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The interval that was asked of this process.
fn watchdog(microseconds: Option<String>, process: Option<String>) -> Option<Duration> {
    let is_other = |process: String| process != std::process::id().to_string();
    if process.is_some_and(is_other) {
        return None;
    }
    let interval = Duration::from_micros(microseconds?.parse().ok()?);
    Some(interval).filter(|interval| !interval.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manager_is_told_at_its_path() {
        let path = env::temp_dir().join(format!("waterwheel-notify-{}", std::process::id()));
        let listener = UnixDatagram::bind(&path).unwrap();
        let socket = Some((
            UnixDatagram::unbound().unwrap(),
            address(path.as_os_str().as_encoded_bytes()).unwrap(),
        ));
        Manager { socket, watchdog: None }.tell("READY=1");
        let mut told = [0; 64];
        let len = listener.recv(&mut told).unwrap();
        assert_eq!(&told[..len], b"READY=1");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn address_is_a_path_or_a_name() {
        assert!(address(b"/run/systemd/notify").is_some());
        assert!(address(b"@/org/freedesktop").is_some());
        assert!(address(b"relative").is_none() && address(b"").is_none());
    }

    #[test]
    fn watchdog_is_for_the_process_that_is_named() {
        let own = || Some(std::process::id().to_string());
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(watchdog(text("3000000"), own()), Some(Duration::from_secs(3)));
        assert_eq!(watchdog(text("3000000"), None), Some(Duration::from_secs(3)));
        assert_eq!(watchdog(text("3000000"), text("1")), None);
        assert_eq!(watchdog(text("0"), own()), None);
        assert_eq!(watchdog(text("soon"), own()), None);
        assert_eq!(watchdog(None, own()), None);
    }
}
