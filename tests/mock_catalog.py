# SPDX-License-Identifier: MIT
"""What the mock API answers about a fleet: details and pages, serialised once, kept until changed.

The catalog belongs to the thread of the server's loop; nobody else may change it.
"""
import base64

from mock_faults import error_answer, to_json
from mock_http import Answer

ONLY_IN_DETAIL = ("tools", "pricing")


def merged(old, change):
    """@old with @change: objects are merged, all else (null too) takes the place of what was."""
    if not isinstance(old, dict) or not isinstance(change, dict):
        return change
    return {**old, **{key: merged(old.get(key), value) for key, value in change.items()}}


def listed(record):
    """What the list shows of a record."""
    if not isinstance(record, dict):
        return record
    return {k: v for k, v in record.items() if k not in ONLY_IN_DETAIL}


class Catalog:
    """@bare: the last page has "data" alone."""

    def __init__(self, fleet, page_default, page_max, item_of=listed, bare=False):
        self.fleet = fleet
        self.item_of = item_of
        self.bare = bare
        self.page_default = page_default
        self.page_max = page_max
        self.forget()

    def forget(self, id=None):
        """Drops what was serialised, of one record or of all."""
        if id is None:
            self._details, self._items = {}, {}
        else:
            self._details.pop(id, None)
            self._items.pop(id, None)
        self._pages, self._ids = {}, None

    def replace(self, fleet):
        self.fleet.clear()
        self.fleet.update(fleet)
        self.forget()

    def put(self, id, record):
        self.fleet[id] = record
        self.forget(id)

    def remove(self, id):
        del self.fleet[id]
        self.forget(id)

    def detail(self, id):
        answer = self._details.get(id)
        if answer is None:
            if id not in self.fleet:
                return error_answer(404, "instance not found")
            answer = self._details[id] = Answer(200, to_json(self.fleet[id]))
        return answer

    def page(self, limit, cursor):
        """The page after @cursor; @limit and @cursor as they stand in the query."""
        answer = self._pages.get((limit, cursor))
        if answer is None:
            if limit and not limit.isdecimal():
                return error_answer(400, "limit is not a number")
            start = self._position(cursor)
            if start is None:
                return error_answer(400, "unknown cursor")
            size = min(int(limit or 0) or self.page_default, self.page_max)
            answer = self._pages[limit, cursor] = self._make_page(start, size)
        return answer

    def _make_page(self, start, size):
        end, more = start + size, start + size < len(self._all_ids())
        items = b",".join(map(self._item, self._all_ids()[start:end]))
        if self.bare and not more:
            return Answer(200, b'{"data":[%s]}' % items)
        cursor = self._cursor(end) if more else b""
        return Answer(200, b'{"data":[%s],"next_cursor":"%s","has_more":%s,"total":%d}' % (
            items, cursor, b"true" if more else b"false", len(self._all_ids())))

    def _item(self, id):
        item = self._items.get(id)
        if item is None:
            item = self._items[id] = to_json(self.item_of(self.fleet[id]))
        return item

    def _all_ids(self):
        if self._ids is None:
            self._ids = list(self.fleet)
        return self._ids

    def _cursor(self, end):
        """Names the last item of the page, so that changes before it do not shift the next one."""
        return base64.urlsafe_b64encode(f"{end}:{self._ids[end - 1]}".encode())

    def _position(self, cursor):
        if not cursor:
            return 0
        try:
            end, _, last = base64.urlsafe_b64decode(cursor).decode().partition(":")
            end = int(end)
        except ValueError:
            return None
        ids = self._all_ids()
        if 0 < end <= len(ids) and ids[end - 1] == last:
            return end
        return ids.index(last) + 1 if last in self.fleet else min(max(end, 0), len(ids))
