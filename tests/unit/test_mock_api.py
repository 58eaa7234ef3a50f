# SPDX-License-Identifier: MIT
"""The mock API itself: what the tests over a mount rely on."""
import email.utils
import gzip
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

import mock_fleet  # noqa: E402
from mock_api import DEFAULT_KEY, INSTANCES, MockApi  # noqa: E402

ONE = "8f2c41d07be93a56"
TWO = "ca338f12f3"
AT_ONCE = 80
SOON = 5  # seconds; generous: a bound for "not for ever", not a measurement


@pytest.fixture
def api():
    with MockApi() as running:
        yield running


def call(api, path=INSTANCES, key=DEFAULT_KEY, method="GET", body=None, **headers):
    """(status, headers, body) of one request on a connection of its own."""
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(api.url + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=SOON) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def fetch(api, path=INSTANCES):
    status, _, body = call(api, path)
    assert status == 200
    return json.loads(body)


def fetch_one(api, id=ONE):
    return fetch(api, f"{INSTANCES}/{id}")


def raw_exchange(api, path=f"{INSTANCES}/{ONE}", wait=SOON):
    """Everything that comes back, up to the end or until nothing came for @wait seconds."""
    came, ended = b"", "closed"
    with socket.create_connection(("127.0.0.1", api.port), timeout=wait) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nauthorization: Bearer {DEFAULT_KEY}"
                     "\r\n\r\n".encode())
        try:
            while piece := peer.recv(65536):
                came += piece
        except TimeoutError:
            ended = "silent"
        except ConnectionResetError:
            ended = "reset"
    return came, ended


def eventually(is_true):
    limit = time.monotonic() + SOON
    while not is_true():
        assert time.monotonic() < limit
        time.sleep(0.005)


# The two routes

def test_the_list_holds_every_instance_without_tools_and_pricing(api):
    answer = fetch(api)
    assert list(answer) == ["data", "next_cursor", "has_more"]
    assert [item["id"] for item in answer["data"]] == list(api.fleet)
    assert answer["next_cursor"] == "" and answer["has_more"] is False
    for item in answer["data"]:
        record = api.fleet[item["id"]]
        assert item == {k: v for k, v in record.items() if k not in ("tools", "pricing")}


def test_one_instance_is_the_bare_record_in_the_order_of_the_document(api):
    record = fetch_one(api)
    assert record == api.fleet[ONE]
    assert list(record) == list(mock_fleet.blank("x"))


def test_names_are_sent_as_utf8_and_not_as_escapes(api):
    _, _, body = call(api)
    assert "训练节点-一号".encode() in body and b"\\u" not in body


def test_paging_yields_each_instance_once():
    with MockApi(57, page_default=10, page_max=25) as api:
        for limit, pages in (("", 6), ("0", 6), ("25", 3), ("1000", 3), ("57", 3), ("19", 3)):
            ids, cursor = [], ""
            for page in range(1, pages + 1):
                answer = fetch(api, f"{INSTANCES}?limit={limit}&cursor={cursor}")
                ids += [item["id"] for item in answer["data"]]
                cursor = answer["next_cursor"]
                assert answer["has_more"] == bool(cursor) == (page < pages)
            assert ids == list(api.fleet)


def test_a_cursor_survives_changes_before_it():
    with MockApi(9, page_default=3) as api:
        ids = list(api.fleet)
        cursor = fetch(api)["next_cursor"]
        api.remove(ids[0])
        assert [i["id"] for i in fetch(api, f"{INSTANCES}?cursor={cursor}")["data"]] == ids[3:6]
        api.remove(ids[2])  # the very one it names
        after = [i["id"] for i in fetch(api, f"{INSTANCES}?cursor={cursor}")["data"]]
        assert set(after) <= set(ids[3:])


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "cursor=nonsense!", "cursor=AAAA"])
def test_a_bad_query_is_400(api, query):
    assert call(api, f"{INSTANCES}?{query}")[0] == 400


@pytest.mark.parametrize("key", [None, "", "sk-wrong", DEFAULT_KEY + "x", DEFAULT_KEY[:-1]])
def test_a_wrong_key_is_401(api, key):
    for path in (INSTANCES, f"{INSTANCES}/{ONE}"):
        status, _, body = call(api, path, key=key)
        error = json.loads(body)
        assert status == 401 and list(error) == ["code", "reason", "message", "metadata"]
        assert (error["code"], error["reason"], error["metadata"]) == (
            401, "INVALID_USER_TOKEN", {})


