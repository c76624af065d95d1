"""Clients that break TLS on purpose, each as a named case, by tlslite-ng.

Called with the address of an arena over TLS: `hostile.py HOST PORT`. Prints a line for each case, and
ends with the number of cases that failed. What is expected of the server is written beside each case:
the alert that it sends, by its number in RFC 8446 section 6, or the answer.
"""

import socket
import sys

from tlslite.api import HandshakeSettings, TLSConnection
from tlslite.constants import ContentType
from tlslite.errors import TLSAbruptCloseError, TLSError, TLSRemoteAlert
from tlslite.messages import Message

PATIENCE = 10

CLOSE_NOTIFY = 0
UNEXPECTED_MESSAGE = 10
BAD_RECORD_MAC = 20
RECORD_OVERFLOW = 22
HANDSHAKE_FAILURE = 40
ILLEGAL_PARAMETER = 47
DECODE_ERROR = 50
NO_APPLICATION_PROTOCOL = 120

REQUEST = b"GET /plaintext HTTP/1.1\r\nhost: localhost\r\n\r\n"
ANSWER = b"Hello, World!"
UPLOAD_HEAD = b"POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n"

CASES = []


def case(function):
    """Registers a case under the name of its function."""
    CASES.append(function)
    return function


class Wire:
    """A socket whose outgoing bytes pass through `change` on their way."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.change = lambda data: [data]

    def send(self, data):
        for piece in self.change(bytes(data)):
            self.socket.sendall(piece)
        return len(data)

    def sendall(self, data):
        self.send(data)

    def __getattr__(self, name):
        return getattr(self.socket, name)


class Peer:
    """A client with its handshake done, unless `open` is false."""

    def __init__(self, version=(3, 4), open=True, change=None, **settings):
        self.wire = Wire(ADDRESS)
        if change:
            self.wire.change = change
        self.tls = TLSConnection(self.wire)
        self.tls.closeSocket = False
        self.settings = HandshakeSettings()
        self.settings.minVersion = min(version, (3, 3))
        self.settings.maxVersion = version
        for name, value in settings.items():
            setattr(self.settings, name, value)
        if open:
            self.shake_hands()

    def shake_hands(self):
        self.tls.handshakeClientCert(settings=self.settings, serverName="localhost")

    def send_raw(self, content_type, data):
        """Seals one record of any type."""
        for _ in self.tls._recordLayer.sendRecord(Message(content_type, bytearray(data))):
            pass

    def key_update(self, asks=False):
        self.send_raw(ContentType.handshake, [24, 0, 0, 1, int(asks)])
        self.rekey()

    def rekey(self):
        session, layer = self.tls.session, self.tls._recordLayer
        session.cl_app_secret, session.sr_app_secret = layer.calcTLS1_3KeyUpdate_reciever(
            session.cipherSuite, session.cl_app_secret, session.sr_app_secret
        )

    def ask(self):
        self.tls.sendall(REQUEST)
        self.expect_answer()

    def expect_answer(self, answer=ANSWER):
        seen = b""
        while answer not in seen:
            part = self.tls.recv(16384)
            assert part, f"ended after {seen!r}"
            seen += part

    def expect_alert(self, *expected):
        """Reads until the server's alert, and then to the end of the connection."""
        try:
            while self.tls.recv(16384):
                pass
            told = CLOSE_NOTIFY
        except TLSRemoteAlert as alert:
            told = alert.description
        except (TLSAbruptCloseError, ConnectionError):
            told = None
        assert told in expected, f"alert {told} instead of {expected}"
        self.expect_end()

    def expect_end(self):
        expect_end(self.wire.socket)


def expect_end(raw):
    try:
        while raw.recv(4096):
            pass
    except ConnectionError:
        pass


def raw_alert(raw):
    """The alert in clear that the server sends before there are keys."""
    seen = b""
    try:
        while part := raw.recv(4096):
            seen += part
    except ConnectionError:
        pass
    while len(seen) >= 5:
        length = int.from_bytes(seen[3:5], "big")
        if seen[0] == ContentType.alert and length == 2:
            return seen[6]
        seen = seen[5 + length :]
    return None


