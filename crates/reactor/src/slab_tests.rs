//! What a slab promises, beside a map as its model.

use std::collections::BTreeMap;

use super::*;

#[test]
fn removed_value_leaves_its_token_stale() {
    let mut slab = Slab::new(4);
    let old = slab.insert("old");
    assert_eq!(slab.remove(old), Some("old"));
    let new = slab.insert("new");
    assert_eq!(new.index, old.index);
    assert_ne!(new, old);
    assert_eq!(slab.get(old), None);
    assert_eq!(slab.get_mut(old), None);
    assert_eq!(slab.remove(old), None);
    assert_eq!(slab.get(new), Some(&"new"));
}

#[test]
fn slot_is_found_for_every_index_that_was_given_out() {
    let mut slab = Slab::new(4);
    let token = slab.insert("value");
    let never = Token { index: 1, ..token };
    let start = std::ptr::from_ref(slab.slot(token).unwrap()).addr();
    let value = std::ptr::from_ref(slab.get(token).unwrap()).addr();
    assert!((start..start + size_of::<Slot<&str>>()).contains(&value));
    slab.remove(token);
    assert!(slab.slot(token).is_some());
    assert!(slab.slot(never).is_none());
}

#[test]
fn free_slots_come_back_last_in_first_out() {
    let mut slab = Slab::new(4);
    let tokens = [slab.insert(0), slab.insert(1), slab.insert(2)];
    slab.remove(tokens[0]);
    slab.remove(tokens[2]);
    assert_eq!(slab.insert(3).index, 2);
    assert_eq!(slab.insert(4).index, 0);
    assert_eq!(slab.insert(5).index, 3);
}

#[test]
fn full_slab_refuses_and_calls_nothing() {
    let mut slab = Slab::new(1);
    let token = slab.insert(());
    assert!(slab.is_full());
    assert_eq!(slab.vacant_token(), None);
    assert_eq!(slab.insert_with(|_| panic!("a full slab makes no value")), None);
    slab.remove(token);
    assert!(!slab.is_full());
}

#[test]
#[should_panic(expected = "keeps the slab below its limit")]
fn insert_into_full_slab_panics() {
    Slab::new(0).insert(());
}

#[test]
fn value_can_know_its_token() {
    let mut slab = Slab::new(2);
    let announced = slab.vacant_token();
    let token = slab.insert_with(|token| token);
    assert_eq!(token, announced);
    assert_eq!(token.and_then(|token| slab.get(token).copied()), announced);
}

#[test]
fn generation_wraps_past_the_reserved_one() {
    assert_eq!(next_generation(0), 1);
    assert_eq!(next_generation(Token::RESERVED - 1), 0);
}

#[test]
fn grown_slab_keeps_its_memory() {
    let mut slab = Slab::with_capacity(64, 64);
    let capacity = slab.capacity();
    for _ in 0..10 {
        let tokens: Vec<Token> = (0..64).map(|value| slab.insert(value)).collect();
        for token in tokens {
            slab.remove(token);
        }
    }
    assert_eq!(slab.capacity(), capacity);
}

#[test]
fn behaves_like_a_map() {
    const LEN_MAX: usize = 40;
    for seed in 0..200 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut slab = Slab::new(LEN_MAX);
        let mut model: BTreeMap<Token, u64> = BTreeMap::new();
        let mut ever: Vec<Token> = Vec::new();
        for value in 0..400 {
            if rng.bool() {
                let token = slab.insert_with(|_| value);
                assert_eq!(token.is_none(), model.len() == LEN_MAX);
                if let Some(token) = token {
                    assert_eq!(model.insert(token, value), None, "a live token was reused");
                    ever.push(token);
                }
            } else if let Some(token) = rng.choice(&ever).copied() {
                assert_eq!(slab.get(token), model.get(&token));
                assert_eq!(slab.remove(token), model.remove(&token));
            }
            assert_eq!(slab.len(), model.len());
            assert!(slab.iter().len() == model.len());
        }
        let live: BTreeMap<Token, u64> =
            slab.iter().map(|(token, value)| (token, *value)).collect();
        assert_eq!(live, model);
        assert!(slab.tokens().eq(slab.iter().map(|(token, _)| token)));
    }
}
