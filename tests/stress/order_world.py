# SPDX-License-Identifier: MIT
"""The account of the order test: few instances that change in all the ways that matter to a cache.

What is true of an instance is a Version. Each value that the API shows says of which Version it is:
what the list shows too says `listed`, what only the single GET has says `detail`.
"""
import dataclasses
from typing import Optional

import mock_fleet

IDS = ("a1", "b2", "c3")
BORN = "1755000000"


@dataclasses.dataclass(frozen=True)
class Version:
    id: str
    listed: int  # grows with each change that the list shows
    detail: int  # grows with each change that only the single GET shows, and with each restart
    runs: bool = True
    networked: bool = True  # the list shows network/id; else an empty network

    @property
    def name(self):
        return f"{self.id}-{self.listed}"

    @property
    def status(self):
        return "running" if self.runs else "exited"

    @property
    def item(self):
        """What the list says of it."""
        return dataclasses.replace(self, detail=0)

    def record(self):
        return mock_fleet.make(
            self.id, self.name, image=f"image-{self.listed}", created_at=BORN,
            status={"status": self.status, "error": "", "message": ""},
            ports=[mock_fleet.port(1000 + self.listed, self.id, "r")],
            network={**({"id": f"net-{self.listed}"} if self.networked else {}),
                     "ip": f"10.0.0.{self.detail}"},
            tools={"ssh": {"command": f"ssh -p {self.detail} root@h", "username": "root",
                           "password": f"password-{self.detail}"}} if self.runs else {},
            pricing={"instance_price": str(self.detail)})


def item_of(record):
    """What the list shows: neither tools nor pricing, and of the network only its id."""
    item = {key: value for key, value in record.items() if key not in ("tools", "pricing")}
    item["network"] = {key: value for key, value in record["network"].items() if key != "ip"}
    return item


def version_of(record) -> Optional[Version]:
    """Of a record or item that was answered; None if that says the instance is gone."""
    if record["status"]["status"] == "removing":
        return None
    return Version(record["id"], int(record["image"].rpartition("-")[2]),
                   int(record.get("pricing", {}).get("instance_price", 0)),
                   record["status"]["status"] == "running", "id" in record["network"])


class World:
    """Changes what @api shows; change() takes two numbers and never refuses."""

    def __init__(self, api):
        self._api = api
        self._now = {}  # id -> Version; also of those that are away
        self._counter = 1
        for id in IDS:
            self._now[id] = Version(id, 1, 1)
            api.add(self._now[id].record())

    def _show(self, version):
        self._now[version.id] = version
        self._api.add(version.record())
        return version

    def _next(self, version, **changes):
        self._counter += 1
        numbers = {name: self._counter for name in changes.pop("grow")}
        return self._show(dataclasses.replace(version, **numbers, **changes))

    def _vanish(self, version):
        self._api.remove(version.id)
        return "absent"

    def _removing(self, version):
        self._api.update(version.id, status={"status": "removing"})
        return "removing"

    def change(self, which, how):
        """What happened, in words."""
        id = IDS[which % len(IDS)]
        version = self._now[id]
        if id not in self._api.fleet or (
                self._api.fleet[id]["status"]["status"] == "removing" and how % 2):
            # Half of them return as they were: with the same timestamps.
            what = self._show(version) if how % 4 < 2 else self._next(
                version, grow=("listed", "detail"))
        else:
            what = self.WAYS[how % len(self.WAYS)](self, version)
        return f"{id}: {what}"

    WAYS = (
        _vanish,
        _vanish,
        _removing,
        lambda self, version: self._next(version, grow=("listed", "detail"), runs=True),
        lambda self, version: self._next(version, grow=("listed", "detail"), runs=True),
        lambda self, version: self._next(version, grow=("listed", "detail"), runs=False),
        lambda self, version: self._next(version, grow=("listed",)),
        lambda self, version: self._next(version, grow=("detail",)),
        lambda self, version: self._next(version, grow=("detail",)),
        lambda self, version: self._next(version, grow=(), networked=not version.networked),
    )