def handshake_fails_with(alert, **arguments):
    peer = Peer(open=False, **arguments)
    try:
        peer.shake_hands()
    except TLSRemoteAlert as told:
        assert told.description == alert, f"alert {told.description} instead of {alert}"
        peer.expect_end()
        return
    raise AssertionError("the handshake was accepted")


def record(content_type, data, version=b"\x03\x03"):
    return bytes([content_type]) + version + len(data).to_bytes(2, "big") + bytes(data)


def told_in_clear(data, *expected):
    with socket.create_connection(ADDRESS, PATIENCE) as raw:
        raw.sendall(data)
        raw.shutdown(socket.SHUT_WR)
        told = raw_alert(raw)
        assert told in expected, f"alert {told} instead of {expected}"


# What is unusual and right: it must be answered.


@case
def version_1_3_is_spoken():
    Peer().ask()


@case
def version_1_2_is_spoken():
    Peer(version=(3, 3)).ask()


@case
def hello_in_records_of_sixteen_bytes():
    peer = Peer(open=False)
    peer.tls.recordSize = 16
    peer.shake_hands()
    peer.tls.recordSize = 16384
    peer.ask()


@case
def everything_in_single_bytes():
    def one_by_one(data):
        return [data[at : at + 1] for at in range(len(data))]

    for version in [(3, 4), (3, 3)]:
        Peer(version=version, change=one_by_one).ask()


@case
def records_coalesced_in_one_piece():
    peer = Peer()
    held = []
    peer.wire.change = lambda data: held.append(data) or []
    for at in range(0, len(REQUEST), 3):
        peer.tls.sendall(REQUEST[at : at + 3])
    peer.wire.change = lambda data: [data]
    peer.wire.send(b"".join(held))
    peer.expect_answer()


@case
def pipelined_requests():
    peer = Peer()
    peer.tls.sendall(REQUEST * 20)
    seen = b""
    while seen.count(ANSWER) < 20:
        seen += peer.tls.recv(16384)


@case
def padded_records():
    peer = Peer()
    for zeros in [1, 255, 4096, 16000]:
        peer.tls._recordLayer.padding_cb = lambda *_, zeros=zeros: bytearray(zeros)
        peer.ask()


@case
def record_of_padding_to_the_last_byte():
    peer = Peer()
    peer.tls._recordLayer.padding_cb = lambda length, *_: bytearray(16385 - length)
    peer.ask()


@case
def few_records_of_no_length():
    for version in [(3, 4), (3, 3)]:
        peer = Peer(version=version)
        for _ in range(10):
            peer.send_raw(ContentType.application_data, b"")
        peer.ask()


@case
def key_updates_between_requests():
    peer = Peer()
    for asks in [False, True, True, False]:
        peer.key_update(asks)
        peer.ask()


@case
def key_update_within_a_body():
    peer = Peer()
    peer.tls.sendall(UPLOAD_HEAD + b"u" * 50)
    peer.key_update(asks=True)
    peer.tls.sendall(b"u" * 50)
    peer.expect_answer(b"u" * 100)


@case
def key_update_split_over_records():
    peer = Peer()
    peer.send_raw(ContentType.handshake, [24, 0])
    peer.send_raw(ContentType.handshake, [0, 1, 1])
    peer.rekey()
    peer.ask()


@case
def warning_that_the_user_has_cancelled():
    peer = Peer()
    peer.send_raw(ContentType.alert, [1, 90])
    peer.ask()


@case
def dummy_change_cipher_spec_in_the_handshake():
    # tlslite sends one by itself for middleboxes (RFC 8446 D.4).
    Peer(use_heartbeat_extension=False).ask()


# Floods.


@case
def flood_of_empty_records():
    # In TLS 1.2 rustls ends the connection without an alert.
    for version, told in [((3, 4), UNEXPECTED_MESSAGE), ((3, 3), None)]:
        peer = Peer(version=version)
        for _ in range(40):
            peer.send_raw(ContentType.application_data, b"")
        peer.expect_alert(told)


