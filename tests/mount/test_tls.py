# SPDX-License-Identifier: MIT
"""Whom the daemon trusts with the key: the right host over TLS, and nobody else."""
import ssl

import pytest
from certificates import Authority, Front, TlsFront, self_signed
from helpers import ALL, ONE, read_errno
from mounting import KEY, binary, daemon_environment, run

NAME = f"instances/{ONE}/name"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"), "stranger")


def test_a_good_certificate_of_an_authority_that_is_trusted(api, mount_factory, authority):
    with TlsFront(api, authority.issue("localhost")) as front:
        mount = mount_factory(api=front.url, options={"cacert": authority.certificate})
        assert mount.read(NAME) == ALL[ONE]["name"] + "\n"
        assert mount.read(".ppiofs/last_error") == ""
        assert api.requests[0].headers["authorization"] == f"Bearer {KEY}"


UNTRUSTED = "cannot trust the certificate of localhost:"
NOT_SET_UP = "cannot set up a secure connection to localhost:"
BAD = {
    "expired": (lambda good, bad, place: good.issue("localhost", begins=-9, ends=-1),
                UNTRUSTED, "expired"),
    "not yet valid": (lambda good, bad, place: good.issue("localhost", begins=1),
                      UNTRUSTED, "not yet valid"),
    "another host": (lambda good, bad, place: good.issue("another.example", "127.0.0.2"),
                     UNTRUSTED, "no alternative certificate subject name matches"),
    "a common name alone": (lambda good, bad, place: good.issue(common_name="localhost"),
                            UNTRUSTED, "hostname mismatch|Hostname mismatch"),
    "self-signed": (lambda good, bad, place: self_signed(place, "localhost"), UNTRUSTED,
                    "self-signed|self signed"),
    "unknown authority": (lambda good, bad, place: bad.issue("localhost"), UNTRUSTED,
                          "unable to get local issuer"),
}


def check_refused(api, mount, sentence, detail=""):
    mount.expect_stderr(sentence)
    assert read_errno(mount, NAME) == "EPROTO"
    assert "instance details cannot be fetched: GET " in mount.stderr()
    said = mount.read(".ppiofs/last_error")
    assert sentence in said and said.count("\n") == 1, said
    assert any(words in said for words in detail.split("|")), said
    assert api.count() == 0


@pytest.mark.parametrize("case", BAD)
def test_a_bad_certificate_is_EPROTO_and_a_sentence(api, mount_factory, authority, stranger,
                                                    tmp_path, case):
    make, sentence, detail = BAD[case]
    with TlsFront(api, make(authority, stranger, tmp_path)) as front:
        mount = mount_factory(api=front.url, options={"cacert": authority.certificate})
        check_refused(api, mount, sentence, detail)


def test_an_authority_that_nobody_named_is_not_trusted(api, mount_factory, authority):
    with TlsFront(api, authority.issue("localhost")) as front:
        check_refused(api, mount_factory(api=front.url), UNTRUSTED)


def test_what_the_environment_trusts_makes_no_difference(api, mount_factory, authority, stranger):
    """With cacert= only that file counts."""
    env = {"SSL_CERT_FILE": stranger.certificate, "SSL_CERT_DIR": stranger.place,
           "CURL_CA_BUNDLE": stranger.certificate, "SSLKEYLOGFILE": authority.place / "keys"}
    with TlsFront(api, stranger.issue("localhost")) as front:
        mount = mount_factory(api=front.url, env=env, options={"cacert": authority.certificate})
        check_refused(api, mount, UNTRUSTED)
    with TlsFront(api, authority.issue("localhost")) as front:
        mount = mount_factory(api=front.url, env=env, options={"cacert": authority.certificate})
        mount.read(NAME)
    assert not (authority.place / "keys").exists()


@pytest.mark.parametrize("version", (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1))
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_old_version_of_TLS_is_refused(api, mount_factory, authority, version):
    with TlsFront(api, authority.issue("localhost"), most=version) as front:
        mount = mount_factory(api=front.url, options={"cacert": authority.certificate})
        check_refused(api, mount, NOT_SET_UP)
        assert "PROTOCOL" in str(front.failures) or "protocol" in str(front.failures)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_TLS_1_2_is_enough(api, mount_factory, authority):
    with TlsFront(api, authority.issue("localhost"), most=ssl.TLSVersion.TLSv1_2) as front:
        mount_factory(api=front.url, options={"cacert": authority.certificate}).read(NAME)


def test_an_address_needs_a_certificate_for_the_address(api, mount_factory, authority):
    with TlsFront(api, authority.issue("127.0.0.1"), host="127.0.0.1") as front:
        mount_factory(api=front.url, options={"cacert": authority.certificate}).read(NAME)


class PlainFront(Front):
    """A web server that is asked for TLS and answers in clear."""

    def serve(self, peer):
        self.heard = peer.recv(65536)
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}")
        peer.recv(65536)


def test_a_server_without_TLS_is_not_sent_the_key(api, mount_factory):
    with PlainFront() as front:
        check_refused(api, mount_factory(api=f"https://localhost:{front.port}"), NOT_SET_UP)
        assert KEY.encode() not in front.heard


def test_certificates_that_cannot_be_read_are_a_sentence(api, mount_factory, authority, tmp_path):
    with TlsFront(api, authority.issue("localhost")) as front:
        mount = mount_factory(api=front.url, options={"cacert": tmp_path / "none"})
        check_refused(api, mount, "cannot read the trusted certificates for localhost:")


URLS = {
    "http://localhost:1": False, "http://api.example": False, "http://0.0.0.0": False,
    "http://127.0.0.1.api.example": False, "http://[::ffff:127.0.0.1]": False,
    "http://10.0.0.1": False, "http://[fe80::1]": False, "ftp://127.0.0.1": False,
    "file:///etc/passwd": False, "api.example": False, "https://user:sk-x@api.example": False,
    "http://127.0.0.1@api.example": False, "http://127.0.0.1#@api.example": False,
    "https://api.example": True, "http://127.0.0.1:80": True, "http://127.9.9.9": True,
    "http://[::1]:8080": True, "HTTPS://API.example": True,
}


@pytest.mark.parametrize("url", URLS)
def test_http_is_for_a_literal_loopback_address_only(tmp_path, url):
    done = run([binary(), "--print-config", "-o", f"api_url={url}"],
               env=daemon_environment(tmp_path, {}))
    assert (done.returncode == 0) == URLS[url], done.stderr
    if not URLS[url]:
        assert done.returncode == 2 and "sk-x" not in done.stderr


@pytest.mark.parametrize("word", ("insecure", "insecure=yes", "verify=no", "ssl_verify=0"))
def test_there_is_no_switch_that_turns_verification_off(tmp_path, word):
    done = run([binary(), tmp_path, "-o", word])
    assert done.returncode == 2
    assert word != "insecure" or "cacert=PATH" in done.stderr
