"""Which way things may depend: rooms, the staircase in each, foreign keys, and where a live host may be named."""

from __future__ import annotations

import re
from pathlib import Path

import grimp
import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ["engine", "exchange", "accounts", "bots", "trading", "tradebot"]
STAIRCASED = ["exchange", "accounts", "bots", "trading"]
# Lower may not know higher; steps of one height may know each other. Anything unnamed is a subject.
HEIGHT = {
    "urls": 6,
    "views": 5,
    "api": 5,
    "admin": 5,
    "management": 5,
    "forms": 4,
    "serializers": 4,
    "tasks": 3,
    "queries": 1,
    "models": 0,
    # The column types that models are made of.
    "fields": 0,
}
SUBJECT = 2
# A step that grew is split by name: api_auth stands where api does.
SPLIT = ("api", "views", "forms", "serializers")
# Beside the steps: they are wired in by Django, not imported.
BESIDE = {"apps", "receivers", "templatetags", "migrations"}
LIVE_HOSTS = re.compile(r"binance\.(com|vision|us)|binancefuture", re.IGNORECASE)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOMS, include_external_packages=False)


def height_of(module: str) -> int:
    step = step_of(module) or ""
    stem = next((name for name in SPLIT if step.startswith(f"{name}_")), step)
    return HEIGHT.get(stem, SUBJECT)


def step_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


@pytest.mark.parametrize("room", STAIRCASED)
def test_imports_inside_a_room_only_go_down_the_stairs(graph: grimp.ImportGraph, room: str) -> None:
    upward = []
    for importer in graph.find_descendants(room):
        if step_of(importer) in BESIDE:
            continue
        for imported in graph.find_modules_directly_imported_by(importer):
            if not imported.startswith(f"{room}.") or step_of(imported) in BESIDE:
                continue
            if height_of(importer) < height_of(imported):
                upward.append(f"{importer} -> {imported}")
    assert upward == []


def test_orders_and_research_meet_only_in_the_engine(graph: grimp.ImportGraph) -> None:
    wings = {"trading.orders": "trading.research", "trading.research": "trading.orders"}
    crossing = [
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        for wing, other in wings.items()
        if module.startswith(wing) and imported.startswith(other)
    ]
    assert crossing == []


def test_foreign_keys_obey_the_order_of_the_rooms() -> None:
    upward = []
    for model in apps.get_models():
        if model._meta.app_label not in ROOMS:
            continue
        for field in model._meta.get_fields():
            target = getattr(field, "related_model", None)
            is_ours = field.concrete and target is not None and target._meta.app_label in ROOMS
            if is_ours and ROOMS.index(target._meta.app_label) > ROOMS.index(model._meta.app_label):
                upward.append(f"{model._meta.label}.{field.name} -> {target._meta.label}")
    assert upward == []


def test_tables_of_the_exchange_point_to_nobody() -> None:
    pointing = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_app_config("exchange").get_models()
        for field in model._meta.get_fields()
        if field.concrete and field.is_relation
    ]
    assert pointing == []


def test_a_live_host_is_named_in_one_place_only() -> None:
    """No line of code outside exchange.connect can even spell a production address; prose and provenance may."""
    named = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            lines = [line.strip() for line in path.read_text().splitlines() if LIVE_HOSTS.search(line)]
            if lines and name != "exchange/connect.py":
                named[name] = lines
    assert named == {}
