//! Every shape of handler that there is: all of them are registered in the same way.

use std::future::Future;
use std::rc::Rc;

use waterwheel_http::{
    BodyReader, InPlace, IntoRoute, Json, Local, Path, Query, Rejection, Reply, Request, Route,
    StatusCode,
};

#[derive(serde::Serialize, serde::Deserialize)]
struct Named {
    name: String,
}

fn text() -> &'static str {
    "text"
}

fn borrowed(request: &Request<'_>, Path(id): Path<u32>) -> String {
    format!("{} {id}", request.path())
}

fn in_place(body: InPlace<[u8]>) -> InPlace<[u8]> {
    body
}

fn fallible(body: Vec<u8>) -> Result<Json<Named>, Rejection> {
    match body.is_empty() {
        true => Err(Rejection::new(StatusCode::BAD_REQUEST, "empty")),
        false => Ok(Json(Named { name: "a".to_owned() })),
    }
}

async fn awaited(Query(named): Query<Named>) -> String {
    named.name
}

/// Nothing needs `Send`: the future never leaves its core.
async fn not_send(local: Local<Rc<u32>>, body: InPlace<[u8]>) -> InPlace<[u8]> {
    let shared = Rc::clone(&local);
    std::future::ready(()).await;
    drop(shared);
    body
}

/// The request is borrowed until the future is returned.
fn borrowed_awaited(request: &Request<'_>) -> impl Future<Output = String> + use<> {
    let path = request.path().to_owned();
    async move { path }
}

async fn streamed(mut body: BodyReader) -> Reply {
    Reply::stream(async move |mut out| {
        while let Some(window) = body.next().await {
            out.write_lease(window?).await?;
        }
        Ok(())
    })
}

fn main() {
    let routes: [Route; 10] = [
        text.into_route(),
        borrowed.into_route(),
        in_place.into_route(),
        fallible.into_route(),
        awaited.into_route(),
        not_send.into_route(),
        borrowed_awaited.into_route(),
        streamed.into_route(),
        (|| StatusCode::NO_CONTENT).into_route(),
        (async || "closure").into_route(),
    ];
    assert_eq!(routes.len(), 10);
}