@case
def flood_of_key_updates():
    peer = Peer()
    for _ in range(40):
        peer.key_update()
    peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def flood_of_warnings():
    peer = Peer()
    for _ in range(10):
        peer.send_raw(ContentType.alert, [1, 90])
    peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def hello_without_end():
    # One handshake message that claims 16 MiB, in records of 16 KiB.
    with socket.create_connection(ADDRESS, PATIENCE) as raw:
        first = [1, 255, 255, 255] + [0] * 16380
        try:
            raw.sendall(record(22, first))
            for _ in range(64):
                raw.sendall(record(22, [0] * 16384))
        except ConnectionError:
            pass
        expect_end(raw)


# Records that are wrong.


@case
def changed_tag():
    for version in [(3, 4), (3, 3)]:
        peer = Peer(version=version)
        peer.wire.change = lambda data: [data[:-1] + bytes([data[-1] ^ 1])]
        peer.tls.sendall(REQUEST)
        peer.wire.change = lambda data: [data]
        peer.expect_alert(BAD_RECORD_MAC)


@case
def changed_ciphertext_behind_a_good_record():
    peer = Peer()
    peer.tls.sendall(UPLOAD_HEAD)
    peer.wire.change = lambda data: [data[:20] + bytes([data[20] ^ 128]) + data[21:]]
    peer.tls.sendall(b"u" * 100)
    peer.wire.change = lambda data: [data]
    peer.expect_alert(BAD_RECORD_MAC)


@case
def record_twice():
    peer = Peer()
    peer.wire.change = lambda data: [data, data]
    peer.tls.sendall(UPLOAD_HEAD)
    peer.wire.change = lambda data: [data]
    peer.expect_alert(BAD_RECORD_MAC)


@case
def record_left_out():
    peer = Peer()
    peer.wire.change = lambda data: []
    peer.tls.sendall(UPLOAD_HEAD)
    peer.wire.change = lambda data: [data]
    peer.tls.sendall(b"u" * 100)
    peer.expect_alert(BAD_RECORD_MAC)


@case
def record_longer_than_allowed():
    peer = Peer()
    peer.wire.send(b"\x17\x03\x03" + (16384 + 257).to_bytes(2, "big"))
    peer.expect_alert(RECORD_OVERFLOW)


@case
def content_longer_than_allowed():
    peer = Peer()
    peer.send_raw(ContentType.application_data, b"u" * 16385)
    peer.expect_alert(RECORD_OVERFLOW)


@case
def record_in_clear_after_the_handshake():
    peer = Peer()
    peer.wire.send(record(22, [1, 0, 0, 0]))
    peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def record_of_unknown_type():
    for content_type in [0, 24, 25, 99, 255]:
        peer = Peer()
        peer.wire.send(record(content_type, REQUEST))
        peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def sealed_record_of_unknown_type():
    for content_type in [1, 19, 20, 24, 255]:
        peer = Peer()
        peer.send_raw(23, b"")
        peer.send_raw(99 if content_type == 20 else content_type, REQUEST)
        peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def sealed_record_of_zeros_only():
    peer = Peer()
    peer.tls._recordLayer.padding_cb = None
    peer.send_raw(0, b"\0" * 50)
    peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def change_cipher_spec_after_the_handshake():
    peer = Peer()
    peer.wire.send(record(20, [1]))
    peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def empty_handshake_record():
    peer = Peer()
    peer.send_raw(ContentType.handshake, b"")
    peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def empty_alert_record():
    peer = Peer()
    peer.send_raw(ContentType.alert, b"")
    peer.expect_alert(UNEXPECTED_MESSAGE)


# Messages that are wrong.


@case
def second_hello():
    peer = Peer()
    peer.send_raw(ContentType.handshake, [1, 0, 0, 4, 3, 3, 0, 0])
    peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def renegotiation_in_1_2_is_refused():
    peer = Peer(version=(3, 3))
    peer.send_raw(ContentType.handshake, [1, 0, 0, 4, 3, 3, 0, 0])
    # Either the warning no_renegotiation or a fatal alert; never a ServerHello.
    peer.expect_alert(100, DECODE_ERROR, UNEXPECTED_MESSAGE)


