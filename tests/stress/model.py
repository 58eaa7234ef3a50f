# SPDX-License-Identifier: MIT
"""The tree that an account must show, computed from its records and the published mapping alone.

instance_files() maps one record; expected() the whole mount but what tells of the mount itself.
A tree is {path: entry}; an entry is ("dir",), ("file", bytes, mode) or ("link", target).
"""
import hashlib
import itertools
import json
import re

OBJECTS = {"status", "billing", "billing.prepaid", "billing.prepaid.auto_renew", "resource_specs",
           "network", "tools", "tools.jupyter", "tools.ssh", "tools.web_terminal", "tools.log",
           "auto_migrate", "pricing", "pricing.prepaid", "pricing.spot"}
ARRAYS = {"envs": "key", "ports": "port", "pricing.prepaid.monthly_price": "month",
          "volumes": None}
SECRET = re.compile(r"(?i)(?<![a-z0-9])(password|passwd|token|secret|credential)s?(?![a-z0-9])"
                    r"|(private_?key|api_?key|access_?key)s?\Z|\Aenvs\Z")
COLUMNS = ("id", "name", "status", "type", "gpu_num", "product_id", "region", "billing_mode",
           "image", "created_at", "last_started_at")
COLUMN_PATHS = {"gpu_num": "resource_specs/gpu_num", "billing_mode": "billing/mode"}
NAME_BYTES = 255
CUT_BYTES = NAME_BYTES - 17  # "~" and 16 digits take its place


def is_control(character):
    code = ord(character)
    return (code < 0x20 or 0x7f <= code <= 0x9f or 0x202a <= code <= 0x202e
            or 0x2066 <= code <= 0x2069)


def shown(text):
    """A string as it arrives: NUL and half a surrogate pair are U+FFFD."""
    return re.sub("[\0\ud800-\udfff]", "\ufffd", text)


