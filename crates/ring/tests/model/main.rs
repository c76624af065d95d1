//! Random operations on a ring, compared after each with a model of plain vectors.
//!
//! Each lease of the model knows what every byte of its run must read as, so the bytes prove that
//! leases never overlap. `WATERWHEEL_MODEL_STEPS` sets the number of operations.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod held;

use waterwheel_ring::{Config, Lease, RemoteLease, Ring, Wipe};

use held::{Away, Held, Segments};

struct World {
    ring: Ring,
    held: Vec<Held>,
    away: Vec<(RemoteLease, Away)>,
    random: fastrand::Rng,
    /// Address of byte 0 of the ring.
    base: usize,
    pattern: u8,
    /// Whether what a lease has written is gone when it is released.
    wipes: bool,
}

impl World {
    fn new(seed: u64, segment_count: usize, wipe: Wipe) -> Self {
        let mut config = Config::default();
        config.segment_len = SEGMENT;
        config.segment_count = segment_count;
        config.wipe = wipe;
        let ring = Ring::new(&config).unwrap();
        let base = ring.reserve(1).unwrap().address();
        let random = fastrand::Rng::with_seed(seed);
        Self {
            ring,
            held: Vec::new(),
            away: Vec::new(),
            random,
            base,
            pattern: 0,
            wipes: wipe == Wipe::OnRelease,
        }
    }

    fn step(&mut self) {
        match self.random.u8(0..25) {
            0..=3 => self.reserve(),
            4 => self.reserve_scattered(),
            5..=6 => self.drop_one(),
            7 => self.leave(),
            8 => self.come_home(),
            9 => self.join_or_absorb(),
            10 => self.relocate(),
            11 => self.quarantine(),
            _ => self.change(),
        }
        self.check_leased();
    }

    fn next_pattern(&mut self, len: usize) -> Vec<u8> {
        self.pattern = self.pattern.wrapping_add(1) | 1;
        vec![self.pattern; len]
    }

    fn reserve(&mut self) {
        let count = self.random.usize(1..=9);
        match self.ring.reserve(count) {
            Ok(lease) => self.hold(lease),
            Err(full) => {
                self.ring.collect_returns();
                let taken = self.segments();
                let free: Vec<bool> =
                    (0..self.ring.segment_count()).map(|at| !taken.contains(at)).collect();
                let longest = free.split(|free| !free).map(<[bool]>::len).max().unwrap_or(0);
                assert!(longest < count, "{full:?} in {:?}", self.ring);
                assert_eq!(self.ring.quarantined(), 0, "a full ring ends the quarantine");
            }
        }
    }

    /// Takes a lease that the ring has just handed out. A ring that wipes has left nothing in it.
    fn hold(&mut self, mut lease: Lease) {
        if self.wipes {
            let look = |room: &mut [u8]| {
                assert!(room.iter().all(|&byte| is_nobodys(byte)));
                Ok::<_, ()>(0)
            };
            lease.append_with(look).unwrap();
        }
        self.held.push(Held::fresh(lease, self.base));
    }

    /// Gives a lease up as after a failed stage, which wrote where it could.
    fn quarantine(&mut self) {
        let Some(mut held) = self.pick() else { return };
        let fill = |room: &mut [u8]| {
            room.fill(0xA5);
            Err(())
        };
        let _: () = held.lease.append_with(fill).unwrap_err();
        held.lease.quarantine();
        assert_eq!((held.lease.capacity(), held.lease.segment_count()), (0, 0));
    }

    fn reserve_scattered(&mut self) {
        let len = self.random.usize(0..12 * SEGMENT);
        let free = {
            self.ring.collect_returns();
            self.ring.segment_count() - self.ring.leased()
        };
        let needed = len.div_ceil(SEGMENT).max(1);
        match self.ring.reserve_scattered(len) {
            Ok(runs) => {
                assert_eq!(runs.segment_count(), needed);
                runs.into_leases().for_each(|lease| self.hold(lease));
            }
            Err(_) => assert!(free < needed),
        }
    }

    fn pick(&mut self) -> Option<Held> {
        if self.held.is_empty() {
            return None;
        }
        let index = self.random.usize(0..self.held.len());
        Some(self.held.swap_remove(index))
    }

    fn drop_one(&mut self) {
        if let Some(held) = self.pick() {
            held.check(self.base);
        }
    }

    fn leave(&mut self) {
        let Some(held) = self.pick() else { return };
        let Held { lease, start, bytes, head, tail } = held;
        match lease.into_remote() {
            Ok(mut remote) => {
                let mut kept = Away { start, bytes, head, tail };
                let add = self.random.usize(0..=remote.tailroom().min(20));
                let new = self.next_pattern(add);
                remote.append(&new).unwrap();
                kept.bytes[tail..tail + add].fill(new.first().copied());
                kept.tail += add;
                self.away.push((remote, kept));
            }
            Err(lease) => {
                let mine = Segments::of(start, bytes.len());
                let shared = self.held.iter().any(|other| mine.meets(other.segments()));
                assert!(shared, "only a lease with a shared segment stays");
                self.held.push(Held { lease, start, bytes, head, tail });
            }
        }
    }

