//! Decoders as one writes them over a `Vec` when nothing but their result matters.

/// Pairs of hexadecimal digits.
pub(crate) fn hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// Escapes of two digits behind a `%`; all other bytes stand for themselves.
pub(crate) fn percent(text: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        content.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            other => other,
        });
    }
    Some(content)
}

/// The value of a hexadecimal digit.
pub(crate) fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
