//! The name of a new stage, and the forms in which the crate spells it.

use anyhow::{Result, bail};

/// A word of lower-case letters, digits and dashes, as plans and logs show it.
#[derive(Debug)]
pub(crate) struct StageName(String);

impl StageName {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
        if name.len() > LEN_MAX || !starts_well || !name.split('-').all(is_word) {
            bail!(
                "{name:?} is no name for a stage: at most {LEN_MAX} lower-case letters and digits, \
                 a letter first, single dashes between words"
            );
        }
        Ok(Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes the name in place of the template's, in all three spellings.
    pub(crate) fn fill(&self, template: &str) -> String {
        template
            .replace("new-name", &self.0)
            .replace("new_name", &self.0.replace('-', "_"))
            .replace("NewName", &self.camel_case())
    }

    fn camel_case(&self) -> String {
        self.0.split('-').map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
    }
}

/// Longer ones would break the columns of the plans that show them.
const LEN_MAX: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_filled_in() {
        let name = StageName::parse("run-length2").unwrap();
        let filled = name.fill("waterwheel-stage-new-name waterwheel_stage_new_name::NewName");
        assert_eq!(filled, "waterwheel-stage-run-length2 waterwheel_stage_run_length2::RunLength2");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in ["", "-", "a-", "-a", "a--b", "Lz4", "4lz", "a_b", "ä", "../x", "abcdefghijklm"]
        {
            assert!(StageName::parse(name).is_err(), "{name:?}");
        }
        assert!(StageName::parse("abcdefghijkl").is_ok());
    }
}
