# SPDX-License-Identifier: MIT
"""The fleets that the mock API shows: records in the shape and field order of the OpenAPI document.

fleet() is the sample account of the demo and the tests; fleet(n) begins with the sample and goes on
with made-up instances. Both are the same on every run, and fleet(n) is a prefix of fleet(n + 1).
All hosts and addresses are of domains and networks reserved for documentation.
"""
import hashlib
import random

NOW = 1755000000  # the sample's "today": fixed, so that every run shows the same
DAY = 86400
OWNER = "550e8400-e29b-41d4-a716-446655440000"
REGIONS = ("cn-south-nas-1", "cn-north-nas-2", "cn-east-ssd-1", "ap-hongkong-1")
IMAGES = (
    "registry.example/library/pytorch:2.7.1-cuda12.8",
    "registry.example/library/vllm:v0.9.2",
    "registry.example/library/ubuntu:24.04",
    "registry.example/tools/comfyui:0.3.44",
)
SHORTEST_SECRET = 12  # a shorter value ("0", "true") turns up everywhere and proves nothing


# int64 comes as text, int32 as a number.
INT64 = {"memory_gb", "end_time", "created_at", "last_started_at", "last_stopped_at", "price",
         "base_price", "instance_price", "instance_base_price", "rootfs_storage_price",
         "spot_reclaim_time", "final_price", "storage_price_per_gb", "image_size", "updated_at",
         "completed_at"}


