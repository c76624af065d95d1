//! A process out of descriptors. Alone in its binary, because the limit is the whole process's.

use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use waterwheel_reactor::listen::{self, ListenConfig};
use waterwheel_reactor::{AcceptFault, Driver, MioDriver};

const CLIENTS: usize = 4;

#[test]
fn peers_get_a_prompt_end_when_descriptors_run_out() {
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = listen::bind(any_port, &ListenConfig::default()).unwrap();
    let address = listener.local_addr().unwrap();
    let mut driver = MioDriver::new(vec![listener.into()]).unwrap();
    let mut clients: Vec<TcpStream> =
        (0..CLIENTS).map(|_| TcpStream::connect(address).unwrap()).collect();

    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: before.maximum }).unwrap();
    let hoard: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(!hoard.is_empty());

    // Each failed accept ends one waiting connection, and can do so again.
    for client in &mut clients[..2] {
        let error = driver.accept(0).unwrap_err();
        assert_eq!(AcceptFault::of(&error), AcceptFault::Exhausted);
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0, "the oldest one sees an end");
    }

    drop(hoard);
    for client in &clients[2..] {
        let (_stream, peer) = driver.accept(0).unwrap();
        assert_eq!(peer, client.local_addr().unwrap().into());
    }
    assert_eq!(AcceptFault::of(&driver.accept(0).unwrap_err()), AcceptFault::Nothing);
}
