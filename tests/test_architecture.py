"""The direction of the house: local -> functions/<subject> -> llm_core, and inside llm_core only downwards."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    "llm_core": ROOT / "layers/llm_core",
    "functions": ROOT / "functions",
    "local": ROOT,
    "gates": ROOT,
    "evals": ROOT,
}
LONGEST = 250

# From the ground up. A room may use the floors below its own; within a floor, only what is named beside it.
FLOORS: list[tuple[str, list[str]]] = [
    (
        "ground",
        [
            *("errors", "failures", "messages", "deltas", "money", "deadline", "cancellation"),
            *("settings", "redaction", "shapes", "catalog"),
        ],
    ),
    (
        "rules",
        [
            *("pricing", "routing", "fitting", "prompts", "prompts.library", "classification", "notices", "freshness"),
            *("roll_ups", "roll_ups.histogram", "roll_ups.contribution", "roll_ups.projection"),
            "completions",
        ],
    ),
    (
        "aws",
        [
            *("aws.clients", "aws.dynamodb", "aws.table", "aws.documents", "aws.secrets", "aws.telemetry"),
            *("aws.breaker", "aws.outages", "aws.expiring"),
            *("aws.refusals", "aws.http", "aws.stage_catalog", "aws.writes", "aws.runtime_api", "aws.runtime"),
            *("aws.tracing", "aws.claims", "aws.scan", "aws.schedules", "aws.streams", "aws.webhooks"),
            *("aws.idempotency", "aws.objects", "aws.machine", "aws.functions", "aws.sockets"),
        ],
    ),
    (
        "rooms",
        [
            *("ledger", "callers", "public", "people", "viewer", "alerts", "journal", "audit", "overruns"),
            *("terms", "keys", "keyring", "credentials", "budgets", "exhaustion", "oversight"),
            *("key_shapes", "post_shapes", "demo_shapes", "saying_shapes"),
            *("accounts.window", "accounts.steps", "accounts.tree", "accounts.opening", "accounts.endings"),
            "accounts.refusals",
            *("accounts.admission", "accounts.shards"),
            *("roll_ups.counting", "roll_ups.sums"),
            *("runs", "runs.run", "runs.events", "runs.bodies", "runs.slots", "runs.change"),
            *("runs.start", "runs.ending", "runs.approval", "runs.cancel", "runs.shapes"),
            *("accounts.holds", "accounts.limits", "accounts.sweeper", "accounts.standing", "accounts.marks"),
            *("cache", "byok", "generations"),
            *("providers.base", "providers.complaints", "providers.transport", "providers.directory"),
            *("providers.streaming", "providers.frames"),
            *("providers.anthropic", "providers.anthropic_words", "providers.anthropic_stream", "providers.bedrock"),
            *("providers.openai", "providers.openai_words", "providers.openai_stream"),
        ],
    ),
    ("attempts", ["payment", "call", "eligible", "attempt", "watch", "live", "fallback"]),
    ("top", ["gateway", "token_counts"]),
]
# Neighbours on one floor that may see each other, still without a circle.
NEIGHBOURS = {
    "ground": {
        "deadline": {"errors"},
        "failures": {"errors"},
        "deltas": {"messages"},
        "settings": {"errors"},
        "shapes": {"errors"},
        "catalog": {"errors"},
    },
    "rules": {
        "routing": {"pricing"},
        "classification": {"prompts", "prompts.library"},
        "fitting": {"pricing"},
        "roll_ups.contribution": {"roll_ups.histogram"},
    },
    "aws": {
        "aws.clients": {"aws.tracing"},
        "aws.dynamodb": {"aws.clients"},
        "aws.table": {"aws.clients", "aws.dynamodb"},
        "aws.writes": {"aws.clients", "aws.dynamodb", "aws.table"},
        "aws.streams": {"aws.table"},
        "aws.schedules": {"aws.clients", "aws.table"},
        "aws.documents": {"aws.clients"},
        "aws.objects": {"aws.clients", "aws.table"},
        "aws.machine": {"aws.clients", "aws.table", "aws.tracing"},
        "aws.functions": {"aws.clients", "aws.table"},
        "aws.sockets": {"aws.clients"},
        "aws.secrets": {"aws.clients", "aws.telemetry"},
        "aws.breaker": {"aws.clients", "aws.scan", "aws.telemetry"},
        "aws.scan": {"aws.clients", "aws.table"},
        "aws.outages": {"aws.breaker", "aws.expiring", "aws.table", "aws.telemetry"},
        "aws.expiring": {"aws.clients", "aws.table"},
        "aws.http": {"aws.telemetry", "aws.refusals"},
        "aws.stage_catalog": {"aws.documents"},
        "aws.runtime": {"aws.telemetry", "aws.runtime_api"},
        "aws.claims": {"aws.clients", "aws.table", "aws.telemetry"},
        "aws.webhooks": {"aws.secrets", "aws.telemetry", "aws.tracing"},
        "aws.idempotency": {"aws.clients", "aws.http", "aws.telemetry"},
    },
    "top": {"token_counts": {"gateway"}},
    "attempts": {
        "call": {"payment"},
        "eligible": {"call"},
        "attempt": {"call", "payment"},
        "watch": {"call"},
        "live": {"attempt", "call", "watch"},
    },
    "rooms": {
        "oversight": {"audit", "people"},
        "journal": {"ledger"},
        "terms": {"callers", "accounts.tree", "accounts.window"},
        "key_shapes": {"callers", "accounts.window"},
        "budgets": {"audit", "terms", "accounts.tree", "accounts.window", "accounts.limits"},
        "keys": {"audit", "callers", "terms", "accounts.tree"},
        "keyring": {"audit", "callers", "terms", "keys", "accounts.tree", "accounts.window", "accounts.limits"},
        "credentials": {"byok", "callers", "keyring", "keys", "accounts.tree", "providers.directory"},
        "exhaustion": {"alerts"},
        "overruns": {"alerts"},
        "generations": {"callers", "ledger", "accounts.marks", "accounts.tree"},
        "accounts.marks": {"accounts.window", "accounts.steps"},
        "public": {"callers", "accounts.tree"},
        "accounts.tree": {"accounts.window"},
        "accounts.opening": {"accounts.window", "accounts.tree"},
        "accounts.steps": {"accounts.window"},
        "accounts.refusals": {"accounts.window"},
        "accounts.endings": {"accounts.window", "accounts.steps", "ledger"},
        "accounts.admission": {
            *(
                "accounts.window",
                "accounts.steps",
                "accounts.opening",
                "accounts.endings",
                "accounts.refusals",
                "ledger",
            ),
        },
        "accounts.shards": {"accounts.window", "accounts.admission", "accounts.refusals"},
        "accounts.holds": {
            *("accounts.window", "accounts.steps", "accounts.endings", "accounts.admission", "accounts.shards"),
            "accounts.refusals",
        },
        "accounts.limits": {"accounts.window", "accounts.tree", "accounts.opening"},
        "accounts.sweeper": {"accounts.window", "accounts.steps", "accounts.endings", "accounts.limits", "ledger"},
        "accounts.standing": {"accounts.window", "accounts.tree"},
        "runs.shapes": {"key_shapes"},
        "runs.events": {"runs.run"},
        "runs.slots": {"runs.run"},
        "runs.change": {"runs.run", "runs.events"},
        "runs.start": {
            "callers",
            "accounts.opening",
            "runs.run",
            "runs.bodies",
            "runs.slots",
            "runs.change",
            "runs.ending",
        },
        "runs.ending": {"runs.run", "runs.events", "runs.slots", "runs.change"},
        "runs.bodies": {"runs.run"},
        "runs.cancel": {"runs.run", "runs.change", "runs.ending"},
        "runs.approval": {"runs.run", "runs.events", "runs.change", "runs.ending"},
        "providers.streaming": {
            *("providers.base", "providers.complaints", "providers.frames", "providers.transport"),
        },
        "providers.anthropic_words": {"providers.base"},
        "providers.anthropic_stream": {"providers.base", "providers.streaming", "providers.anthropic_words"},
        "providers.anthropic": {
            *("providers.base", "providers.complaints", "providers.streaming", "providers.transport"),
            *("providers.anthropic_words", "providers.anthropic_stream"),
        },
        "providers.bedrock": {
            *("providers.base", "providers.frames", "providers.anthropic", "providers.anthropic_words"),
            "providers.transport",
        },
        "cache": {"callers"},
        "byok": {"providers.base", "providers.directory"},
        "providers.base": {"providers.complaints"},
        "providers.openai_words": {"providers.base"},
        "providers.openai_stream": {"providers.base", "providers.streaming", "providers.openai_words"},
        "providers.openai": {
            *("providers.base", "providers.streaming", "providers.transport"),
            *("providers.openai_words", "providers.openai_stream"),
        },
        "providers.directory": {"providers.streaming", "providers.anthropic", "providers.bedrock", "providers.openai"},
    },
}
# Every library of some weight has one home.
HOMES = {
    "boto3": ("llm_core.aws.", "local."),
    "botocore": ("llm_core.aws.", "local."),
    "aws_lambda_powertools": ("llm_core.aws.",),
    "anthropic": ("llm_core.providers.anthropic", "llm_core.providers.bedrock", "local.understudy."),
    "openai": ("llm_core.providers.openai", "local.understudy."),
    "httpx2": ("llm_core.providers.", "local.", "evals.live."),
    "genai_prices": ("gates.independent.",),
    "urllib3": ("llm_core.aws.webhooks.", "llm_core.aws.dynamodb."),
    "jwt": ("local.authorizer.",),
    "markdown_it": ("content.",),
    "nh3": ("content.",),
}
VAGUE = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}

TRIGGERS = (
    "GET ",
    "POST ",
    "PUT ",
    "PATCH ",
    "DELETE ",
    "State machine step",
    "Schedule",
    "Stream",
    "WebSocket",
    "Queue",
    "Topic",
    "Invoked",
)


@dataclass(frozen=True)
class Room:
    """One Python file, under the name by which others import it."""

    name: str
    path: Path
    tree: ast.Module
    lines: int

    @property
    def imports(self) -> Iterator[tuple[str, int]]:
        """Everything it imports, inside functions too, as (dotted name, line)."""
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        for node in ast.walk(self.tree):
            match node:
                case ast.Import():
                    yield from ((alias.name, node.lineno) for alias in node.names)
                case ast.ImportFrom(level=0):
                    yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
                case ast.ImportFrom():
                    above = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
                    module = f"{above}.{node.module}" if node.module else above
                    yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()


def rooms(house: str) -> list[Room]:
    root = SOURCES[house]
    inside = root / house if house != "functions" else root
    found = []
    for path in sorted(inside.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        text = path.read_text()
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Room(name, path, ast.parse(text), len(text.splitlines())))
    return found


LLM_CORE, FUNCTIONS, LOCAL = rooms("llm_core"), rooms("functions"), rooms("local")
GATES, EVALS = rooms("gates"), rooms("evals")
SUBJECTS = {path.name for path in (ROOT / "functions").iterdir() if path.is_dir() and path.name != "__pycache__"}
ALL = [*LLM_CORE, *FUNCTIONS, *LOCAL, *GATES, *EVALS]

LEVEL = {name: level for level, (_, names) in enumerate(FLOORS) for name in names}
FLOOR = {name: floor for floor, names in FLOORS for name in names}


def within_llm_core(imported: str) -> str | None:
    """`llm_core.aws.http.Door` -> `aws.http`: the room that an import opens; None for a package or another library."""
    parts = imported.split(".")
    if parts[0] != "llm_core":
        return None
    return next((n for end in range(len(parts), 1, -1) if (n := ".".join(parts[1:end])) in LEVEL), None)


def test_every_room_of_llm_core_has_a_floor() -> None:
    packages = {"llm_core", "llm_core.accounts", "llm_core.aws", "llm_core.providers"}
    homeless = [r for r in LLM_CORE if r.name not in packages and r.name.removeprefix("llm_core.") not in LEVEL]
    for room in homeless:
        below = {FLOOR[n] for i, _ in room.imports if (n := within_llm_core(i))}
        highest = max((level for level, (floor, _) in enumerate(FLOORS) if floor in below), default=-1)
        where = FLOORS[min(highest + 1, len(FLOORS) - 1)][0]
        pytest.fail(
            f"{room} is new: write {room.name.removeprefix('llm_core.')!r} into FLOORS of {Path(__file__).name}. "
            f"By what it imports it belongs on the floor {where!r} or above."
        )


def test_every_floor_is_lived_on() -> None:
    gone = set(LEVEL) - {room.name.removeprefix("llm_core.") for room in LLM_CORE}
    assert not gone, f"FLOORS names rooms that are gone: {sorted(gone)}"


@pytest.mark.parametrize("room", LLM_CORE, ids=str)
def test_llm_core_looks_only_down(room: Room) -> None:
    own = room.name.removeprefix("llm_core.")
    wrong = []
    for imported, line in room.imports:
        other = within_llm_core(imported)
        if other is None or other == own or own not in LEVEL or LEVEL[other] < LEVEL[own]:
            continue
        if LEVEL[other] == LEVEL[own] and other in NEIGHBOURS.get(FLOOR[own], {}).get(own, set()):
            continue
        wrong.append(f"{room}:{line} ({FLOOR[own]}) imports {other} ({FLOOR[other]})")
    assert not wrong, "\n".join(wrong)


def test_neighbours_do_not_see_each_other_both_ways() -> None:
    for floor, names in FLOORS:
        seen: set[str] = set()
        while left := [n for n in names if n not in seen]:
            free = [n for n in left if NEIGHBOURS.get(floor, {}).get(n, set()) <= seen]
            assert free, f"a circle among {left} on the floor {floor!r}"
            seen.update(free)


@pytest.mark.parametrize("room", LLM_CORE, ids=str)
def test_llm_core_knows_neither_doors_nor_the_local_run(room: Room) -> None:
    wrong = [
        f"{room}:{line} imports {i}" for i, line in room.imports if i.split(".")[0] in SUBJECTS | {"local", "functions"}
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", FUNCTIONS, ids=str)
def test_a_subject_knows_itself_and_llm_core_and_no_other_subject(room: Room) -> None:
    subject = room.name.split(".")[0]
    others = SUBJECTS - {subject} | {"local", "functions"}
    wrong = [f"{room}:{line} imports {i}" for i, line in room.imports if i.split(".")[0] in others]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", [*LLM_CORE, *FUNCTIONS, *LOCAL], ids=str)
def test_what_runs_knows_nothing_of_what_judges_it(room: Room) -> None:
    wrong = [f"{room}:{line} imports {i}" for i, line in room.imports if i.split(".")[0] in {"gates", "evals", "tests"}]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", ALL, ids=str)
def test_each_library_has_one_home(room: Room) -> None:
    wrong = []
    for imported, line in room.imports:
        homes = HOMES.get(imported.split(".")[0])
        if homes is not None and not any((room.name + ".").startswith(home) for home in homes):
            wrong.append(f"{room}:{line} imports {imported}, whose home is {' and '.join(homes)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", ALL, ids=str)
def test_a_file_is_short_says_what_it_is_and_is_named_for_it(room: Room) -> None:
    assert ast.get_docstring(room.tree), f"{room} begins without saying what it is"
    assert room.path.stem not in VAGUE, f"{room}: a name that says nothing"
    assert room.lines <= LONGEST, f"{room} has {room.lines} lines: two nouns live in it"


def test_llm_core_itself_is_one_docstring() -> None:
    body = ast.parse((ROOT / "layers/llm_core/llm_core/__init__.py").read_text()).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr), "names come from the room that owns them"


def doors() -> list[Room]:
    """The files of functions/ with a `handler`: each is one Lambda."""
    return [room for room in FUNCTIONS if "handler" in _assigned(room.tree)]


def _assigned(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets):
                names |= {t.id for t in targets if isinstance(t, ast.Name)}
            case ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


@pytest.mark.parametrize("room", doors(), ids=str)
def test_a_door_begins_with_its_trigger(room: Room) -> None:
    first = (ast.get_docstring(room.tree) or "").partition("\n")[0]
    assert first.startswith(TRIGGERS), f"{room} begins with {first!r}, which names no trigger"


def test_the_top_level_is_the_one_that_people_expect() -> None:
    for name in ("template.yaml", "samconfig.toml", "Makefile"):
        assert (ROOT / name).is_file(), f"{name} is missing"
    for name in ("functions", "layers/llm_core/llm_core", "events", "tests"):
        assert (ROOT / name).is_dir(), f"{name}/ is missing"
