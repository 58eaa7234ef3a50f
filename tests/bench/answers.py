# SPDX-License-Identifier: MIT
"""The API's answers as files, for a server that does nothing but send them."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import mock_fleet  # noqa: E402
from mock_catalog import ONLY_IN_DETAIL  # noqa: E402
from mock_faults import to_json  # noqa: E402

PAGE_ITEMS = 100  # what ppiofs asks for


class Answers:
    """list/page-CURSOR.json and one/ID below @place, of the mock API's fleet of @instances."""

    def __init__(self, place, instances, with_details=True):
        self.place = place
        self.has_details = with_details
        (place / "list").mkdir(parents=True)
        (place / "one").mkdir()
        self.records = list(mock_fleet.fleet(instances).values())
        self.ids = [record["id"] for record in self.records]
        self.n_pages = max(1, -(-len(self.ids) // PAGE_ITEMS))
        for number in range(self.n_pages):
            self._write_page(number)
        if with_details:
            for record in self.records:
                self._write_detail(record)

    def cursors(self):
        return [self._cursor(number) for number in range(self.n_pages)]

    def rename_one(self):
        """What a refresh then finds: one instance in the middle of the list has another name."""
        place = len(self.records) // 2
        record = self.records[place]
        record["name"] += "-renamed"
        self._write_page(place // PAGE_ITEMS)
        if (self.place / "one" / record["id"]).exists():
            self._write_detail(record)

    @staticmethod
    def _cursor(number):
        return f"page{number}" if number else ""

    def _write_page(self, number):
        more = number + 1 < self.n_pages
        items = self.records[number * PAGE_ITEMS:(number + 1) * PAGE_ITEMS]
        self._write(f"list/page-{self._cursor(number)}.json", {
            "data": [{k: v for k, v in item.items() if k not in ONLY_IN_DETAIL} for item in items],
            "next_cursor": self._cursor(number + 1) if more else "", "has_more": more})

    def _write_detail(self, record):
        self._write(f"one/{record['id']}", record)

    def _write(self, name, value):
        """Whole or not at all: the server may be reading it."""
        path = self.place / name
        new = path.with_name(path.name + ".new")
        new.write_bytes(to_json(value))
        os.replace(new, path)

