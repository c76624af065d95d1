//! See the property of the same name.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| waterwheel_properties::tls_records(data));