def as_sent(value):
    """A record as the API writes it."""
    if isinstance(value, list):
        return [as_sent(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {key: str(member) if key in INT64 and type(member) is int else as_sent(member)
            for key, member in value.items()}


def token(prefix, *what):
    """A string that looks like a secret, is none, and is different for each @what."""
    return prefix + hashlib.sha256("/".join(map(str, what)).encode()).hexdigest()[:32]


def blank(id):
    """A record with every field of the document, of an instance that never ran."""
    return as_sent({
        "id": id,
        "name": "",
        "type": "gpu",
        "product_id": "rtx4090-24g-1x",
        "image": IMAGES[0],
        "registry_auth_id": "",
        "entrypoint": "",
        "command": "",
        "billing": {"mode": "postpaid"},
        "envs": [],
        "ports": [],
        "resource_specs": specs(gpus=1),
        "network": {"id": "", "ip": ""},
        "volumes": [],
        "region": REGIONS[0],
        "tools": {},
        "auto_migrate": {"enabled": False, "include_system_disk": False},
        "status": {"status": "creating", "error": "", "message": ""},
        "pricing": pricing(139000),
        "created_at": NOW,
        "last_started_at": 0,
        "last_stopped_at": 0,
        "member_id": "member-7f3a",
        "owner_id": OWNER,
        "region_version": "v2",
    })


def specs(gpus, cpus=16, memory=64, rootfs=60, first=0):
    return {
        "rootfs_size_gb": rootfs,
        "gpu_num": gpus,
        "cpu_num": cpus,
        "memory_gb": memory,
        "gpu_ids": list(range(first, first + gpus)),
    }


def pricing(price, **more):
    return {"instance_price": price, "instance_base_price": price * 6 // 5,
            "rootfs_storage_price": 17, **more}


def monthly(price):
    """pricing.prepaid: what 1, 3 and 12 months cost."""
    offers = ((1, 100), (3, 95), (12, 80))
    return {"monthly_price": [
        {"price": price * months * percent // 100, "base_price": price * months, "month": months,
         "price_precision": 2, "month_spec_id": f"spec-{months}m"} for months, percent in offers]}


def prepaid(months, days_left, renew):
    """billing of a prepaid instance."""
    return {"mode": "prepaid", "prepaid": {
        "months": months, "end_time": NOW + days_left * DAY,
        "auto_renew": {"enabled": renew, "months": 1, "status": "active" if renew else ""}}}


def tools(id, ssh_port, region, jupyter=False):
    """What an instance offers while it runs; the port and the passwords change with each start."""
    log = f"https://log.{region}.gpu-instance.example"
    return {
        "jupyter": {"endpoint": f"https://{id}-8888.jupyter.{region}.gpu-instance.example"
                    if jupyter else "", "enabled": jupyter, "port": 8888 if jupyter else 0},
        "ssh": {"command": f"ssh -p {ssh_port} root@proxy.{region}.gpu-instance.example",
                "password": token("Pw", "ssh", id, ssh_port), "username": "root"},
        "web_terminal": {"endpoint": f"wss://terminal.{region}.gpu-instance.example/{id}",
                         "enabled": True, "username": "root",
                         "password": token("Wt", "terminal", id, ssh_port)},
        "log": {"instance_endpoint": f"{log}/instance/{id}",
                "system_endpoint": f"{log}/system/{id}"},
    }


def port(number, id, region, protocol="http"):
    """An entry of ports; http is reached by name, tcp by address."""
    where = (f"https://{id}-{number}.{region}.gpu-instance.example" if protocol == "http"
             else f"203.0.113.{number % 250 + 1}:{30000 + number % 10000}")
    return {"port": number, "protocol": protocol, "endpoint": where}


def envs(**values):
    return [{"key": key, "value": value} for key, value in values.items()]


def local(mount_point):
    return {"type": "local", "id": "", "mount_point": mount_point}


def network_volume(id, mount_point):
    return {"type": "network", "id": id, "mount_point": mount_point}


def running(record, ssh_port, days_up=1, ports=(), jupyter=False):
    """Turns a record into one that runs; @ports: numbers (http) or (number, protocol)."""
    id, region = record["id"], record["region"]
    record["status"]["status"] = "running"
    record["last_started_at"] = str(NOW - days_up * DAY)
    record["tools"] = tools(id, ssh_port, region, jupyter)
    record["ports"] = [port(p, id, region) if isinstance(p, int) else port(p[0], id, region, p[1])
                       for p in ports]
    return record


def make(id, name, **fields):
    return {**blank(id), "name": name, **fields}


def without(record, *fields):
    return {key: value for key, value in record.items() if key not in fields}


def _training():
    """Two nodes of one training job, in one network with one dataset."""
    one = make(
        "8f2c41d07be93a56", "训练节点-一号", product_id="h100-80g-8x",
        envs=envs(HF_TOKEN=token("hf_", "one"), WANDB_API_KEY=token("", "wandb"),
                  MASTER_ADDR="10.2.1.11", NCCL_DEBUG="WARN"),
        resource_specs=specs(8, 128, 1024, 200),
        network={"id": "vpc-550e8400-e29b-41d4-a716-446655440000", "ip": "10.2.1.11"},
        volumes=[local("/root/scratch"), network_volume("nas-3f6b20c1", "/data"),
                 network_volume("nas-9a01cc7e", "/checkpoints")],
        created_at=NOW - 40 * DAY, pricing=pricing(15120000),
        command="torchrun --nnodes 2 --node-rank 0 train.py")
    two = make(
        "1b9e07c35da84f62", "训练节点-二号", product_id="h100-80g-8x",
        billing=prepaid(3, 51, renew=True),
        envs=envs(HF_TOKEN=token("hf_", "two"), MASTER_ADDR="10.2.1.11"),
        resource_specs=specs(8, 128, 1024, 200),
        network={"id": "vpc-550e8400-e29b-41d4-a716-446655440000", "ip": "10.2.1.12"},
        volumes=[network_volume("nas-3f6b20c1", "/data")],
        created_at=NOW - 39 * DAY, pricing=pricing(15120000, prepaid=monthly(890000000)),
        command="torchrun --nnodes 2 --node-rank 1 train.py")
    return [running(one, 51039, 3, (8888, 6006, (29500, "tcp")), jupyter=True),
            running(two, 51040, 3, (6006, (29500, "tcp")))]


def _serving():
    """Long-running services: inference, a spot worker, a small CPU machine."""
    vllm = make(
        "ca338f12f3", "vllm-qwen3-32b", product_id="l40s-48g-2x", image=IMAGES[1],
        envs=envs(OPENAI_API_KEY=token("sk-proxy-", "vllm"), VLLM_PORT="8000"),
        resource_specs=specs(2, 32, 256, 120, first=4), registry_auth_id="auth-5c21",
        volumes=[network_volume("nas-77d0e4b9", "/models")], region=REGIONS[1],
        created_at=NOW - 90 * DAY, last_stopped_at=NOW - 20 * DAY, pricing=pricing(1980000),
        entrypoint="/usr/local/bin/serve", auto_migrate={"enabled": True,
                                                         "include_system_disk": True})
    spot = make(
        "d4170a9be2c85f13", "comfyui", image=IMAGES[3], billing={"mode": "spot"},
        envs=envs(COMFY_PASSWORD=token("", "comfy")), region=REGIONS[2],
        created_at=NOW - 2 * DAY,
        pricing=pricing(69500, spot={"spot_status": "running", "spot_reclaim_time": 0}))
    cache = make(
        "60c7be5a91", "redis-cache", type="cpu", product_id="cpu-4c8g", image=IMAGES[2],
        billing=prepaid(12, 200, renew=False),
        envs=envs(REDIS_PASSWORD=token("", "redis")),
        resource_specs=specs(0, 4, 8, 20), volumes=[local("/var/lib/redis")],
        created_at=NOW - 165 * DAY, pricing=pricing(21000, prepaid=monthly(1260000)))
    nameless = make(
        "0ae95f3c7d21b846", "", type="cpu", product_id="cpu-2c4g", image=IMAGES[2],
        resource_specs=specs(0, 2, 4, 20), region=REGIONS[3],
        created_at=NOW - 5 * DAY, pricing=pricing(9000))
    return [running(vllm, 40122, 20, (8000, (9090, "tcp"))), running(spot, 33871, 2, (8188,)),
            running(cache, 42200, 165, ((6379, "tcp"),)), running(nameless, 58013, 5)]


def _others():
    """What an account also holds: stopped, on their way, reclaimed."""
    stopped = {"status": "exited", "error": "", "message": ""}
    reclaimed = {"status": "exited", "error": "SPOT_RECLAIMED",
                 "message": "竞价实例已被回收,磁盘保留 24 小时"}
    failed = {"status": "exited", "error": "OOM_KILLED", "message": "容器内存不足 (exit code 137)"}
    at = {"created_at": NOW - 30 * DAY, "last_started_at": NOW - 12 * DAY,
          "last_stopped_at": NOW - 9 * DAY}
    return [
        make("77b3e92f64c01d8a", "comfyui", image=IMAGES[3], status=stopped, **at),
        make("e5c82a1f90", "数据清洗", type="cpu", product_id="cpu-16c64g", image=IMAGES[2],
             status=failed, resource_specs=specs(0, 16, 64, 100), pricing=pricing(64000),
             volumes=[network_volume("nas-3f6b20c1", "/data")],
             envs=envs(S3_ACCESS_KEY=token("AK", "s3"), S3_SECRET_KEY=token("", "s3")), **at),
        make("2d60f8b7c3e9154a", "spot-评测", billing={"mode": "spot"}, status=reclaimed,
             region=REGIONS[2], pricing=pricing(69500, spot={
                 "spot_status": "reclaimed", "spot_reclaim_time": NOW - 9 * DAY}), **at),
        without(make("93fa5d1ce7b08246", "sd-webui", region=REGIONS[1], created_at=NOW - 180,
                     envs=envs(CIVITAI_TOKEN=token("", "civitai")),
                     status={"status": "pulling", "error": "", "message": "拉取镜像 37%"}),
                "tools"),
        make("b81d4e60fa", "张三的 notebook", created_at=NOW - 30),
        make("4c0b96ad5e72f381", "llama-finetune", product_id="a100-80g-4x",
             resource_specs=specs(4, 64, 512, 150), region=REGIONS[1], status=stopped,
             pricing=pricing(4400000), **at),
    ]


def sample():
    """The records of the sample account: fresh copies on each call."""
    return [as_sent(record) for record in _training() + _serving() + _others()]


def invented(number, dice):
    """Instance @number of a large fleet: three in four run; some 60 values each then."""
    id = f"{dice.getrandbits(64):016x}"
    gpus = dice.choice((1, 1, 1, 2, 4, 8))
    record = make(
        id, f"worker-{number:05d}", image=dice.choice(IMAGES), region=dice.choice(REGIONS),
        envs=envs(HF_TOKEN=f"hf_{dice.getrandbits(128):032x}", RANK=str(number), WORLD="cluster"),
        resource_specs=specs(gpus, 16 * gpus, 64 * gpus),
        network={"id": "vpc-7a1c", "ip": f"10.{number >> 16 & 255}.{number >> 8 & 255}"
                                         f".{number & 255}"},
        volumes=[local("/root/scratch"), network_volume(f"nas-{number % 40:04d}", "/data")],
        created_at=NOW - dice.randrange(1, 200 * DAY), pricing=pricing(139000 * gpus))
    record = as_sent(record)
    if dice.random() < 0.75:
        return running(record, dice.randrange(20000, 60000), 1, (8888, 6006), jupyter=True)
    record["status"]["status"] = "exited"
    record["last_stopped_at"] = str(NOW - dice.randrange(1, DAY))
    return record


def fleet(n=None):
    """id -> record, in the order in which the API lists them; without @n the sample alone."""
    records = sample() if n is None else sample()[:n]
    dice = random.Random(20250812)
    records += [invented(i, dice) for i in range(len(records), n or 0)]
    return {record["id"]: record for record in records}


def secrets(record):
    """The values of a record that must never show up in a log, a table or an error."""
    found = [env["value"] for env in record.get("envs", ())]
    for tool in ("ssh", "web_terminal"):
        found.append(record.get("tools", {}).get(tool, {}).get("password", ""))
    return [value for value in found if len(value) >= SHORTEST_SECRET]
