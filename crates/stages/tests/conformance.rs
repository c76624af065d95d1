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
    passes_with(stage, samples());
}

fn passes_with(stage: &dyn waterwheel_stages::Stage, samples: Vec<Vec<u8>>) {
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

#[cfg(feature = "hex")]
#[test]
fn hex_passes_in_both_cases() {
    use waterwheel_stages::hex::Hex;

    passes(&Hex::LOWER);
    passes(&Hex::UPPER);
}

#[cfg(feature = "percent")]
#[test]
fn percent_passes() {
    passes(&waterwheel_stages::percent::Percent);
}

#[cfg(feature = "utf8")]
#[test]
fn utf8_passes() {
    passes_with(&waterwheel_stages::utf8::Utf8, texts());
}

/// Characters of one to four bytes, so that every border between two bytes is met.
#[cfg(feature = "utf8")]
fn texts() -> Vec<Vec<u8>> {
    let text: String = "a\u{e9}\u{20ac}\u{1f3a1}".chars().cycle().take(2000).collect();
    (0..12)
        .chain([1000, 2000])
        .map(|len| text.chars().take(len).collect::<String>().into())
        .collect()
}

#[cfg(feature = "zstd")]
#[test]
fn zstd_passes() {
    passes_with(&waterwheel_stages::zstd::Zstd::new(CONTENT_LEN_MAX), compressible());
}

#[cfg(feature = "gzip")]
#[test]
fn gzip_and_deflate_pass() {
    use waterwheel_stages::gzip::{Deflate, Gzip};

    passes_with(&Gzip::new(CONTENT_LEN_MAX), compressible());
    passes_with(&Deflate::new(CONTENT_LEN_MAX), compressible());
}

/// Noise, text that repeats itself, and both mixed.
#[cfg(any(feature = "zstd", feature = "gzip"))]
fn compressible() -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(2);
    [0, 1, 2, 7, 64, 300, 4096]
        .into_iter()
        .flat_map(|len| {
            let noise: Vec<u8> = (0..len).map(|_| random.u8(..)).collect();
            let text: Vec<u8> = b"the wheel turns, ".iter().copied().cycle().take(len).collect();
            let mixed = noise.iter().zip(&text).map(|(noise, text)| text ^ (noise & 1)).collect();
            [noise, text, mixed]
        })
        .collect()
}

#[cfg(any(feature = "zstd", feature = "gzip"))]
const CONTENT_LEN_MAX: usize = 64 * 1024;