@case
def certificate_nobody_asked_for():
    peer = Peer()
    peer.send_raw(ContentType.handshake, [11, 0, 0, 4, 0, 0, 0, 0])
    peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def key_update_with_an_illegal_request():
    peer = Peer()
    peer.send_raw(ContentType.handshake, [24, 0, 0, 1, 2])
    peer.expect_alert(ILLEGAL_PARAMETER)


@case
def key_update_of_a_wrong_length():
    peer = Peer()
    peer.send_raw(ContentType.handshake, [24, 0, 0, 2, 0, 0])
    peer.expect_alert(DECODE_ERROR)


@case
def data_within_a_key_update():
    peer = Peer()
    peer.send_raw(ContentType.handshake, [24, 0])
    peer.send_raw(ContentType.application_data, REQUEST)
    peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def message_behind_a_key_update_in_its_record():
    peer = Peer()
    peer.send_raw(ContentType.handshake, [24, 0, 0, 1, 0, 24, 0, 0, 1, 0])
    peer.expect_alert(UNEXPECTED_MESSAGE)


@case
def alert_of_a_wrong_length():
    for data in [[1], [1, 90, 0]]:
        peer = Peer()
        peer.send_raw(ContentType.alert, data)
        peer.expect_alert(DECODE_ERROR)


@case
def finished_with_a_wrong_digest():
    def spoil(data):
        # The last record of the handshake is the client's Finished, the only one that is sealed.
        is_sealed = b"\x17\x03\x03" in data
        return [data[:-1] + bytes([data[-1] ^ 1]) if is_sealed else data]

    peer = Peer(open=False, change=spoil)
    try:
        peer.shake_hands()
        peer.wire.change = lambda data: [data]
        peer.expect_alert(BAD_RECORD_MAC)
    except TLSRemoteAlert as told:
        assert told.description == BAD_RECORD_MAC, told.description


# What is agreed on, or not.


@case
def old_versions_are_refused():
    # rustls misses the signature algorithms in these hellos before it looks at the version.
    for version in [(3, 0), (3, 1), (3, 2)]:
        handshake_fails_with(HANDSHAKE_FAILURE, version=version, minVersion=version)


@case
def suites_without_forward_secrecy_are_refused():
    handshake_fails_with(HANDSHAKE_FAILURE, version=(3, 3), keyExchangeNames=["rsa"])


@case
def suites_with_cbc_are_refused():
    names = ["aes128", "aes256", "3des"]
    handshake_fails_with(HANDSHAKE_FAILURE, version=(3, 3), cipherNames=names)


@case
def unknown_application_protocol_is_refused():
    peer = Peer(open=False)
    try:
        peer.tls.handshakeClientCert(
            settings=peer.settings, serverName="localhost", alpn=[b"h2"]
        )
    except TLSRemoteAlert as told:
        assert told.description == NO_APPLICATION_PROTOCOL, told.description
        return
    raise AssertionError("h2 was agreed on")


@case
def application_protocol_http_1_1_is_agreed_on():
    peer = Peer(open=False)
    peer.tls.handshakeClientCert(
        settings=peer.settings, serverName="localhost", alpn=[b"http/1.1"]
    )
    assert peer.tls.session.appProto == b"http/1.1", peer.tls.session.appProto
    peer.ask()


@case
def resumption_in_both_versions():
    for version in [(3, 4), (3, 3)]:
        first = Peer(version=version)
        first.ask()
        session = first.tls.session
        first.tls.close()
        second = Peer(version=version, open=False)
        second.tls.handshakeClientCert(
            session=session, settings=second.settings, serverName="localhost"
        )
        assert second.tls.resumed, version
        second.ask()


# First bytes that are none.


@case
def plain_http_gets_a_sentence():
    with socket.create_connection(ADDRESS, PATIENCE) as raw:
        raw.sendall(REQUEST)
        seen = b""
        while part := raw.recv(4096):
            seen += part
        assert seen.startswith(b"HTTP/1.1 400 ") and b"HTTPS" in seen, seen


