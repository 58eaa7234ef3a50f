# SPDX-License-Identifier: MIT
"""Control of the mock API over HTTP, for shells and benchmarks: not counted, and no fault meets it.

    curl -X POST -d '{"match": "list", "status": 503, "seconds": 5}' $URL/_mock/fault
"""
import json
from urllib.parse import unquote

import mock_fleet
from mock_faults import Fault, error_answer, to_json
from mock_http import Answer

CONTROL = "/_mock/"


def control_fault(api, request, _):
    api.fault(**vars(Fault.from_json({"match": "*", **json.loads(request.body)})))


def control_reset(api, *_):
    api.clear_faults()
    api.reset_counters()


def control_counters(api, *_):
    return api.counters()


def control_put(api, request, id):
    if id not in api.fleet:
        api.add(mock_fleet.blank(id))
    api.update(id, **json.loads(request.body or b"{}"))


def control_delete(api, _, id):
    api.remove(id)


CONTROL_ROUTES = (
    # method    path after /_mock/, "*" for an id    body
    ("POST", "fault", control_fault),  # the fields of Fault; match is "*" unless given
    ("POST", "reset", control_reset),  # forgets faults and counters; the fleet stays
    ("GET", "counters", control_counters),
    ("PUT", "instances/*", control_put),  # fields to merge; makes a missing instance
    ("DELETE", "instances/*", control_delete),
)


def control(api, request):
    place, _, id = request.target[len(CONTROL):].partition("instances/")
    place = place or "instances/*"
    for method, route, handler in CONTROL_ROUTES:
        if (method, route) == (request.method, place):
            try:
                return Answer(200, to_json(handler(api, request, unquote(id)) or {}))
            except KeyError:
                return error_answer(404, "instance not found")
            except (TypeError, ValueError) as error:
                return error_answer(400, str(error))
    return error_answer(404, "no such control route")
