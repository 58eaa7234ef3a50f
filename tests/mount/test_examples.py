# SPDX-License-Identifier: MIT
"""contrib/examples, over the real mount; the READMEs' shell lines among them."""
import json
import os
import re
import shutil

import pytest

from mounting import REPOSITORY, run

EXAMPLES = REPOSITORY / "contrib" / "examples"
PROGRAMS = sorted(path.name for path in EXAMPLES.iterdir() if os.access(path, os.X_OK))
VLLM, COMFYUI_EXITED = "ca338f12f3", "77b3e92f64c01d8a"


@pytest.fixture
def example(mount, tmp_path):
    """example(name, word…): runs it over the mount, with a fake ssh first in $PATH."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ssh").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    (tools / "ssh").chmod(0o755)

    def call(name, *words, **env):
        env = {**os.environ, "PPIO": str(mount.path), "PATH": f"{tools}:{os.environ['PATH']}",
               "WAIT_FOR_PAUSE": "0.1", **env}
        return run([EXAMPLES / name, *words], env=env)
    call.mount = mount
    return call


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def test_each_example_is_told_of_in_the_readme():
    told = re.findall(r"^\| `([\w-]+)", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert sorted(told) == PROGRAMS and len(told) >= 6


@needs("shellcheck")
@pytest.mark.parametrize("name", PROGRAMS)
def test_shellcheck_has_nothing_to_say(name):
    assert run(["shellcheck", EXAMPLES / name]).stdout == ""


@needs("fzf")
def test_ssh_pick_connects_to_the_chosen_one(example):
    done = example("ssh-pick", "-v", FZF_DEFAULT_OPTS="--filter=vllm")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "-F", f"{example.mount.path}/ssh/config", "-v", "--", f"{VLLM}.ppio"]


@needs("fzf")
def test_ssh_pick_offers_only_those_that_run(example):
    done = example("ssh-pick", FZF_DEFAULT_OPTS="--filter=llama-finetune")
    assert VLLM not in done.stdout and "4c0b96ad5e72f381" not in done.stdout


@needs("column")
def test_prices_are_those_of_the_api(example, api):
    lines = example("prices").stdout.splitlines()
    assert len(lines) == len(api.fleet) + 1 and lines[0].split()[:2] == ["id", "status"]
    row = next(line for line in lines if line.startswith(VLLM)).split()
    assert row[3] == str(api.fleet[VLLM]["pricing"]["instance_price"])


def test_wait_for_sees_the_instance_come_up(example, api, mount_factory):
    mount = mount_factory(options={"ttl": 0})
    assert example("wait-for", "vllm-qwen3-32b").returncode == 0
    assert example("wait-for", COMFYUI_EXITED, "running", "0").returncode == 1
    fault = api.fault("list", times=2, status=503)  # an API that stumbles does not end the wait
    api.update(COMFYUI_EXITED, status={"status": "running"})
    done = example("wait-for", COMFYUI_EXITED, "running", "15", PPIO=str(mount.path))
    assert done.returncode == 0, done.stderr
    api.clear_fault(fault)


def test_wait_for_gives_up_on_an_error_and_on_an_unknown_name(example, api):
    api.update(COMFYUI_EXITED, status={"error": "E42", "message": "no disk"})
    done = example("wait-for", COMFYUI_EXITED)
    assert done.returncode == 1 and "E42" in done.stderr
    assert example("wait-for", "nosuch").returncode == 2
    assert example("wait-for").returncode == 2


def test_tmux_status_counts_and_marks_old_data(example, api, mount_factory):
    running = [record for record in api.fleet.values() if record["status"]["status"] == "running"]
    gpus = sum(int(record["resource_specs"]["gpu_num"]) for record in running)
    text = f"{len(running)}/{len(api.fleet)} up, {gpus} GPUs"
    mount = mount_factory(options={"ttl": 0.1})
    assert example("tmux-status", PPIO=str(mount.path)).stdout == text + "\n"
    mount.expect_stderr(r".")
    api.fault("*", refuse=True)
    run(["sleep", "0.2"])
    assert example("tmux-status", PPIO=str(mount.path)).stdout == text + "?\n"
    assert example("tmux-status", PPIO="/nosuch").stdout == "ppio: no answer\n"


def test_prometheus_textfile_is_whole_and_well_formed(example, api, tmp_path):
    target = tmp_path / "collector"
    target.mkdir()
    api.update(COMFYUI_EXITED, region='a"b\\c')
    assert example("prometheus-textfile", target).returncode == 0
    assert [path.name for path in target.iterdir()] == ["ppiofs.prom"]
    text = (target / "ppiofs.prom").read_text()
    counts = re.findall(r"^ppio_instances\{.*\} (\d+)$", text, re.MULTILINE)
    assert sum(map(int, counts)) == len(api.fleet)
    assert "ppiofs_fuse_requests_total" in text and 'region="a\\"b\\\\c"' in text
    line = r'(#.*|\w+(\{(\w+="([^"\\\n]|\\.)*",?)*\})? -?[0-9.e+-]+)'
    assert [l for l in text.splitlines() if not re.fullmatch(line, l)] == []
    if shutil.which("promtool"):
        done = run(["sh", "-c", 'promtool check metrics <"$1"', "sh", target / "ppiofs.prom"])
        assert done.returncode == 0, done.stderr


@needs("jq")
def test_ansible_inventory_has_those_that_can_be_reached(example):
    told = json.loads(example("ansible-inventory", "--list").stdout)
    hosts = re.findall(r"^Host .*?(\S+)\.ppio$", example.mount.read("ssh/config"), re.MULTILINE)
    assert sorted(told["all"]["hosts"]) == sorted(hosts) and VLLM in hosts
    assert VLLM in told["status_running"]["hosts"]
    assert VLLM in told["region_cn_north_nas_2"]["hosts"]
    assert told["_meta"]["hostvars"][VLLM]["ppio_name"] == "vllm-qwen3-32b"
    assert told["_meta"]["hostvars"][VLLM]["ansible_host"] == f"{VLLM}.ppio"
    assert json.loads(example("ansible-inventory", "--host", VLLM).stdout) == {}
    if shutil.which("ansible"):
        done = run(["ansible", "-i", EXAMPLES / "ansible-inventory", "status_running",
                    "--list-hosts"],
                   env={**os.environ, "PPIO": str(example.mount.path), "LC_ALL": "C.UTF-8"})
        assert VLLM in done.stdout, done.stderr


def test_gpus_are_those_that_are_free_the_cheapest_first(example):
    rows = [line.split() for line in example("gpus").stdout.splitlines()[1:]]
    prices = [int(row[0]) for row in rows]
    assert prices == sorted(prices) and len(rows) == 9
    assert rows[0][:4] == ["189000", "92000", "37", "rtx4090-24g-1x"]


def test_wait_for_gpu_sees_a_card_become_free(example, api, mount_factory):
    id = "h100-80g-1x"
    mount = mount_factory(options={"ttl": 0})
    path = {"PPIO": str(mount.path)}
    assert example("wait-for-gpu", "rtx4090-24g-1x").returncode == 0
    assert example("wait-for-gpu", id, "0", **path).returncode == 1
    assert example("wait-for-gpu", "nosuch").returncode == 2
    product = api.kinds["products"][id]
    spec = product["resource_spec"]
    api.put("products", id, {**product, "resource_spec": {
        **spec, "gpu": {**spec["gpu"], "available": 1}}})
    assert example("wait-for-gpu", id, "15", **path).returncode == 0


def test_burn_tells_what_runs_and_its_price(example, api):
    lines = example("burn").stdout.splitlines()
    running = {id for id, r in api.fleet.items() if r["status"]["status"] == "running"}
    assert {line.split()[3] for line in lines[1:]} == running
    row = next(line.split() for line in lines if VLLM in line)
    assert row[2] == str(api.fleet[VLLM]["pricing"]["instance_price"])
