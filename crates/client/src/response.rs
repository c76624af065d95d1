//! The reply of a backend.

use http::{HeaderName, HeaderValue, StatusCode};

use crate::{Body, ClientError};

/// What a backend answered: status and fields, and content that is still coming.
#[derive(Debug)]
pub struct Response {
    pub(crate) status: StatusCode,
    pub(crate) fields: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Body,
}

impl Response {
    /// The status; never 1xx.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// All fields in the order in which they came.
    #[must_use]
    pub fn fields(&self) -> &[(HeaderName, HeaderValue)] {
        &self.fields
    }

    /// The first field of this name.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The content, to be received piece by piece. Dropping it closes the connection unless all of
    /// it has been received.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.body
    }

    /// All of the content, if it is at most `len_max` bytes long.
    ///
    /// # Errors
    /// [`ClientError::TooLong`], as soon as that is known; otherwise as [`Body::next`].
    pub async fn into_bytes(self, len_max: usize) -> Result<Vec<u8>, ClientError> {
        let mut body = self.body;
        let stated = body.content_len().unwrap_or(0);
        if stated > len_max as u64 {
            return Err(ClientError::TooLong);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stated).unwrap_or(0));
        while let Some(piece) = body.next().await? {
            if piece.len() > len_max - bytes.len() {
                return Err(ClientError::TooLong);
            }
            bytes.extend_from_slice(piece.payload());
        }
        Ok(bytes)
    }
}
