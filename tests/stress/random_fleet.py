# SPDX-License-Identifier: MIT
"""Random accounts: records of every shape, and random changes to them. All from one Random."""
import mock_fleet

WORDS = ("a", "b", "name", "Name", "status", "tools", "a b", "训练", "-rf", "..", "%41", "x/y", "",
         "~2", "a~2", "new\nline", "\u202egpj", "\x7f", "a.b", "api_token", "PASSWORD", "secret",
         "ssh_command", "status_error", "字" * 100, "z" * 255, "z" * 300, "é" * 130, "\t", "\\")
STRINGS = (*WORDS, "ends\n", "\n", "two\nlines", "nul\0in", "half \ud800", "\x1b[31m", "😀",
           "true", "null", "0", "long " * 3000)
NUMBERS = (0, 1, -1, 139000, 2**31, 2**53 + 1, 2**63 - 1, 2**64, -5, 0.1, 1e300, -2.5)
STATUSES = ("running", "exited", "creating", "running", "toStart", "odd status/x")
KNOWN = ("name", "type", "image", "command", "billing", "envs", "ports", "resource_specs",
         "network", "volumes", "region", "tools", "auto_migrate", "status", "pricing",
         "created_at", "last_started_at", "product_id")
INNER = ("prepaid", "auto_renew", "spot", "ssh", "jupyter", "web_terminal", "log", "command",
         "monthly_price", "month", "mode", "gpu_num", "key", "value", "port", "error")
GONE = ("toRemove", "removing", "removed")
DEPTH = 4


class Shapes:
    def __init__(self, dice):
        self._dice = dice

    def scalar(self):
        kind = self._dice.randrange(8)
        if kind < 5:
            return self._dice.choice(STRINGS)
        return self._dice.choice(NUMBERS) if kind < 7 else self._dice.choice((True, False, None))

    def value(self, depth=DEPTH):
        kind = self._dice.randrange(10)
        if depth == 0 or kind < 5:
            return self.scalar()
        if kind < 8:
            return self.object(depth)
        return [self.value(depth - 1) for _ in range(self._dice.randrange(5))]

    def object(self, depth=DEPTH):
        keys = self._dice.sample((*WORDS, *INNER), self._dice.randrange(5))
        return {key: self.value(depth - 1) for key in keys}

    def list_of(self, key):
        """As envs, ports or prices: with keys that come twice, or are missing or odd."""
        elements = []
        for _ in range(self._dice.randrange(6)):
            element = {key: self._dice.choice(("A", "A", "A~2", 80, 80, None, "", "x=y")),
                       "value": self.scalar()}
            element.pop(self._dice.choice((key, "value", "other")), None)
            elements.append(element)
        return elements

    def status(self):
        status = {"status": self._dice.choice(STATUSES), "error": self._dice.choice(STRINGS),
                  "message": self.scalar(), "extra": self.value(1)}
        status.pop(self._dice.choice(list(status)))
        return status

    def tools(self):
        return {"ssh": {"command": self.value(2), "password": self.scalar()},
                "jupyter": self.value(2)}

    def pricing(self):
        return {"prepaid": {"monthly_price": self.list_of("month")}, "spot": self.value(2)}

    def field(self, name):
        """A value for the field @name: most often of its kind."""
        made = {"envs": lambda: self.list_of("key"), "ports": lambda: self.list_of("port"),
                "status": self.status, "tools": self.tools, "pricing": self.pricing}
        if name in made and self._dice.randrange(4):
            return made[name]()
        while (value := self.value()) in GONE:
            pass
        return value


class RandomFleet:
    """@records: what the API is to show."""

    def __init__(self, dice, n):
        self._dice = dice
        self._shapes = Shapes(dice)
        self._made = 0
        self.records = {}
        for _ in range(n):
            self.add()

    def add(self):
        self._made += 1
        odd = self._dice.choice(("", "", "", "/", "%", "训", " ", "-", "~2"))
        id = f"{self._dice.choice(('', odd))}i{self._made}{odd}"
        self.records[id] = mock_fleet.make(id, self._dice.choice(STRINGS))
        for _ in range(self._dice.randrange(6)):
            self.change_field(id)

    def remove(self):
        if self.records:
            del self.records[self._dice.choice(list(self.records))]

    def change_field(self, id=None):
        """One field of one record: another value, or none at all."""
        if id is None and not self.records:
            return
        id = id or self._dice.choice(list(self.records))
        record = dict(self.records[id])
        name = self._dice.choice((*KNOWN, *WORDS, "unknown"))
        if self._dice.randrange(6) == 0:
            record.pop(name, None)
        else:
            record[name] = self._shapes.field(name)
        self.records[id] = record

    def rename(self):
        if self.records:
            id = self._dice.choice(list(self.records))
            self.records[id] = {**self.records[id], "name": self._dice.choice(STRINGS)}

    def reorder(self):
        items = list(self.records.items())
        self._dice.shuffle(items)
        self.records = dict(items)

    def change(self):
        self._dice.choice((self.add, self.remove, self.rename, self.reorder, self.change_field,
                           self.change_field, self.change_field))()
