//! zstd frames as clients may send them, and the ones that come back.

use anyhow::{Result, anyhow};
use zstd_safe::{CCtx, CParameter};

/// What a frame says beside its content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Framing {
    pub(crate) has_content_size: bool,
    pub(crate) has_checksum: bool,
}

pub(crate) fn seal(text: &[u8], framing: Framing) -> Result<Vec<u8>> {
    let mut context = CCtx::create();
    let mut set = |parameter| context.set_parameter(parameter).map_err(named);
    set(CParameter::CompressionLevel(1))?;
    set(CParameter::ContentSizeFlag(framing.has_content_size))?;
    set(CParameter::ChecksumFlag(framing.has_checksum))?;
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
    context.compress2(&mut frame, text).map_err(named)?;
    Ok(frame)
}

pub(crate) fn open(frame: &[u8], len_max: usize) -> Result<Vec<u8>> {
    let mut text = Vec::with_capacity(len_max);
    zstd_safe::decompress(&mut text, frame).map_err(named)?;
    Ok(text)
}

fn named(code: usize) -> anyhow::Error {
    anyhow!("zstd: {}", zstd_safe::get_error_name(code))
}
