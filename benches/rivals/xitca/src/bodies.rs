//! The routes with a body. Chunks are worked on as they arrive instead of joined by an extractor.

use std::pin::pin;

use payload::{Buffer, Collect, Exchange, Refused};
use xitca_web::body::{Body, BodyExt, RequestBody, SizeHint};
use xitca_web::http::StatusCode;
use xitca_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};

use crate::{Answer, Context, content, status};

pub(crate) async fn exchange<E: Exchange>(mut context: Context<'_>) -> Answer {
    Ok(match receive::<E>(&mut context).await {
        Ok(body) => {
            let content_type = HeaderValue::from_static(E::CONTENT_TYPE);
            let mut answer = content(context, content_type, body.into_bytes());
            if let Some(encoding) = E::CONTENT_ENCODING {
                answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            answer
        }
        Err(refused) => refuse(context, refused),
    })
}

pub(crate) async fn echo(mut context: Context<'_>) -> Answer {
    Ok(match receive::<Collect>(&mut context).await {
        Ok(body) => {
            let kept = context.req_mut().headers_mut().remove(CONTENT_TYPE);
            let kept = kept.unwrap_or(HeaderValue::from_static(Collect::CONTENT_TYPE));
            content(context, kept, body.into_bytes())
        }
        Err(refused) => refuse(context, refused),
    })
}

async fn receive<E: Exchange>(context: &mut Context<'_>) -> Result<Buffer, Refused> {
    let limit = *context.state();
    let body: RequestBody = std::mem::take(context.body_get_mut());
    let expected_len = match body.size_hint() {
        SizeHint::Exact(len) => usize::try_from(len).map_err(|_| Refused::TooLong)?,
        _ => 0,
    };
    if expected_len > limit {
        return Err(Refused::TooLong);
    }
    let mut exchange = E::begin(limit, expected_len);
    let mut body = pin!(body);
    let mut pushed = Ok(());
    while let Some(chunk) = body.as_mut().data().await {
        let chunk = chunk.map_err(|_| Refused::Malformed)?;
        // A body that is not read to its end costs the connection.
        pushed = pushed.and_then(|()| exchange.push(&chunk));
        if pushed == Err(Refused::TooLong) {
            break;
        }
    }
    pushed?;
    exchange.finish()
}

fn refuse(context: Context<'_>, refused: Refused) -> xitca_web::http::WebResponse {
    let code = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    status(context, code)
}
