# SPDX-License-Identifier: MIT
"""nginx, which serves the rendered answers and the plain copy of the tree, on loopback.

It is unpacked from its Debian packages and not installed: installing would enable and start a
service. It does not look at the key, sends ETags and answers If-None-Match, and never compresses.
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
DEBIAN_PACKAGES = ("nginx", "libnginx-mod-http-echo")
API_PATH = "/gpus/v2/instances"
CONNECTIONS = 16  # as many as ppiofs opens
CEILING_TRIES = 2  # of a second each; the best counts

CONFIG = """
load_module {unpacked}/usr/lib/nginx/modules/ngx_http_echo_module.so;
daemon off; master_process off; pid {prefix}/pid; error_log stderr crit;
worker_rlimit_nofile 16384;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile on; tcp_nodelay on;
    keepalive_requests 1000000000; keepalive_timeout 1h;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    default_type application/json;
    server {{
        listen 127.0.0.1:{port}; root {answers};
        location = {api} {{ {list} }}
        location ~ ^{api}/([^/]+)$ {{ {one} }}
        location /list/ {{ internal; }}
        location /one/ {{ internal; }}
        location = /counters {{ stub_status; }}
    }}
    server {{
        listen 127.0.0.1:{files_port}; absolute_redirect off;
        default_type application/octet-stream;
        location / {{ {files} }}
        location @files {{ root {tree}; autoindex on; }}
    }}
}}
"""

# By whether there is a latency: how a location sends what it has.
AT_ONCE = {
    "list": "try_files /list/page-$arg_cursor.json =404;",
    "one": "try_files /one/$1 =404;",
    "files": "try_files /nothing @files;",
}
LATE = {
    "list": "echo_sleep {s}; echo_exec /list/page-$arg_cursor.json;",
    "one": "echo_sleep {s}; echo_exec /one/$1;",
    "files": "echo_sleep {s}; echo_exec @files;",
}


def unpack(place):
    """Gets nginx and its module `echo` to @place, once."""
    program = place / "usr/sbin/nginx"
    if program.exists():
        return place
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    get = ["apt-get", "-qq", "download", *DEBIAN_PACKAGES]
    quiet = {"cwd": place, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.run(get, check=False, **quiet).returncode != 0:
        subprocess.run(["apt-get", "-qq", "update"], check=False, **quiet)
        subprocess.run(get, check=True, **quiet)
    for package in place.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, place], check=True)
    return place


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One process of one thread: as fast as the two cores of a small machine let it be."""

    def __init__(self, unpacked, place, answers, tree, latency_ms=0):
        self.answers = answers
        self.latency = latency_ms / 1000
        self.place = place
        place.mkdir(exist_ok=True)
        port, files_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.files_url = f"http://127.0.0.1:{files_port}/"
        self._asked_by_us = 0
        kinds = LATE if latency_ms else AT_ONCE
        (place / "nginx.conf").write_text(CONFIG.format(
            unpacked=unpacked, prefix=place, port=port, files_port=files_port, api=API_PATH,
            answers=answers.place, tree=tree,
            **{name: kind.format(s=f"{self.latency:.3f}") for name, kind in kinds.items()}))
        self.process = subprocess.Popen(
            [unpacked / "usr/sbin/nginx", "-p", place, "-c", "nginx.conf", "-e", "stderr"],
            start_new_session=True)
        self._wait_for(port)

    def _wait_for(self, port):
        deadline = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        self.stop()
        raise RuntimeError("nginx does not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def requests(self):
        """Answered so far, those of this function left out."""
        self._asked_by_us += 1
        with urllib.request.urlopen(self.url + "/counters") as answer:
            counters = re.search(rb"^ \d+ \d+ (\d+)", answer.read(), re.M)
        return int(counters[1]) - self._asked_by_us

    def measure_ceiling(self):
        """Requests a second that it answers to a client with nothing else to do."""
        pages = [f"{API_PATH}?limit=100" + (f"&cursor={cursor}" if cursor else "")
                 for cursor in self.answers.cursors()]
        details = [f"{API_PATH}/{id}" for id in self.answers.ids if self.answers.has_details]
        self.pages_at_once = self._ceiling(pages, CONNECTIONS)
        self.pages_in_turn = self._ceiling(pages, 1)
        self.details_at_once = self._ceiling(details, CONNECTIONS) if details else 0

    def _ceiling(self, paths, connections):
        (file := self.place / "paths").write_text("\n".join(paths) + "\n")
        command = ["wrk", "-t1", f"-c{connections}", "-d1s", "-s", HERE / "ceiling.lua", self.url,
                   "--", file]
        best = 0
        for _ in range(CEILING_TRIES):
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            if "Non-2xx" in said or "Socket errors" in said:
                raise RuntimeError(f"the server fails:\n{said}")
            best = max(best, float(re.search(r"Requests/sec:\s+(\S+)", said)[1]))
        return best

    def alone_seconds(self, requests):
        """What it would need for a walk's requests, the pages in turn and the details 16 at once."""
        pages = min(requests, self.answers.n_pages)
        rest = requests - pages
        return pages / self.pages_in_turn + (rest / self.details_at_once if rest else 0)

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
