//! Why there is no generation in a lease: a stale handle does not compile. Each example is followed
//! by what it would be without its fault, so that it fails for that and for nothing else.

/// Bytes do not outlive the lease that lends them.
///
/// ```compile_fail,E0505
/// # let ring = waterwheel_ring::Ring::new(&Default::default()).unwrap();
/// let lease = ring.reserve(1).unwrap();
/// let payload = lease.payload();
/// drop(lease);
/// assert!(payload.is_empty());
/// ```
/// ```
/// # let ring = waterwheel_ring::Ring::new(&Default::default()).unwrap();
/// let lease = ring.reserve(1).unwrap();
/// let payload = lease.payload();
/// assert!(payload.is_empty());
/// drop(lease);
/// ```
pub struct BytesAfterRelease;

/// A lease that was let go, joined or sent away is gone from where it was.
///
/// ```compile_fail,E0382
/// # let ring = waterwheel_ring::Ring::new(&Default::default()).unwrap();
/// let lease = ring.reserve(1).unwrap();
/// let remote = lease.into_remote().unwrap();
/// assert!(lease.is_empty());
/// ```
/// ```
/// # let ring = waterwheel_ring::Ring::new(&Default::default()).unwrap();
/// let lease = ring.reserve(1).unwrap();
/// let remote = lease.into_remote().unwrap();
/// assert!(remote.is_empty());
/// ```
pub struct LeaseAfterTravel;

/// There are no two handles on one run.
///
/// ```compile_fail,E0599
/// # let ring = waterwheel_ring::Ring::new(&Default::default()).unwrap();
/// let lease = ring.reserve(1).unwrap();
/// let second = lease.clone();
/// ```
/// ```
/// # let ring = waterwheel_ring::Ring::new(&Default::default()).unwrap();
/// let mut lease = ring.reserve(1).unwrap();
/// let second = lease.split_off(0);
/// ```
pub struct SecondHandle;

/// A lease that releases without atomics stays on its thread.
///
/// ```compile_fail,E0277
/// # let ring = waterwheel_ring::Ring::new(&Default::default()).unwrap();
/// let lease = ring.reserve(1).unwrap();
/// std::thread::spawn(move || drop(lease));
/// ```
/// ```
/// # let ring = waterwheel_ring::Ring::new(&Default::default()).unwrap();
/// let lease = ring.reserve(1).unwrap().into_remote().unwrap();
/// std::thread::spawn(move || drop(lease));
/// ```
pub struct LeaseOnAnotherThread;
