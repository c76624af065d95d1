//! Every stage of this crate passes the kit.

#![cfg(feature = "testing")]

use waterwheel_stages::{
    Identity,
    testing::{conformance, no_allocation},
};

fn samples() -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(1);
    (0..40)
        .chain([383, 384, 385, 767, 768, 769, 1023, 1024, 4095, 4096, 4097, 20_000])
        .map(|len| (0..len).map(|_| random.u8(..)).collect())
        .collect()
}

fn passes(stage: &dyn waterwheel_stages::Stage) {
    let samples = samples();
    let samples: Vec<&[u8]> = samples.iter().map(Vec::as_slice).collect();
    conformance(stage, &samples);
    no_allocation(stage, &samples, |call| allocation_counter::measure(call).count_total);
}

#[test]
fn identity_passes() {
    passes(&Identity);
}

#[cfg(feature = "base64")]
#[test]
fn base64_passes_in_every_form() {
    use waterwheel_stages::base64::Base64;

    for form in
        [Base64::STANDARD, Base64::STANDARD_NO_PAD, Base64::URL_SAFE, Base64::URL_SAFE_NO_PAD]
    {
        passes(&form);
    }
}
