"""The house keeps its walls: which way imports go, how large a room is, and what is asked of the container."""

import ast
import sys
from collections import Counter

import pytest

from tests.conftest import ROOT

SCRIPTS = "preprocess mdl train predict score".split()
ROOMS = ["recore." + path.stem for path in sorted((ROOT / "recore").glob("*.py")) if path.stem != "__init__"]
NUMERICS = {
    "recore." + name
    for name in "linalg leverage ridge forms sums groups held_out bounds rows grouping parts state fitting views blend blended rules part_work new_rows".split()
}
CHECKS = {
    "recore.alphas",
    "recore.checks",
    "recore.choice",
}  # what fit refuses and chooses by, with scikit-learn's own means
CONTAINER = {"numpy", "pandas", "sklearn", "joblib", "threadpoolctl"}  # the last two come with scikit-learn
ASKED_FOR = {
    "pyarrow": {"recore.parquet"},
    "distributed": {"recore.workers"},
    "openpyxl": {"recore.details"},
}  # in functions: Parquet, a cluster
LINES = {"preprocess": 1090, "mdl": 430, "train": 300, "score": 200, "predict": 200}
ROOM_LINES, ROOM_NAMES = 320, 30


def tree_of(module):
    return ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))


def imported(nodes):
    """Modules that some nodes import: the project's by their whole name, others by their package's."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            rooms = {f"{node.module}.{alias.name}" for alias in node.names}.intersection(ROOMS)
            found.update(rooms or {node.module})
    return {name if name in ROOMS else name.split(".")[0] for name in found}


def at_the_top(module):
    """What a module imports as it is imported itself, also under `try` or `if`; not what it does as a script."""
    waiting, nodes = list(tree_of(module).body), []
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        as_script = isinstance(node, ast.If) and "__name__" in ast.dump(node.test)
        if not (as_script or isinstance(node, (ast.FunctionDef, ast.Lambda))):
            waiting += ast.iter_child_nodes(node)
    return imported(nodes)


def anywhere(module):
    return imported(ast.walk(tree_of(module)))


def of_the_project(names):
    return {name for name in names if name in ("recore", *SCRIPTS, *ROOMS)}


# --- which way imports go ---


def test_preprocess_imports_nothing_of_the_project_but_through_its_one_door():
    tree = tree_of("preprocess")
    door = next(node for node in tree.body if getattr(node, "name", "") == "command")
    assert of_the_project(at_the_top("preprocess")) == set()
    assert (
        of_the_project(anywhere("preprocess")) == of_the_project(imported(ast.walk(door))) == {"recore.many"}
    )


@pytest.mark.parametrize("room", ["recore.__init__", *ROOMS])
def test_a_room_knows_other_rooms_and_preprocess_and_no_other_script(room):
    assert of_the_project(anywhere(room)) <= {"recore", "preprocess", *ROOMS}


@pytest.mark.parametrize("room", sorted(NUMERICS))
def test_numerics_know_numpy_and_each_other(room):
    others = anywhere(room) - {"numpy", "threadpoolctl", *CHECKS} - NUMERICS
    assert others <= {
        "collections",
        "concurrent",
        "copy",
        "functools",
        "io",
        "itertools",
        "threading",
        "typing",
    }


@pytest.mark.parametrize("room", sorted(CHECKS))
def test_what_fit_refuses_and_chooses_by_is_told_by_numpy_and_scikit_learn(room):
    assert anywhere(room) <= {"functools", "logging", "numpy", "sklearn"} | NUMERICS


def test_the_model_knows_the_numerics_and_no_file():
    assert of_the_project(anywhere("mdl")) <= {*CHECKS, *NUMERICS}


@pytest.mark.parametrize(
    "script, others",
    [("train", {"mdl", "preprocess"}), ("predict", {"train", "preprocess"}), ("score", {"preprocess"})],
)
def test_a_script_knows_the_scripts_before_it(script, others):
    """And itself, where workers are to find its functions by name."""
    found = of_the_project(anywhere(script)) & set(SCRIPTS)
    assert found - {script} <= others and of_the_project(at_the_top(script)) & {script} == set()


def test_no_room_is_reached_from_itself():
    """Rooms are taken away one after the other, each once all that it imports are away."""
    waiting = {room: of_the_project(anywhere(room)) & set(ROOMS) for room in ROOMS}
    while waiting:
        free = {room for room, needed in waiting.items() if not needed & set(waiting)}
        assert free, f"a circle among {sorted(waiting)}"
        waiting = {room: needed for room, needed in waiting.items() if room not in free}


@pytest.mark.skipif(sys.version_info < (3, 10), reason="this Python does not list its standard library")
@pytest.mark.parametrize("module", [*SCRIPTS, *ROOMS])
def test_what_is_shipped_imports_only_what_the_container_has(module):
    """At the top the container's packages; in functions also what was asked for by name: Parquet, a cluster."""
    known = {*CONTAINER, *sys.stdlib_module_names, "recore", *SCRIPTS, *ROOMS}
    assert at_the_top(module) <= known
    assert anywhere(module) - known == {name for name, rooms in ASKED_FOR.items() if module in rooms}


# --- how large a room is ---


def names_of(tree):
    """Top-level functions, classes and constants."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in getattr(node, "targets", None) or [node.target]:
                yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))


@pytest.mark.parametrize("module", [*SCRIPTS, *ROOMS])
def test_no_room_outgrows_its_walls(module):
    """Guards against several subjects in one file: what a module gains, another room is made for.

    No line is to be made unreadable for it.
    """
    text = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    assert text.count("\n") <= LINES.get(module, ROOM_LINES)
    if module in ROOMS:
        names = Counter(names_of(ast.parse(text)))
        assert len(names) <= ROOM_NAMES, sorted(names)
