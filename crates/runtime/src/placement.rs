//! How many workers, and on which cores.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use core_affinity::CoreId;

use crate::config::Pinning;
use crate::error::RunError;

/// One entry per worker.
#[derive(Debug)]
pub(crate) struct Placement {
    cores: Vec<Option<CoreId>>,
}

impl Placement {
    pub(crate) fn worker_count(&self) -> usize {
        self.cores.len()
    }

    pub(crate) fn core(&self, worker: usize) -> Option<CoreId> {
        self.cores.get(worker).copied().flatten()
    }

    pub(crate) fn cores(&self) -> impl Iterator<Item = Option<usize>> {
        self.cores.iter().map(|core| core.map(|core| core.id))
    }
}

/// Settles the places of `workers` workers, or of as many as the process may run at once.
pub(crate) fn place(
    workers: Option<NonZeroUsize>,
    pinning: Pinning,
) -> Result<Placement, RunError> {
    let parallelism = available_parallelism().unwrap_or(NonZeroUsize::MIN).get();
    let mask = core_affinity::get_core_ids().unwrap_or_default();
    place_on(workers.map_or(parallelism, NonZeroUsize::get), pinning, parallelism, &mask)
}

fn place_on(
    worker_count: usize,
    pinning: Pinning,
    parallelism: usize,
    mask: &[CoreId],
) -> Result<Placement, RunError> {
    let cores = match pinning {
        Pinning::Off => vec![None; worker_count],
        // A quota below the mask means that the kernel takes the core away now and then; a worker
        // tied to it could not go elsewhere.
        Pinning::Auto if worker_count > mask.len() || parallelism < mask.len() => {
            vec![None; worker_count]
        }
        Pinning::Auto => mask.iter().take(worker_count).copied().map(Some).collect(),
        Pinning::From(first) => (0..worker_count)
            .map(|worker| {
                // Past the last number there is no core either.
                let core = first.saturating_add(worker);
                let allowed = mask.iter().find(|allowed| allowed.id == core);
                allowed.copied().map(Some).ok_or(RunError::Core { core })
            })
            .collect::<Result<_, _>>()?,
    };
    Ok(Placement { cores })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(ids: &[usize]) -> Vec<CoreId> {
        ids.iter().map(|&id| CoreId { id }).collect()
    }

    fn cores(placement: &Placement) -> Vec<Option<usize>> {
        placement.cores().collect()
    }

    #[test]
    fn workers_take_the_cores_of_the_mask_in_order() {
        let placement = place_on(2, Pinning::Auto, 3, &mask(&[1, 4, 7])).unwrap();
        assert_eq!(cores(&placement), [Some(1), Some(4)]);
    }

    #[test]
    fn more_workers_than_cores_are_not_pinned() {
        let placement = place_on(3, Pinning::Auto, 2, &mask(&[0, 1])).unwrap();
        assert_eq!(cores(&placement), [None, None, None]);
    }

    #[test]
    fn a_quota_below_the_mask_leaves_placement_to_the_scheduler() {
        let placement = place_on(2, Pinning::Auto, 2, &mask(&[0, 1, 2, 3])).unwrap();
        assert_eq!(cores(&placement), [None, None]);
    }

    #[test]
    fn a_core_outside_the_mask_is_refused_by_number() {
        let fault = place_on(2, Pinning::From(1), 2, &mask(&[0, 1])).unwrap_err();
        assert!(matches!(fault, RunError::Core { core: 2 }));
    }
}