    fn come_home(&mut self) {
        if self.away.is_empty() {
            return;
        }
        let index = self.random.usize(0..self.away.len());
        let (remote, kept) = self.away.swap_remove(index);
        if self.random.bool() {
            let Away { start, bytes, head, tail } = kept;
            let lease = self.ring.receive(remote).unwrap();
            self.held.push(Held { lease, start, bytes, head, tail });
        } else {
            std::thread::scope(|scope| {
                scope.spawn(move || drop(remote));
            });
        }
    }

    fn join_or_absorb(&mut self) {
        let Some(front) = self.pick() else { return };
        // An empty run at the same place is a neighbour as well.
        let Some(index) = self.held.iter().position(|back| back.start == front.end()) else {
            self.held.push(front);
            return;
        };
        let mut back = self.held.swap_remove(index);
        let mut bytes = front.bytes.clone();
        bytes.extend(&back.bytes);
        let meets = front.tail == front.bytes.len() && back.head == 0;
        let at = front.bytes.len();
        if self.random.bool() {
            match front.lease.join(back.lease) {
                Ok(lease) => {
                    assert!(meets);
                    let (start, head, tail) = (front.start, front.head, at + back.tail);
                    self.held.push(Held { lease, start, bytes, head, tail });
                }
                Err((front_lease, back_lease)) => {
                    assert!(!meets);
                    self.held.push(Held { lease: front_lease, ..front });
                    self.held.push(Held { lease: back_lease, ..back });
                }
            }
        } else {
            back.lease.absorb_front(front.lease).unwrap();
            let (head, tail) = (at + back.head, at + back.tail);
            self.held.push(Held { lease: back.lease, start: front.start, bytes, head, tail });
        }
    }

    fn relocate(&mut self) {
        let (Some(mut from), Some(to)) = (self.pick(), self.pick()) else { return };
        let (len, head) = (from.tail - from.head, to.head);
        match from.lease.relocate(to.lease) {
            Ok(()) => {
                let mut bytes = to.bytes;
                for (target, byte) in bytes[head..].iter_mut().zip(from.expected()) {
                    *target = Some(byte);
                }
                from = Held { lease: from.lease, start: to.start, bytes, head, tail: head + len };
                self.held.push(from);
            }
            Err(lease) => {
                assert!(to.bytes.len() - head < len);
                self.held.push(from);
                self.held.push(Held { lease, ..to });
            }
        }
    }

    fn change(&mut self) {
        let Some(mut held) = self.pick() else { return };
        let payload = held.tail - held.head;
        let (headroom, tailroom) = (held.head, held.bytes.len() - held.tail);
        match self.random.u8(0..15) {
            0..=1 => {
                let new = {
                    let len = self.random.usize(0..=tailroom);
                    self.next_pattern(len)
                };
                if self.random.bool() {
                    held.lease.append(&new).unwrap();
                } else {
                    let fill = |room: &mut [u8]| {
                        room[..new.len()].copy_from_slice(&new);
                        Ok::<_, ()>(new.len())
                    };
                    held.lease.append_with(fill).unwrap();
                }
                held.bytes[held.tail..held.tail + new.len()].fill(new.first().copied());
                held.tail += new.len();
            }
            2 => {
                let new = {
                    let len = self.random.usize(0..=headroom);
                    self.next_pattern(len)
                };
                held.lease.prepend(&new).unwrap();
                held.bytes[held.head - new.len()..held.head].fill(new.first().copied());
                held.head -= new.len();
            }
            3 => {
                let n = self.random.usize(0..=tailroom);
                held.lease.grow_back(n).unwrap();
                held.show(held.tail, held.tail + n);
                held.tail += n;
            }
            4 => {
                let n = self.random.usize(0..=headroom);
                held.lease.grow_front(n).unwrap();
                held.show(held.head - n, held.head);
                held.head -= n;
            }
            5 => {
                let n = self.random.usize(0..=payload);
                held.lease.advance(n);
                held.head += n;
            }
            6 => {
                let n = self.random.usize(0..=payload);
                held.lease.truncate(n);
                held.tail = held.head + n;
            }
            7 => {
                held.lease.clear();
                (held.head, held.tail) = (0, 0);
                let len = self.random.usize(0..=held.bytes.len());
                held.lease.set_headroom(len);
                (held.head, held.tail) = (len, len);
            }
            8 => self.extend(&mut held),
            9 => self.trim(&mut held),
            10 => self.extend_front(&mut held),
            11 => self.trim_front(&mut held),
            _ => self.split(&mut held),
        }
        held.check(self.base);
        self.held.push(held);
    }