def test_the_key_can_change_while_it_runs(api):
    api.key = "sk-new"
    assert call(api)[0] == 401
    assert call(api, key="sk-new")[0] == 200


def test_a_missing_instance_is_404(api):
    status, _, body = call(api, f"{INSTANCES}/nosuch")
    assert status == 404
    assert json.loads(body)["reason"] == "RESOURCE_NOT_FOUND"


def test_other_routes_and_methods_are_refused(api):
    assert call(api, "/elsewhere")[0] == 404
    assert call(api, f"{INSTANCES}/{ONE}/start", method="PUT")[0] == 404
    assert call(api, f"{INSTANCES}/{ONE}", method="DELETE")[0] == 405
    assert ONE in api.fleet


def test_an_id_is_unescaped(api):
    api.add(mock_fleet.make("a/b 号%", "odd"))
    assert fetch(api, f"{INSTANCES}/a%2Fb%20%E5%8F%B7%25")["name"] == "odd"


# The fleet

def test_the_sample_has_what_the_tests_look_for():
    records = mock_fleet.sample()
    names = [record["name"] for record in records]
    statuses = {record["status"]["status"] for record in records}
    assert len(records) == len({r["id"] for r in records}) == 12
    assert statuses == {"running", "exited", "pulling", "creating"}
    assert {r["type"] for r in records} == {"gpu", "cpu"}
    assert {r["billing"]["mode"] for r in records} == {"postpaid", "prepaid", "spot"}
    assert "" in names and len(set(names)) == len(names) - 1
    assert {} in [r.get("tools") for r in records] and None in [r.get("tools") for r in records]
    for record in records:
        assert ("prepaid" in record["pricing"]) == (record["billing"]["mode"] == "prepaid")
        assert ("spot" in record["pricing"]) == (record["billing"]["mode"] == "spot")
        assert bool(record.get("tools")) == (record["status"]["status"] == "running")


def test_all_secrets_of_a_fleet_differ():
    secrets = [s for r in mock_fleet.fleet(200).values() for s in mock_fleet.secrets(r)]
    assert len(secrets) == len(set(secrets)) > 200


def test_a_large_fleet_begins_with_a_smaller_one():
    small, large = mock_fleet.fleet(30), mock_fleet.fleet(10000)
    assert len(large) == 10000
    assert list(large.items())[:30] == list(small.items())
    assert list(small)[:12] == list(mock_fleet.fleet())


def test_changes_show_in_both_routes(api):
    fetch(api), fetch_one(api)
    api.update(ONE, status={"status": "exited"}, tools=None)
    assert fetch_one(api)["status"] == {"status": "exited", "error": "", "message": ""}
    assert fetch_one(api)["tools"] is None
    assert fetch(api)["data"][0]["status"]["status"] == "exited"
    api.fleet[ONE]["name"] = "by hand"
    api.touch(ONE)
    assert fetch(api)["data"][0]["name"] == fetch_one(api)["name"] == "by hand"
    api.remove(ONE)
    assert call(api, f"{INSTANCES}/{ONE}")[0] == 404
    assert ONE not in [item["id"] for item in fetch(api)["data"]]
    api.add({"id": "another"}, id=ONE)
    assert fetch_one(api)["id"] == "another"
    api.replace_fleet({})
    assert fetch(api)["data"] == []


def test_readers_never_see_half_a_change():
    """Two fields that always change together, read by four while one writes."""
    with MockApi() as api:
        stop = threading.Event()

        def flip():
            count = 0
            while not stop.is_set():
                count += 1
                api.update(ONE, name=str(count), image=str(count))
        api.update(ONE, name="0", image="0")
        writer = threading.Thread(target=flip)
        writer.start()
        try:
            for _ in range(200):
                record, item = fetch_one(api), fetch(api)["data"][0]
                assert record["name"] == record["image"] and item["name"] == item["image"]
        finally:
            stop.set()
            writer.join()


# Counters

def test_requests_are_counted_by_kind_and_id(api):
    fetch(api)
    fetch_one(api), fetch_one(api), fetch_one(api, TWO)
    call(api, "/elsewhere", key=None)
    assert [api.count(what) for what in ("list", "get", "other", ONE, TWO, "nosuch", "*")] == [
        1, 3, 1, 2, 1, 0, 5]
    first, last = api.requests[0], api.requests[-1]
    assert first[:3] == ("GET", INSTANCES, 200)
    assert first.headers["authorization"] == f"Bearer {DEFAULT_KEY}"
    assert last.path == "/elsewhere" and last.status == 401
    assert 0 <= last.time - first.time < SOON
    api.reset_counters()
    assert api.count() == 0 and api.requests == [] and api.count(ONE) == 0


