//! A whole server answers through the stage, without a socket.

use waterwheel::lab::{Delivery, Lab};
use waterwheel::{App, Handler, InPlace};
use waterwheel_stage_ascii85::Ascii85;

fn upper(mut text: InPlace<[u8]>) -> InPlace<[u8]> {
    text.make_ascii_uppercase();
    text
}

fn lab() -> Lab {
    Lab::new(App::new().post("/upper", upper.through(Ascii85::new())))
}

#[test]
fn request_and_reply_pass_the_stage() {
    let mut lab = lab();
    for delivery in [Delivery::Whole, Delivery::ByteByByte] {
        lab.deliver(delivery);
        let reply = lab.post("/upper").body(&b"G@>T)EW"[..]).send();
        assert_eq!((reply.status(), reply.text(), reply.copies()), (200, "=$]eS;?", 0));
    }
}

#[test]
fn body_that_needs_another_run_is_answered_from_there() {
    let reply = lab().post("/upper").body(&b"z@:B"[..]).send();
    assert_eq!((reply.status(), reply.text(), reply.copies()), (200, "!!!!!5sb", 0));
}

#[test]
fn faults_have_their_status() {
    let mut lab = lab();
    assert_eq!(lab.post("/upper").body(&b"no digits"[..]).send().status(), 400);
    assert_eq!(lab.post("/upper").body(vec![b'z'; 300_000]).send().status(), 413);
    assert_eq!(lab.post("/upper").body(vec![b'z'; 200_000]).send().status(), 200);
}
