"""Python's own TLS and `requests`: `clients.py HOST PORT CERTIFICATE`.

Prints a line for each case, and ends with the number of cases that failed.
"""

import socket
import ssl
import sys

import requests

HOST, PORT, CERTIFICATE = sys.argv[1], int(sys.argv[2]), sys.argv[3]
URL = f"https://localhost:{PORT}"
BODY = bytes(range(256)) * 4096


def requests_bodies_both_ways():
    with requests.Session() as session:
        usual = {"verify": CERTIFICATE, "timeout": 20}
        for _ in range(3):
            assert session.get(f"{URL}/plaintext", **usual).text == "Hello, World!"
            reply = session.post(f"{URL}/echo", data=BODY, **usual)
            assert (reply.status_code, reply.content) == (200, BODY)


def requests_chunked_upload():
    parts = (BODY[at : at + 10_000] for at in range(0, len(BODY), 10_000))
    reply = requests.post(f"{URL}/echo", data=parts, verify=CERTIFICATE, timeout=20)
    assert (reply.status_code, reply.content) == (200, BODY)


def requests_finds_the_certificate_wanting():
    try:
        requests.get(URL, timeout=20)
    except requests.exceptions.SSLError:
        return
    raise AssertionError("a certificate that nobody trusts was taken")


def pipelined_and_resumed():
    for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
        context = ssl.create_default_context(cafile=CERTIFICATE)
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["http/1.1"])
        session = None
        for is_second in [False, True]:
            raw = socket.create_connection((HOST, PORT), 20)
            with context.wrap_socket(raw, server_hostname="localhost", session=session) as tls:
                assert tls.session_reused == is_second, version
                assert tls.selected_alpn_protocol() == "http/1.1"
                tls.sendall(b"GET /plaintext HTTP/1.1\r\nhost: localhost\r\n\r\n" * 100)
                seen = b""
                while seen.count(b"Hello, World!") < 100:
                    seen += tls.recv(65536)
                session = tls.session
                # Waits for close_notify: an end without one raises.
                tls.sendall(
                    b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
                )
                while tls.recv(65536):
                    pass


def main():
    failed = 0
    for function in [
        requests_bodies_both_ways,
        requests_chunked_upload,
        requests_finds_the_certificate_wanting,
        pipelined_and_resumed,
    ]:
        name = function.__name__.replace("_", " ")
        try:
            function()
        except Exception as fault:  # A case fails by whatever it raises.
            failed += 1
            print(f"FAILED python: {name}: {type(fault).__name__}: {fault}", flush=True)
            continue
        print(f"ok     python: {name}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
