//! A whole server answers through the stage, without a socket.

use waterwheel::lab::Lab;
use waterwheel::{App, Handler, InPlace};
use waterwheel_stage_new_name::NewName;

fn upper(mut text: InPlace<[u8]>) -> InPlace<[u8]> {
    text.make_ascii_uppercase();
    text
}

#[test]
fn request_and_reply_pass_the_stage() {
    let mut lab = Lab::new(App::new().post("/upper", upper.through(NewName::new())));
    let turned_over = |text: &[u8]| -> Vec<u8> { text.iter().map(|byte| !byte).collect() };
    let reply = lab.post("/upper").body(turned_over(b"water")).send();
    assert_eq!((reply.status(), reply.body()), (200, turned_over(b"WATER").as_slice()));
}
