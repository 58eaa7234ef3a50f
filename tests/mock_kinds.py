# SPDX-License-Identifier: MIT
"""The account's other kinds in the mock API: where each list is, and the sample account's objects.

sample() has what kinds.c of ppiofs has a row for, by the name of the directory. Prices, stock and
names are made up; hosts and networks are reserved for documentation.
"""
import dataclasses

from mock_fleet import DAY, IMAGES, NOW, OWNER, REGIONS, as_sent, token


@dataclasses.dataclass(frozen=True)
class Kind:
    route: str
    query: tuple = ()  # what a request must say; another one is answered 400
    identity: str = "id"
    bare: bool = False  # the last page has "data" alone


PRODUCTS = "/gpus/v2/products"
KINDS = {
    "products": Kind(PRODUCTS, (("type", "gpu"), ("category", "instance")), bare=True),
    "products-cpu": Kind(PRODUCTS, (("type", "cpu"), ("category", "instance")), bare=True),
    "products-serverless": Kind(PRODUCTS, (("type", "gpu"), ("category", "serverless")), bare=True),
    "regions": Kind("/gpus/v2/regions"),
    "endpoints": Kind("/gpus/v2/endpoints"),
    "templates": Kind("/gpus/v2/templates"),
    "networks": Kind("/gpus/v2/networks"),
    "prewarm-tasks": Kind("/gpus/v2/prewarm-tasks", identity="task_id"),
}

GPUS = (
    # id               GPU                 GB  most  free  a card and hour   spot  regions
    ("rtx4090-24g-1x", "RTX 4090", 24, 8, 37, 189000, 92000, REGIONS[:3]),
    ("rtx4090-48g-1x", "RTX 4090 48GB", 48, 8, 4, 259000, None, REGIONS[:1]),
    ("rtx5090-32g-1x", "RTX 5090", 32, 8, 12, 329000, 165000, REGIONS[:2]),
    ("rtx3090-24g-1x", "RTX 3090", 24, 8, 0, 129000, None, REGIONS[2:3]),
    ("l40s-48g-1x", "L40S", 48, 8, 9, 459000, 229000, REGIONS[1:3]),
    ("l40s-48g-2x", "L40S", 48, 4, 3, 459000, None, REGIONS[1:2]),
    ("a100-80g-1x", "A100 SXM4", 80, 8, 2, 1099000, 549000, REGIONS[:2]),
    ("a100-80g-4x", "A100 SXM4", 80, 2, 1, 1099000, None, REGIONS[1:2]),
    ("h100-80g-1x", "H100 SXM", 80, 8, 0, 1890000, 945000, REGIONS[:1]),
    ("h100-80g-8x", "H100 SXM", 80, 1, 1, 1890000, None, REGIONS[:1]),
    ("h200-141g-8x", "H200 SXM", 141, 1, 0, 2590000, None, REGIONS[3:]),
    ("rtx6000ada-48g-1x", "RTX 6000 Ada", 48, 8, 15, 419000, 210000, REGIONS),
)