@case
def hello_of_ssl_2():
    told_in_clear(b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\0" * 37, 10, 50, 70)


@case
def garbage_instead_of_a_hello():
    told_in_clear(bytes(range(128, 228)), UNEXPECTED_MESSAGE, DECODE_ERROR)


@case
def data_instead_of_a_hello():
    told_in_clear(record(23, REQUEST), UNEXPECTED_MESSAGE)


@case
def hello_of_another_type():
    told_in_clear(record(22, [2, 0, 0, 4, 3, 3, 0, 0]), UNEXPECTED_MESSAGE, DECODE_ERROR)


@case
def hello_cut_short():
    told_in_clear(record(22, [1, 0, 0, 2, 3, 3]), DECODE_ERROR)


# Ends, at every state.


@case
def end_before_a_byte():
    with socket.create_connection(ADDRESS, PATIENCE) as raw:
        raw.shutdown(socket.SHUT_WR)
        expect_end(raw)


@case
def end_within_the_hello():
    told_in_clear(record(22, [1, 0, 1, 0, 3, 3])[:-2], None)


@case
def alert_instead_of_a_hello():
    told_in_clear(record(21, [2, 40]), None)


@case
def alert_instead_of_finished():
    def replace(data):
        # Behind the dummy ChangeCipherSpec and before the client has keys to seal with.
        return [record(21, [2, 42])] if data[:1] == b"\x17" else [data]

    peer = Peer(open=False, change=replace)
    try:
        peer.shake_hands()
    except TLSError:
        pass
    peer.expect_end()


@case
def fatal_alert_after_the_handshake():
    for version in [(3, 4), (3, 3)]:
        peer = Peer(version=version)
        peer.send_raw(ContentType.alert, [2, 80])
        peer.expect_alert(None)


@case
def fatal_alert_within_a_body():
    peer = Peer()
    peer.tls.sendall(UPLOAD_HEAD + b"u" * 50)
    peer.send_raw(ContentType.alert, [2, 80])
    peer.expect_alert(None)


@case
def close_notify_after_a_request():
    for version in [(3, 4), (3, 3)]:
        peer = Peer(version=version)
        peer.tls.sendall(REQUEST)
        peer.send_raw(ContentType.alert, [1, 0])
        peer.expect_answer()
        peer.expect_alert(CLOSE_NOTIFY)


@case
def close_notify_within_a_body():
    peer = Peer()
    peer.tls.sendall(UPLOAD_HEAD + b"u" * 50)
    peer.send_raw(ContentType.alert, [1, 0])
    peer.expect_alert(CLOSE_NOTIFY, None)


@case
def truncation_within_a_body():
    for version in [(3, 4), (3, 3)]:
        peer = Peer(version=version)
        peer.tls.sendall(UPLOAD_HEAD + b"u" * 99)
        peer.wire.shutdown(socket.SHUT_WR)
        peer.expect_alert(CLOSE_NOTIFY, None)


@case
def truncation_within_a_record():
    peer = Peer()
    peer.wire.change = lambda data: [data[:-1]]
    peer.tls.sendall(REQUEST)
    peer.wire.shutdown(socket.SHUT_WR)
    peer.expect_alert(CLOSE_NOTIFY, None)


@case
def data_after_close_notify_is_ignored():
    peer = Peer()
    peer.tls.sendall(REQUEST)
    peer.send_raw(ContentType.alert, [1, 0])
    peer.tls.sendall(REQUEST)
    peer.expect_answer()
    peer.expect_alert(CLOSE_NOTIFY)


def main():
    failed = 0
    for function in CASES:
        name = function.__name__.replace("_", " ")
        try:
            function()
        except Exception as fault:  # A case fails by whatever it raises.
            failed += 1
            print(f"FAILED tlslite: {name}: {type(fault).__name__}: {fault}", flush=True)
            continue
        print(f"ok     tlslite: {name}", flush=True)
    return failed


ADDRESS = (sys.argv[1], int(sys.argv[2]))

if __name__ == "__main__":
    sys.exit(min(main(), 100))