def test_keep_alive_serves_many_requests_on_one_connection(api):
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=SOON)
    headers = {"Authorization": f"Bearer {DEFAULT_KEY}"}
    for _ in range(10):
        connection.request("GET", f"{INSTANCES}/{ONE}", headers=headers)
        assert json.loads(connection.getresponse().read())["id"] == ONE
    connection.close()
    assert api.accepted == 1 and api.count("get") == 10


def test_requests_in_pieces_and_in_one_packet_are_understood(api):
    request = (f"GET {INSTANCES}/{ONE} HTTP/1.1\r\nHost: x\r\n"
               f"Authorization: Bearer {DEFAULT_KEY}\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", api.port), timeout=SOON) as peer:
        for byte in request[:-1]:
            peer.send(bytes([byte]))
        peer.sendall(request[-1:] + request + request)
        came = b""
        while came.count(b"HTTP/1.1 200") < 3 or not came.endswith(b"}"):
            came += peer.recv(65536)
    assert api.count("get") == 3


def test_many_connections_are_served_at_once(api):
    api.latency = 0.3
    barrier = threading.Barrier(AT_ONCE)
    started = time.monotonic()

    def read():
        barrier.wait()
        fetch_one(api)
    threads = [threading.Thread(target=read) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert api.count("get") == AT_ONCE
    assert api.max_in_flight > AT_ONCE // 2
    assert time.monotonic() - started < AT_ONCE * 0.3 / 3  # one after the other: 24 s


# Faults

def test_counted_faults_come_in_order_and_are_used_up(api):
    api.fault("get", status=503, times=2)
    api.fault("get", status=500, times=1)
    statuses = [call(api, f"{INSTANCES}/{ONE}")[0] for _ in range(4)]
    assert statuses == [503, 503, 500, 200]


def test_a_lasting_fault_stays_until_cleared(api):
    fault = api.fault("list", status=502)
    status, headers, body = call(api)
    assert status == 502 and headers["Content-Type"] == "text/html" and b"<html>" in body
    api.fault("list", status=429, retry_after=7, times=1)
    status, headers, body = call(api)
    assert (status, headers["Retry-After"]) == (429, "7")
    assert json.loads(body)["reason"] == "RATE_LIMIT_EXCEEDED"
    assert call(api)[0] == 502 and fetch_one(api)
    assert fault.hits == 2
    api.clear_fault(fault)
    assert call(api)[0] == 200
    api.fault(ONE, status=500), api.fault("list", status=500)
    api.clear_faults("list")
    assert call(api)[0] == 200 and call(api, f"{INSTANCES}/{ONE}")[0] == 500
    api.clear_faults()
    assert call(api, f"{INSTANCES}/{ONE}")[0] == 200


def test_a_fault_meets_only_what_it_matches(api):
    api.fault(ONE, status=500)
    assert [call(api, f"{INSTANCES}/{id}")[0] for id in (ONE, TWO)] == [500, 200]
    assert call(api)[0] == 200
    api.clear_faults()
    api.fault(lambda request: "limit=7" in request.target, status=500)
    assert call(api, f"{INSTANCES}?limit=7")[0] == 500
    assert call(api)[0] == 200
    api.fault("*", status=403)
    assert call(api)[0] == call(api, "/elsewhere")[0] == 403


def test_body_and_headers_are_replaced(api):
    api.fault("get", body=b"\xff\x00", headers={"content-type": "x/y", "ETag": '"e"'}, times=1)
    status, headers, body = call(api, f"{INSTANCES}/{ONE}")
    assert (status, body, headers["ETag"]) == (200, b"\xff\x00", '"e"')
    assert headers.get_all("Content-Type") == ["x/y"]
    api.fault("get", body={"id": "ü"}, times=1)
    assert call(api, f"{INSTANCES}/{ONE}")[2] == '{"id":"ü"}'.encode()
    date = email.utils.formatdate(usegmt=True)
    api.fault("get", status=503, retry_after=date, times=1)
    assert call(api, f"{INSTANCES}/{ONE}")[1]["Retry-After"] == date
    api.fault("get", status=204, times=1)
    assert raw_exchange(api, wait=0.2)[0].startswith(b"HTTP/1.1 204 No Content\r\n")


def test_delay_delays(api):
    api.fault("get", delay=0.3, times=1)
    started = time.monotonic()
    fetch_one(api)
    assert time.monotonic() - started >= 0.3
    assert api.max_in_flight == 1
    eventually(lambda: api.in_flight == 0)  # the last byte arrives before it is counted


def test_silence_never_answers_and_harms_nobody_else(api):
    api.fault(ONE, silence=True, times=1)
    assert raw_exchange(api, wait=0.2) == (b"", "silent")
    assert api.requests[-1].status == 0
    eventually(lambda: api.cancelled == 1 and api.in_flight == 0)
    assert fetch_one(api)["id"] == ONE


def test_cut_promises_more_than_it_sends(api):
    whole = len(call(api, f"{INSTANCES}/{ONE}")[2])
    for how, ended in (({}, "closed"), ({"silence": True}, "silent")):
        api.fault("get", cut=100, times=1, **how)
        came, end = raw_exchange(api, wait=0.3)
        head, _, body = came.partition(b"\r\n\r\n")
        assert f"Content-Length: {whole}".encode() in head
        assert len(body) == 100 and end == ended


def test_raw_bytes_take_the_place_of_the_answer(api):
    api.fault("*", raw=b"SSH-2.0-not http\r\n", times=1)
    assert raw_exchange(api) == (b"SSH-2.0-not http\r\n", "closed")
    api.fault("*", raw=b"HTTP/1.1 200 O", silence=True, times=1)
    assert raw_exchange(api, wait=0.2) == (b"HTTP/1.1 200 O", "silent")


def test_dribble_sends_in_pieces(api):
    api.fault("get", body=b"0123456789", dribble=(2, 0.02), times=1)
    started = time.monotonic()
    assert call(api, f"{INSTANCES}/{ONE}")[2] == b"0123456789"
    assert time.monotonic() - started >= 0.08
    api.fault("get", dribble_headers=(1, 0.05), times=1)
    with socket.create_connection(("127.0.0.1", api.port)) as peer:
        peer.sendall(f"GET {INSTANCES}/{ONE} HTTP/1.1\r\n\r\n".encode())
        assert peer.recv(100) == b"H"


def test_chunked_and_endless_bodies(api):
    api.fault("get", chunked=True, times=1)
    status, headers, body = call(api, f"{INSTANCES}/{ONE}")
    assert headers["Transfer-Encoding"] == "chunked" and "Content-Length" not in headers
    assert json.loads(body) == api.fleet[ONE]

    def endless():
        while True:
            yield b" " * 65536
    api.fault("get", body=endless, times=1)
    with socket.create_connection(("127.0.0.1", api.port), timeout=SOON) as peer:
        peer.sendall(f"GET {INSTANCES}/{ONE} HTTP/1.1\r\n\r\n".encode())
        came = 0
        while came < 20 << 20:
            came += len(peer.recv(1 << 20))
        assert fetch(api)  # the others are still served
    eventually(lambda: api.cancelled == 1)


def test_an_endless_body_waits_for_its_reader(api):
    made = []

    def endless():
        while True:
            made.append(1)
            yield b" " * 65536
    api.fault("get", body=endless, times=1)
    with socket.create_connection(("127.0.0.1", api.port), timeout=SOON) as peer:
        peer.sendall(f"GET {INSTANCES}/{ONE} HTTP/1.1\r\n\r\n".encode())
        eventually(lambda: made)
        time.sleep(0.5)
        first = len(made)
        time.sleep(0.2)
        assert len(made) == first  # it stands still: nothing piles up in memory


def test_close_and_reset_end_the_connection(api):
    api.fault("get", close=True, times=1)
    came, end = raw_exchange(api)
    assert json.loads(came.partition(b"\r\n\r\n")[2])["id"] == ONE and end == "closed"
    assert b"Connection:" not in came
    api.fault("get", cut=0, reset=True, times=1)
    assert raw_exchange(api)[1] == "reset"


def test_refuse_closes_the_port_until_cleared(api):
    idle = socket.create_connection(("127.0.0.1", api.port), timeout=SOON)
    eventually(lambda: api.connections == 1)
    fault = api.fault("*", refuse=True)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", api.port))
    assert idle.recv(1) == b""
    idle.close()
    api.clear_fault(fault)
    assert fetch(api)


def test_it_can_start_refusing():
    api = MockApi()
    api.fault("*", refuse=True)
    with api:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", api.port))
        api.clear_faults()
        assert fetch(api)


def test_dropped_connections_are_gone_and_new_ones_welcome(api):
    with socket.create_connection(("127.0.0.1", api.port), timeout=SOON) as idle:
        eventually(lambda: api.connections == 1)
        api.drop_connections()
        assert idle.recv(1) == b""
    assert fetch(api)


# ETag, gzip

def test_etag_is_off_unless_asked_for(api):
    assert call(api)[1]["ETag"] is None
    api.etag = True
    tag = call(api)[1]["ETag"]
    status, headers, body = call(api, **{"If-None-Match": tag})
    assert (status, headers["ETag"], body) == (304, tag, b"")
    api.update(ONE, name="new")
    status, headers, _ = call(api, **{"If-None-Match": tag})
    assert status == 200 and headers["ETag"] != tag


def test_gzip_is_used_where_both_sides_want_it(api):
    plain = call(api)[2]
    assert call(api, **{"Accept-Encoding": "gzip"})[2] == plain
    api.gzip = True
    status, headers, body = call(api, **{"Accept-Encoding": "deflate, gzip"})
    assert headers["Content-Encoding"] == "gzip" and gzip.decompress(body) == plain
    assert call(api)[2] == plain


# Control over HTTP, and the command

def post(api, path, value=None, method="POST"):
    status, _, body = call(api, "/_mock/" + path, None, method,
                           None if value is None else json.dumps(value).encode())
    return status, json.loads(body)


def test_control_over_http_is_not_counted(api):
    api.fault("*", status=500)
    assert post(api, "reset") == (200, {})
    assert post(api, "fault", {"match": ONE, "status": 503, "times": 1})[0] == 200
    assert call(api, f"{INSTANCES}/{ONE}")[0] == 503
    assert post(api, "fault", {"match": "get", "body_base64": "/wA=", "times": 1})[0] == 200
    assert call(api, f"{INSTANCES}/{ONE}")[2] == b"\xff\x00"
    assert post(api, "fault", {"no_such": 1})[0] == 400
    assert post(api, "fault", [1])[0] == 400
    assert post(api, "nowhere")[0] == 404
    counters = post(api, "counters", method="GET")[1]
    assert (counters["get"], counters["list"], counters["faults"]) == (2, 0, 0)
    assert post(api, "reset")[0] == 200
    assert api.count() == 0


def test_control_can_refuse_and_take_it_back(api):
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=SOON)
    connection.request("POST", "/_mock/fault", '{"refuse": true}')
    assert connection.getresponse().read() == b"{}"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", api.port))
    connection.request("POST", "/_mock/reset")
    assert connection.getresponse().read() == b"{}"
    connection.close()
    assert fetch(api)