def price(amount):
    return {"base_price": amount * 6 // 5, "final_price": amount, "unit": "per_hour"}


def product(id, name, type, category, regions, spec, postpaid, spot=None, **more):
    return {
        "id": id, "name": name, "type": type, "category": category, "description": "",
        "region_ids": list(regions), "resource_spec": spec,
        "pricing": {
            "precision": 5, "postpaid": price(postpaid), "spot": spot and price(spot),
            "prepaid": [{"spec_id": f"{id}-{months}m", "duration_months": months,
                         "final_price": postpaid * 24 * 30 * months * percent // 100,
                         "base_price": postpaid * 24 * 30 * months}
                        for months, percent in ((1, 90), (3, 85), (12, 70))],
            "storage_price_per_gb": 17},
        "billing_methods": ["postpaid", "prepaid"] + (["spot"] if spot else []),
        "inventory_state": "normal", "deployable": True, "activity": None, **more,
    }


def gpu_product(row):
    id, gpu, memory, most, free, hour, spot, regions = row
    spec = {"gpu": {"spec_id": f"spec-{id}", "name": gpu, "memory_gb": memory, "min": 1,
                    "max": most, "available": free, "max_available": min(free, most)},
            "cpu": 16, "memory_gb": 64, "rootfs": {"min_gb": 20, "max_gb": 500, "free_gb": 60}}
    return product(id, gpu, "gpu", "instance", regions, spec, hour, spot, deployable=free > 0,
                   inventory_state="none" if free == 0 else "low" if free < 3 else "normal")


def cpu_product(cores, memory, hour):
    spec = {"gpu": None, "cpu": cores, "memory_gb": memory,
            "rootfs": {"min_gb": 20, "max_gb": 200, "free_gb": 20}}
    return product(f"cpu-{cores}c{memory}g", f"{cores} vCPU, {memory} GB", "cpu", "instance",
                   REGIONS, spec, hour)


def serverless_product(row):
    one = gpu_product(row)
    return {**one, "id": "sl-" + one["id"], "category": "serverless", "billing_methods": ["postpaid"]}


def region(id, gpus, volumes, vpc):
    return {"id": id, "name": id.upper(), "gpus": gpus,
            "feature": {"network_volume": volumes, "instance_vpc_network": vpc}}


def worker(number, state):
    return {"id": f"worker-{number}", "status": {"status": state, "error": "", "message": ""},
            "log": f"https://log.cn-north-nas-2.gpu-instance.example/w/{token('k', 'log', number)}",
            "health": "healthy" if state == "running" else "", "drain": False}


def endpoints():
    return [{
        "id": "ep-qwen3-8b-7f21", "name": "qwen3-8b", "app_name": "qwen3",
        "status": {"status": "serving", "error": "", "message": ""},
        "url": "https://ep-qwen3-8b-7f21.serverless.example", "product_id": "sl-rtx4090-24g-1x",
        "worker_config": {"min_replicas": 1, "max_replicas": 4, "idle_timeout": 300,
                          "max_concurrent_per_worker": 10, "gpu_num": 1, "rootfs_size_gb": 60,
                          "min_cuda_version": "12.4", "request_timeout": 60},
        "policy": {"type": "queue", "value": 100}, "image": IMAGES[1], "registry_auth_id": "",
        "entrypoint": "", "command": "serve --model Qwen3-8B",
        "volumes": [{"id": "nas-77d0e4b9", "type": "network", "size": 200,
                     "mount_point": "/models"}],
        "envs": [{"key": "HF_TOKEN", "value": token("hf_", "endpoint")}],
        "ports": [8000], "workers": [worker(1, "running"), worker(2, "pulling")],
        "health_check": {"path": "/health", "port": 8000}, "region_id": REGIONS[1],
        "member_id": "member-7f3a", "owner_id": OWNER, "created_at": NOW - 12 * DAY}]


def template(id, name, image, ports, envs, visibility="private", readme=""):
    return {
        "id": id, "owner_id": OWNER, "name": name, "type": "instance", "visibility": visibility,
        "image": image, "registry_auth_id": "", "command": "", "entrypoint": "",
        "rootfs_size_gb": 60,
        "ports": [{"protocol": "http", "port": number} for number in ports],
        "envs": [{"key": key, "value": value} for key, value in envs.items()],
        "metadata": {"readme": readme, "logo": "", "description": name, "author": "member-7f3a",
                     "tags": ["team"]},
        "min_cuda_version": "12.4", "created_at": NOW - 60 * DAY, "updated_at": NOW - 3 * DAY,
        "member_id": "member-7f3a"}


def templates(n=None):
    """The sample's, or @n invented ones."""
    if n is not None:
        return [template(f"tpl-{i:05d}", f"worker-{i}", IMAGES[i % 4], (8888, 6006), {
            "TOKEN_OF": token("t", i), "RANK": str(i)}) for i in range(n)]
    return [
        template("tpl-vllm", "vLLM 推理", IMAGES[1], (8000,),
                 {"HF_TOKEN": token("hf_", "template"), "VLLM_PORT": "8000"},
                 readme="# vLLM\n\nServes a model on port 8000.\n"),
        template("tpl-comfyui", "comfyui", IMAGES[3], (8188, 8888),
                 {"COMFY_PASSWORD": token("", "template-comfy")}),
        template("tpl-pytorch", "PyTorch 2.7", IMAGES[0], (8888, 6006), {}, "public"),
    ]


def prewarm_task(id, image, state, message="", completed=0):
    return {
        "task_id": id, "name": image.rpartition("/")[2], "image": image, "region_id": REGIONS[0],
        "product_ids": ["rtx4090-24g-1x", "h100-80g-8x"], "image_size": 18 << 30,
        "created_at": NOW - DAY, "completed_at": completed,
        "status": {"status": state, "error": "", "message": message}, "registry_auth_id": "",
        "note": "", "reason": [message] if message else []}


def sample():
    """directory -> id -> record; fresh copies on each call."""
    records = {
        "products": [gpu_product(row) for row in GPUS],
        "products-cpu": [cpu_product(2, 4, 9000), cpu_product(4, 8, 21000),
                         cpu_product(16, 64, 64000)],
        "products-serverless": [serverless_product(row) for row in GPUS[:5]],
        "regions": [region(id, [row[1] for row in GPUS if id in row[7]], "ssd" not in id,
                           "hongkong" not in id) for id in REGIONS],
        "endpoints": endpoints(),
        "templates": templates(),
        "networks": [{"id": "vpc-550e8400-e29b-41d4-a716-446655440000", "owner_id": OWNER,
                      "name": "训练网络", "region_id": REGIONS[0], "cidr": "10.2.0.0/16",
                      "status": {"status": "available", "error": "", "message": ""},
                      "created_at": NOW - 41 * DAY}],
        "prewarm-tasks": [
            prewarm_task("pw-1", IMAGES[1], "succeeded", completed=NOW - DAY + 900),
            prewarm_task("pw-2", IMAGES[0], "running"),
            prewarm_task("pw-3", IMAGES[3], "failed", "no space left", NOW - DAY + 60),
            prewarm_task("pw-4", IMAGES[2], "pending")],
    }
    return {kind: {record[KINDS[kind].identity]: record for record in map(as_sent, some)}
            for kind, some in records.items()}


def find(path, query):
    """The kind whose list is asked for there, and whether the query says what it must."""
    found = [name for name, kind in KINDS.items() if kind.route == path]
    for name in found:
        if all(query.get(key, [""])[0] == value for key, value in KINDS[name].query):
            return name, True
    return (found[0], False) if found else (None, False)
