//! What may be a handler compiles, what may not says why in words that a user can act on.
//!
//! The messages are those of one compiler: after a new one, or a change of ours,
//! `TRYBUILD=overwrite cargo test -p waterwheel-http --test shapes -- --ignored` writes them anew,
//! and the diff is what to look at.

#[test]
#[ignore = "builds the crate and what it stands on once more; `.ci/run` asks for it"]
fn handlers_compile_or_say_why_not() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/shapes/accepted.rs");
    cases.compile_fail("tests/shapes/no_extractor.rs");
    cases.compile_fail("tests/shapes/no_reply.rs");
    cases.compile_fail("tests/shapes/borrows_over_an_await.rs");
    cases.compile_fail("tests/shapes/captures_by_reference.rs");
}