    fn extend(&mut self, held: &mut Held) {
        let count = self.random.usize(1..4);
        self.ring.collect_returns();
        let mut taken = self.segments();
        taken.add(held.segments());
        let first = held.end() / SEGMENT;
        let free = held.end().is_multiple_of(SEGMENT)
            && (first..first + count)
                .all(|at| at < self.ring.segment_count() && !taken.contains(at));
        let extended = held.lease.extend(count).is_ok();
        // The model does not know where the quarantined segments are.
        assert!(extended == free || !extended && self.ring.quarantined() > 0);
        if extended {
            held.bytes.resize(held.bytes.len() + count * SEGMENT, None);
        }
    }

    fn extend_front(&mut self, held: &mut Held) {
        let count = self.random.usize(1..4);
        self.ring.collect_returns();
        let mut taken = self.segments();
        taken.add(held.segments());
        let end = held.start / SEGMENT;
        let free = held.start.is_multiple_of(SEGMENT)
            && count <= end
            && (end - count..end).all(|at| !taken.contains(at));
        let extended = held.lease.extend_front(count).is_ok();
        assert!(extended == free || !extended && self.ring.quarantined() > 0);
        if extended {
            let len = count * SEGMENT;
            held.bytes.splice(0..0, vec![None; len]);
            held.start -= len;
            held.head += len;
            held.tail += len;
        }
    }

    fn trim_front(&mut self, held: &mut Held) {
        let kept = (held.start + held.head) / SEGMENT * SEGMENT;
        let len = kept.saturating_sub(held.start);
        let mut lost = Segments::of(held.start, len);
        lost.remove(self.segments());
        assert_eq!(held.lease.trim_front(), lost.len());
        held.bytes.drain(..len);
        held.start += len;
        held.head -= len;
        held.tail -= len;
    }

    fn trim(&mut self, held: &mut Held) {
        let end = (held.start + held.tail).next_multiple_of(SEGMENT).min(held.end());
        let mut lost = Segments::of(end, held.end() - end);
        lost.remove(self.segments());
        assert_eq!(held.lease.trim(), lost.len());
        held.bytes.truncate(end - held.start);
    }

    fn split(&mut self, held: &mut Held) {
        let at = self.random.usize(0..=held.tail - held.head);
        let lease = if self.random.bool() {
            held.lease.split_off(at)
        } else {
            let front = held.lease.split_front(at);
            std::mem::replace(&mut held.lease, front)
        };
        let border = held.head + at;
        let bytes = held.bytes.split_off(border);
        let (start, tail) = (held.start + border, held.tail - border);
        held.tail = border;
        let back = Held { lease, start, bytes, head: 0, tail };
        back.check(self.base);
        self.held.push(back);
    }

    fn segments(&self) -> Segments {
        let mut all = Segments::default();
        for held in &self.held {
            all.add(held.segments());
        }
        for (_, kept) in &self.away {
            all.add(Segments::of(kept.start, kept.bytes.len()));
        }
        all
    }

    fn check_leased(&mut self) {
        self.ring.collect_returns();
        assert_eq!(self.ring.leased(), self.segments().len(), "{:?}", self.ring);
    }

    fn check_all(&self) {
        for held in &self.held {
            held.check(self.base);
            assert_eq!(held.lease.segment_count(), held.segments().len());
        }
    }
}

/// Whether a byte that nobody has written may be this one.
fn is_nobodys(byte: u8) -> bool {
    byte == 0 || cfg!(waterwheel_poison) && byte == 0xDB
}

const SEGMENT: usize = 64;
const SEGMENT_COUNT_MAX: usize = 256;

#[test]
fn ring_agrees_with_its_model() {
    let default = if cfg!(miri) { 800 } else { 1_000_000 };
    let steps = std::env::var("WATERWHEEL_MODEL_STEPS").ok().and_then(|n| n.parse().ok());
    let steps: usize = steps.unwrap_or(default);
    let per_world = steps.div_ceil(WORLDS);
    for seed in 0..WORLDS {
        let wipe = if seed % 2 == 0 { Wipe::OnRelease } else { Wipe::Never };
        let segment_count = [16, 64, 128, SEGMENT_COUNT_MAX][seed / 2 % 4];
        let mut world = World::new(seed as u64, segment_count, wipe);
        for step in 0..per_world {
            world.step();
            if step % 64 == 0 {
                world.check_all();
            }
        }
        world.check_all();
        world.held.clear();
        world.away.clear();
        world.check_leased();
    }
}

const WORLDS: usize = if cfg!(miri) { 4 } else { 40 };
