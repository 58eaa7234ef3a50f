# SPDX-License-Identifier: MIT
"""Certificates made with openssl(1) for a test, good ones and bad ones; and a server that has one.

    authority = Authority(tmp_path)
    with TlsFront(api, authority.issue("localhost")) as front:
        Mount(front.url, ..., options={"cacert": authority.certificate})
"""
import contextlib
import datetime
import pathlib
import select
import socket
import ssl
import subprocess
import threading

CONFIG = """
[ca]
default_ca = own
[own]
database = {place}/index
serial = {place}/serial
new_certs_dir = {place}
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
subjectKeyIdentifier = hash
"""


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def _utc(days):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return when.strftime("%Y%m%d%H%M%SZ")


class Authority:
    """@certificate: the PEM file to trust."""

    def __init__(self, place, name="authority"):
        self.place = pathlib.Path(place) / name
        self.place.mkdir()
        self._config = self.place / "config"
        self._config.write_text(CONFIG.format(place=self.place))
        (self.place / "index").touch()
        (self.place / "serial").write_text("01\n")
        self.key, self.certificate = self.place / "key", self.place / "certificate.pem"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", self.key, "-out", self.certificate, "-days", 30, "-subj",
                 f"/CN={name} of a test", "-config", self._config, "-extensions", "authority")

    def issue(self, *hosts, begins=-1, ends=30, common_name="server"):
        """A PEM file with key and certificate for @hosts (names or addresses; without any it has
        its @common_name alone), valid from @begins to @ends days from now."""
        file = self.place / f"server{len(list(self.place.iterdir()))}.pem"
        request, certificate = file.with_suffix(".csr"), file.with_suffix(".crt")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 file, "-out", request, "-subj", f"/CN={common_name}", "-config", self._config,
                 *_alternatives(hosts))
        _openssl("ca", "-batch", "-notext", "-config", self._config, "-keyfile", self.key, "-cert",
                 self.certificate, "-in", request, "-out", certificate, "-startdate", _utc(begins),
                 "-enddate", _utc(ends))
        with open(file, "a") as both:
            both.write(certificate.read_text())
        return file


def self_signed(place, *hosts):
    """As issue(), but vouched for by nobody."""
    file = pathlib.Path(place) / "self_signed.pem"
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", file, "-out", file.with_suffix(".crt"), "-days", 30, "-subj", "/CN=server",
             *_alternatives(hosts))
    with open(file, "a") as both:
        both.write(file.with_suffix(".crt").read_text())
    return file


def _alternatives(hosts):
    return ["-addext", f"subjectAltName={','.join(map(_alternative, hosts))}"] if hosts else []


def _alternative(host):
    return f"IP:{host}" if host[:1].isdigit() or ":" in host else f"DNS:{host}"


class Front:
    """A listener on loopback; a thread per connection runs serve(). Whatever goes wrong there ends
    that connection, and is kept in @failures."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.failures = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._sockets = []

    def _accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                peer, _ = self._listener.accept()
                self.connections += 1
                self._sockets.append(peer)
                self._threads.append(threading.Thread(target=self._run, args=(peer,), daemon=True))
                self._threads[-1].start()

    def _run(self, peer):
        try:
            with peer:
                self.serve(peer)
        except (OSError, ValueError) as failure:
            self.failures.append(failure)

    def serve(self, peer):
        raise NotImplementedError

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        for each in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5)


def relay(one, other, record=None):
    """Until one of them ends. @record is called with what @one sends."""
    ends = {one: other, other: one}
    while True:
        ready = [s for s in ends if isinstance(s, ssl.SSLSocket) and s.pending()]
        for source in ready or select.select(list(ends), [], [])[0]:
            data = source.recv(65536)
            if record is not None and source is one:
                record(data)
            if not data:
                return
            ends[source].sendall(data)


class TlsFront(Front):
    """Speaks TLS in front of a MockApi; @most: the highest version that it speaks."""

    def __init__(self, api, certificate, most=None, host="localhost"):
        super().__init__()
        self.url = f"https://{host}:{self.port}"
        self._api = api
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        if most is not None:
            self._context.set_ciphers("ALL:@SECLEVEL=0")
            self._context.minimum_version = ssl.TLSVersion.TLSv1
            self._context.maximum_version = most

    def serve(self, peer):
        with (self._context.wrap_socket(peer, server_side=True) as safe,
              socket.create_connection(("127.0.0.1", self._api.port)) as api):
            self._sockets.append(safe)
            relay(safe, api)