def test_a_fault_may_end_by_itself(api):
    assert post(api, "fault", {"refuse": True, "seconds": 0.3})[0] == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", api.port))
    time.sleep(0.4)
    assert fetch(api)


def test_instances_change_over_http(api):
    assert post(api, f"instances/{ONE}", {"id": ONE, "status": {"status": "exited"}}, "PUT") == (
        200, {})
    assert fetch_one(api)["status"]["status"] == "exited"
    assert post(api, "instances/new%20one", {"name": "新"}, "PUT")[0] == 200
    assert fetch(api, f"{INSTANCES}/new%20one")["name"] == "新"
    assert post(api, f"instances/{ONE}", method="DELETE")[0] == 200
    assert post(api, f"instances/{ONE}", method="DELETE")[0] == 404


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_and_stops(tmp_path, end):
    key_file = tmp_path / "key"
    key_file.write_text("sk-of-file\n")
    command = subprocess.Popen(
        [sys.executable, str(TESTS / "mock_api.py"), "--key-file", str(key_file), "--instances",
         "150", "--page-max", "40"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        url = command.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        request = urllib.request.Request(f"{url}{INSTANCES}?limit=100",
                                         headers={"Authorization": "Bearer sk-of-file"})
        with urllib.request.urlopen(request, timeout=SOON) as answer:
            assert len(json.load(answer)["data"]) == 40
        os.kill(command.pid, end)
        assert command.communicate(timeout=SOON) == ("", "")
        assert command.returncode == 0
    finally:
        command.kill()
        command.wait()


def test_a_stopped_mock_leaves_nothing_behind():
    threads = threading.active_count()
    api = MockApi().start()
    api.fault("get", silence=True)
    held = socket.create_connection(("127.0.0.1", api.port), timeout=SOON)
    held.sendall(f"GET {INSTANCES}/{ONE} HTTP/1.1\r\n\r\n".encode())
    eventually(lambda: api.in_flight == 1)
    api.stop()
    assert held.recv(1) == b""
    held.close()
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", api.port))