def _escaped(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


def file_name(raw):
    if raw == "":
        return "%"
    if raw in (".", ".."):
        return _escaped(raw)
    parts = [_escaped(c) if is_control(c) or c in "/%" or (c == "-" and i == 0) else c
             for i, c in enumerate(raw)]
    name = "".join(parts)
    if len(name.encode()) <= NAME_BYTES:
        return name
    kept = ""
    for part in parts:
        if len((kept + part).encode()) > CUT_BYTES:
            break
        kept += part
    return f"{kept}~{hashlib.sha256(raw.encode()).hexdigest()[:16]}"


def numbered(name, number):
    """One that is too long for its number is cut like any other."""
    longer = f"{name}~{number}"
    return longer if len(longer.encode()) <= NAME_BYTES else file_name(longer)


def is_scalar(value):
    return not isinstance(value, (dict, list))


def as_text(value):
    if isinstance(value, str):
        return shown(value)
    return "" if value is None else json.dumps(value)


def line(value):
    text = as_text(value).encode()
    return text if text.endswith(b"\n") else text + b"\n"


class Directory:
    """Entries as they come, under raw names; named at the end, when all are known."""

    def __init__(self):
        self.entries = []  # (raw name, Directory or entry, gives way)

    def add(self, raw, what, gives_way=False):
        self.entries.append((raw, what, gives_way))
        return what

    def named(self):
        """[(name, what)]: of those that want one name the first keeps it, the next are ~2, ~3;
        a convenience gives way."""
        firm = [(file_name(raw), what) for raw, what, gives_way in self.entries if not gives_way]
        taken = {name for name, _ in firm}
        found = {}
        for name, what in firm:
            if name in found:
                name = next(new for new in (numbered(name, k) for k in range(2, 10**6))
                            if new not in taken and new not in found)
            found[name] = what
        for raw, what, gives_way in self.entries:
            if gives_way:
                found.setdefault(file_name(raw), what)
        return list(found.items())

    def flat(self, prefix, out):
        for name, what in self.named():
            path = f"{prefix}{name}"
            if isinstance(what, Directory):
                out[path] = ("dir",)
                what.flat(path + "/", out)
            else:
                out[path] = what
        return out


class _Mapping:
    def __init__(self, record):
        self.root = Directory()
        self.members(self.root, "", record, False)

    def members(self, directory, path, value, secret):
        for key, member in value.items():
            known = f"{path}.{key}" if path else key
            self.value(directory, shown(key), member, known if "." not in key and path != "?" else "?",
                       secret)

    def value(self, directory, raw, value, path, secret, gives_way=False):
        secret = secret or path == "envs" or bool(SECRET.search(raw))
        if path == "status" and (isinstance(value, dict) or value in (None, [])):
            self.status(directory, value or {}, secret)
            return
        self.shape(directory, raw, value, path, secret, gives_way)
        if path == "tools.ssh.command":
            self.shape(self.root, "ssh_command", value, "?", secret, True)

    def status(self, directory, value, secret):
        for key, member in value.items():
            name = "status" if key == "status" else f"status_{shown(key)}"
            self.value(directory, name, member, "?", secret, gives_way=key != "status")

    def shape(self, directory, raw, value, path, secret, gives_way):
        mode = 0o400 if secret else 0o444
        if value in (None, []) and not isinstance(value, bool) and (
                path in OBJECTS or path in ARRAYS):
            directory.add(raw, Directory(), gives_way)
        elif isinstance(value, dict):
            self.members(directory.add(raw, Directory(), gives_way), path, value, secret)
        elif isinstance(value, list) and all(map(is_scalar, value)):
            directory.add(raw, ("file", b"".join(map(line, value)), mode), gives_way)
        elif isinstance(value, list):
            uniform = all(isinstance(element, dict) for element in value)
            self.elements(directory.add(raw, Directory(), gives_way), value,
                          path if uniform else "?", secret)
        else:
            data = line(value) if as_text(value) else b""
            directory.add(raw, ("file", data, mode), gives_way)

    def elements(self, directory, value, path, secret):
        for position, element in enumerate(value):
            name, shown_value = str(position), element
            key = ARRAYS.get(path)
            if key and is_scalar(element.get(key)) and element.get(key) is not None:
                name = as_text(element[key])
                if path == "envs":
                    shown_value = element.get("value", "")
            self.value(directory, name, shown_value, "?", secret)


def instance_files(record):
    return _Mapping(record).root.flat("", {})


CELL_BYTES = 4096


def _column(files, path):
    entry = files.get(path)
    if entry is None or entry[0] != "file":
        return ""
    return entry[1].decode().removesuffix("\n")


def _table_cell(text):
    names = {"\t": "\\t", "\n": "\\n", "\\": "\\\\"}
    shown = [names.get(c) or ("".join(f"\\x{byte:02x}" for byte in c.encode())
                              if is_control(c) else c) for c in text]
    return _cut(shown)


def _cut(shown):
    """Of a cell that is too long as many characters as leave room for the ellipsis."""
    sizes = [0, *itertools.accumulate(len(piece.encode()) for piece in shown)]
    if sizes[-1] <= CELL_BYTES:
        return "".join(shown)
    n = sum(size <= CELL_BYTES - len("…".encode()) for size in sizes) - 1
    return "".join(shown[:n]) + "…"


def _table(instances):
    rows = ["\t".join(COLUMNS)]
    for id in sorted(instances, key=str.encode):
        rows.append("\t".join(_table_cell(_column(instances[id], COLUMN_PATHS.get(column, column)))
                              for column in COLUMNS))
    return "".join(row + "\n" for row in rows).encode()


def _links_by(field, instances):
    tree = {}
    for id, files in instances.items():
        value = _column(files, field)
        if value:
            tree[file_name(value)] = ("dir",)
            tree[f"{file_name(value)}/{file_name(id)}"] = ("link",
                                                           f"../../instances/{file_name(id)}")
    return tree


def _links_by_name(fleet):
    names = {id: shown(record["name"]) for id, record in fleet.items()
             if isinstance(record.get("name"), str) and record["name"]}
    directory = Directory()
    for id in sorted(names, key=lambda id: file_name(id).encode()):
        shared = list(names.values()).count(names[id]) > 1
        directory.add(f"{names[id]}~{id}" if shared else names[id],
                      ("link", f"../instances/{file_name(id)}"))
    return directory.flat("", {})


def expected(fleet, body_of):
    """The whole tree for {id: record}; @body_of: a record as the API sends it."""
    instances = {id: instance_files(record) for id, record in fleet.items()}
    parts = {"instances": {}, "json": {}, "by-name": _links_by_name(fleet),
             "tables": {"instances.tsv": ("file", _table(instances), 0o444)}}
    for field in ("status", "region", "type"):
        parts[f"by-{field}"] = _links_by(field, instances)
    for id, files in instances.items():
        name = file_name(id)
        parts["instances"][name] = ("dir",)
        parts["instances"].update({f"{name}/{path}": entry for path, entry in files.items()})
        parts["json"][file_name(f"{id}.json")] = ("file", body_of(fleet[id]), 0o400)
    tree = {}
    for top, entries in parts.items():
        tree[top] = ("dir",)
        tree.update({f"{top}/{path}": entry for path, entry in entries.items()})
    return tree
