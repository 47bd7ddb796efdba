"""A small world behind the live API, changed by a test at will; and the answers captured from the real one."""

import copy
import json
from pathlib import Path

from tests.imports.fault_server import Answer

CAPTURED = Path(__file__).parent / "captured"
RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"
MAGIC_KINGDOM = "75ea578a-adc8-4116-a54d-dccb60765ef9"


def captured(name: str) -> dict:
    return json.loads((CAPTURED / f"{name}.json").read_text())


class World:
    """What the API knows. `answers` is what a FaultServer asks."""

    def __init__(self):
        self.destinations: list = []
        self.entities: dict[str, dict] = {}
        self.children: dict[str, list] = {}
        self.live: dict[str, list] = {}
        self.schedules: dict[str, list] = {}  # by park, and of a month by park/YYYY/MM

    def answers(self, path: str, headers: dict) -> Answer:
        what = path.removeprefix("/v1/").split("/")
        if what == ["destinations"]:
            return self._answer({"destinations": self.destinations})
        if what[0] == "entity" and len(what) == 2 and what[1] in self.entities:
            return self._answer(self.entities[what[1]])
        if what[0] == "entity" and what[2:3] == ["schedule"]:
            asked = "/".join([what[1], *what[3:]])
            if asked in self.schedules:
                return self._answer({"id": what[1], "schedule": self.schedules[asked]})
        elif what[0] == "entity" and len(what) == 3:
            known = {"children": self.children, "live": self.live}[what[2]]
            key = {"children": "children", "live": "liveData"}[what[2]]
            if what[1] in known:
                return self._answer({"id": what[1], key: known[what[1]]})
        return Answer(b'{"success":false,"error":{"message":"Entity not found","type":"NOT_FOUND"}}', 404)

    @staticmethod
    def _answer(value) -> Answer:
        return Answer(json.dumps(value).encode())


def magic_kingdom() -> World:
    """Walt Disney World with the Magic Kingdom alone, as captured."""
    world = World()
    park = captured("magic_kingdom")
    (resort,) = [found for found in captured("destinations")["destinations"] if found["id"] == RESORT]
    world.destinations = [{**resort, "parks": [{"id": MAGIC_KINGDOM, "name": park["name"]}]}]
    world.entities = {MAGIC_KINGDOM: park}
    rows = captured("magic_kingdom_children")["children"]
    world.children = {MAGIC_KINGDOM: rows, RESORT: [{**park, "entityType": "PARK"}, *copy.deepcopy(rows)]}
    rows = captured("magic_kingdom_live")["liveData"]
    world.live = {MAGIC_KINGDOM: rows, RESORT: copy.deepcopy(rows)}
    return world
