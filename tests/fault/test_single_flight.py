# SPDX-License-Identifier: MIT
"""Promise 4: one fetch for any number of readers; one that gives up does not take it from the
others; when the last one goes, the transfer is cancelled."""
import os
import signal

from crowd import crowd_of, parked, read_file, seconds_of, spawned
from helpers import ONE, SOON, wait_for

READERS = 64
SLOW = 0.5


# semantics: single-flight
def test_64_cold_readers_make_one_request(api, mount):
    api.latency = SLOW
    crowd = crowd_of(READERS, read_file, mount.path / "instances" / ONE / "status").start()
    assert {call.errno for call in crowd.join()} == {None}
    assert (api.count(ONE), api.count()) == (1, 1)


def test_64_that_list_make_one_request(api, mount):
    api.latency = SLOW
    places = ("instances", "by-name", "by-status", "json")
    crowd = crowd_of(READERS, os.listdir, *(mount.path / name for name in places)).start()
    assert {call.errno for call in crowd.join()} == {None}
    assert (api.count("list"), api.count()) == (1, 1)


def test_64_readers_of_many_files_of_one_instance_make_one_request(api, mount):
    mount.ls("instances")
    api.latency = SLOW
    names = ("ssh_command", "tools/ssh/password", "tools/jupyter/endpoint", "pricing")
    crowd = crowd_of(READERS, os.stat,
                     *(mount.path / "instances" / ONE / name for name in names)).start()
    assert {call.errno for call in crowd.join()} == {None}
    assert (api.count(ONE), api.count("list")) == (1, 1)


def test_after_a_failure_64_make_one_request_again(api, troubled):
    """Three tries, that is."""
    mount = troubled()
    api.fault("*", status=503)
    crowd = crowd_of(READERS, os.listdir, mount.path / "instances").start()
    assert {call.errno for call in crowd.join()} == {"EIO"}
    assert api.count() == 3


def test_who_gives_up_leaves_the_fetch_to_the_others(api, mount):
    fault = api.fault("list", delay=1.5)
    with spawned(*[["ls", mount.path / "instances"]] * 4) as readers:
        wait_for(lambda: parked(mount) == 4)
        readers[0].send_signal(signal.SIGINT)
        readers[1].kill()
        assert seconds_of(lambda: [reader.wait(SOON) for reader in readers[:2]]) < 0.5
        for reader in readers[2:]:
            out, err = reader.communicate(timeout=SOON)
            assert (reader.returncode, err) == (0, "") and ONE in out.split()
    assert (fault.hits, api.cancelled) == (1, 0)


def test_the_last_to_give_up_takes_the_transfer_along(api, mount):
    api.fault("*", silence=True)
    with spawned(["ls", mount.path / "instances"], ["ls", mount.path / "json"]) as readers:
        wait_for(lambda: parked(mount) == 2 and api.count("list") == 1)
        readers[0].send_signal(signal.SIGINT)
        readers[0].wait(SOON)
        assert api.cancelled == 0
        readers[1].send_signal(signal.SIGINT)
        readers[1].wait(SOON)
        wait_for(lambda: api.cancelled == 1)
    assert mount.stats()["ppiofs_fetches_cancelled_total"] == 1
    api.clear_faults()
    assert ONE in mount.ls("instances"), "given up is not failed: the next one asks at once"


def test_a_walk_that_is_given_up_stops_asking(api, mount):
    """What was fetched ahead ends by itself; nothing new is begun for somebody who went."""
    for i in range(100):
        api.add({"id": f"more{i:03}", "name": f"more{i:03}"})
    mount.ls("instances")
    api.latency = 0.2
    with spawned(["find", mount.path / "instances", "-name", "ssh_command"]) as (walker,):
        wait_for(lambda: api.count("get") > 20)
        walker.send_signal(signal.SIGINT)
        walker.wait(SOON)
        begun = api.count("get")
    wait_for(lambda: api.in_flight == 0)
    assert api.count("get") <= begun + 16 < 100
