//! How many handshakes a worker has under way, and how many it goes on with in a turn.

use std::cell::Cell;
use std::rc::Rc;

use super::SecuredConfig;

/// Lets handshakes in, one step of each at a time.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Counted up by [`Seat::take`], down when a seat is dropped.
    taken: Rc<Cell<usize>>,
    /// The turn in which `step_count` steps were made.
    turn: u64,
    step_count: usize,
}

/// One handshake's place, for as long as it is under way.
#[derive(Debug)]
pub(super) struct Seat {
    taken: Rc<Cell<usize>>,
}

/// What a handshake may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Step,
    /// In a later turn: enough was computed in this one.
    Later,
    /// Not at all: too many others are under way.
    Refused,
}

impl Gate {
    /// Asks for a step of the handshake that has `seat`, or gets one.
    pub(super) fn admit(
        &mut self,
        seat: &mut Option<Seat>,
        turn: u64,
        config: &SecuredConfig,
    ) -> Admission {
        if seat.is_none() {
            if self.taken.get() >= config.handshakes_max {
                return Admission::Refused;
            }
            *seat = Some(Seat::take(&self.taken));
        }
        if self.turn != turn {
            (self.turn, self.step_count) = (turn, 0);
        }
        if self.step_count >= config.handshakes_per_turn_max {
            return Admission::Later;
        }
        self.step_count += 1;
        Admission::Step
    }
}

impl Seat {
    fn take(taken: &Rc<Cell<usize>>) -> Self {
        taken.set(taken.get() + 1);
        Self { taken: Rc::clone(taken) }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.taken.set(self.taken.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes_beyond_the_limits_wait_for_a_turn_or_are_refused() {
        let config =
            SecuredConfig { handshakes_max: 2, handshakes_per_turn_max: 1, ..<_>::default() };
        let mut gate = Gate::default();
        let [mut first, mut second, mut third] = [None, None, None];
        assert_eq!(gate.admit(&mut first, 7, &config), Admission::Step);
        assert_eq!(gate.admit(&mut second, 7, &config), Admission::Later);
        assert_eq!(gate.admit(&mut third, 7, &config), Admission::Refused);
        assert_eq!(gate.admit(&mut second, 8, &config), Admission::Step);
        drop(first);
        assert_eq!(gate.admit(&mut third, 9, &config), Admission::Step);
    }
}
