# SPDX-License-Identifier: MIT
"""Where requests do not go: after a redirect, and in clear through a proxy."""
import socket

import pytest
from certificates import Authority, Front, TlsFront, relay
from helpers import ONE, read_errno
from mock_api import MockApi
from mounting import KEY, binary, daemon_environment, run

NAME = f"instances/{ONE}/name"
PASSWORD = "Proxy-password-0123456789"


class Proxy(Front):
    """Of HTTP: connects as told, or answers @answer; @heard: all that came in, tunnels too."""

    def __init__(self, answer=None):
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}"
        self.heard = b""
        self._answer = answer

    def _hear(self, data):
        self.heard += data

    def serve(self, peer):
        head = b""
        while b"\r\n\r\n" not in head:
            came = peer.recv(65536)
            self._hear(came)
            head += came
            if not came:
                return
        if self._answer is not None:
            peer.sendall(self._answer)
            relay(peer, socket.socketpair()[0], self._hear)
            return
        method, target, _ = head.split(b" ", 2)
        assert method == b"CONNECT", head
        host, _, port = target.decode().rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            relay(peer, there, self._hear)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(api, authority):
    """The API behind TLS, and the options to trust it."""
    with TlsFront(api, authority.issue("localhost")) as front:
        front.options = {"cacert": authority.certificate}
        yield front


# Redirects

@pytest.mark.parametrize("status", (301, 302, 303, 307, 308))
@pytest.mark.parametrize("to", ("another port", "another host", "another scheme", "itself"))
def test_no_redirect_is_followed(api, mount_factory, status, to):
    with MockApi(key=None) as other:
        place = {"another port": other.url, "another host": f"http://127.0.0.2:{other.port}",
                 "another scheme": f"https://127.0.0.1:{other.port}", "itself": api.url}[to]
        api.fault("*", status=status, body="",
                  headers={"Location": f"{place}/gpus/v2/instances/{ONE}"})
        mount = mount_factory()
        mount.expect_stderr("cannot be fetched: .*redirects")
        assert read_errno(mount, NAME) == "EPROTO"
        assert "ppiofs follows no redirect" in mount.read(".ppiofs/last_error")
        assert other.accepted == 0 and api.count() == 1


# Proxies

PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@pytest.mark.parametrize("way", ("option", "configuration", *PROXY_VARIABLES))
def test_a_proxy_sees_where_and_nothing_else(api, mount_factory, tls, tmp_path, way):
    with Proxy() as proxy:
        options, env = dict(tls.options), {}
        if way == "option":
            options["proxy"] = proxy.url
        elif way == "configuration":
            options["config"] = tmp_path / "config"
            options["config"].write_text(f"[defaults]\nproxy = {proxy.url}\n")
        else:
            env[way] = proxy.url
        mount = mount_factory(api=tls.url, options=options, env=env)
        mount.read(NAME)
        assert proxy.heard.startswith(b"CONNECT localhost:%d HTTP/1.1\r\n" % tls.port)
        assert len(proxy.heard) > 500  # the tunnel was heard, too
        assert api.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in proxy.heard
    assert b"authorization" not in proxy.heard.lower()


@pytest.mark.parametrize("way", ("option", "http_proxy", "all_proxy", "ALL_PROXY"))
def test_plain_http_on_loopback_goes_through_no_proxy(api, mount_factory, way):
    with Proxy() as proxy:
        options = {"proxy": proxy.url} if way == "option" else {}
        mount = mount_factory(options=options, env={} if way == "option" else {way: proxy.url})
        mount.read(NAME)
        assert proxy.connections == 0 and api.count() == 1


@pytest.mark.parametrize("empty", ({"proxy": ""}, {}), ids=("proxy=", "no_proxy"))
def test_a_proxy_of_the_environment_can_be_left_out(api, mount_factory, tls, empty):
    with Proxy() as proxy:
        env = {"https_proxy": proxy.url, **({} if empty else {"no_proxy": "localhost"})}
        mount_factory(api=tls.url, options={**tls.options, **empty}, env=env).read(NAME)
        assert proxy.connections == 0


ANSWERS = {
    "it asks for a password": b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                              b"Proxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
    "it redirects": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n"
                    b"Content-Length: 0\r\n\r\n",
    "it answers itself": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         b"Content-Length: 2\r\n\r\n{}",
    "it is no proxy": b"SSH-2.0-none\r\n",
}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_hostile_proxy_does_not_get_the_key(api, mount_factory, tls, case):
    with Proxy(ANSWERS[case]) as proxy:
        mount = mount_factory(api=tls.url, options={**tls.options, "proxy": proxy.url,
                                                    "timeout": 2})
        mount.expect_stderr("cannot be fetched|not reachable")
        assert read_errno(mount, NAME) is not None
        assert mount.read(".ppiofs/last_error") != ""
    assert KEY.encode() not in proxy.heard and api.count() == 0


@pytest.mark.parametrize("works", (True, False), ids=("it works", "it is away"))
def test_the_password_of_a_proxy_is_for_the_proxy_alone(api, mount_factory, tls, works):
    with Proxy() as proxy:
        if not works:
            proxy.__exit__()
        url = proxy.url.replace("//", f"//me:{PASSWORD}@")
        mount = mount_factory(api=tls.url, options=tls.options, env={"PPIOFS_PROXY": url})
        mount.expect_stderr("cannot be fetched|not reachable" if not works else "nothing")
        assert (read_errno(mount, NAME) is None) == works
        assert b"proxy-authorization" in proxy.heard.lower() or not works
    told = mount.stderr() + "".join(mount.read(f".ppiofs/{name}") for name in mount.ls(".ppiofs"))
    assert f"proxy=http://***@127.0.0.1:{proxy.port}" in told
    assert PASSWORD not in told
    done = run([binary(), "--print-config"],
               env=daemon_environment(mount.tmp_path, {"PPIOFS_PROXY": url}))
    assert done.returncode == 0 and PASSWORD not in done.stdout


def test_a_proxy_that_speaks_TLS_must_have_a_good_certificate(api, mount_factory, tls, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    with TlsFront(api, stranger.issue("localhost")) as front:
        mount = mount_factory(api=tls.url, options={**tls.options, "proxy": front.url})
        mount.expect_stderr("cannot be fetched")
        assert read_errno(mount, NAME) == "EPROTO"
        assert api.count() == 0
