"""The house as its imports make it: `python tests/house.py` shows its rooms, the floor of each, and what it stands on.

A room is a folder of the package with all that is in it, or a module beside the folders. An arrow goes from a room to
one that a file in it imports, wherever in the file. A room's floor is above that of each room that it imports: rooms on
floor 0 import nothing of ours.
"""

import ast
import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "disentanglement_study"


def modules(package: Path = PACKAGE) -> dict[str, set[str]]:
    """{module: the modules of the package that it imports}, all by their dotted names; a folder by that of its
    `__init__`."""
    files = {_dotted(file, package): file for file in sorted(package.rglob("*.py"))}
    return {name: _imported(file, files.keys()) - {name} for name, file in files.items()}


def rooms(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """{room: the rooms that it imports}."""
    found: dict[str, set[str]] = {}
    for module, imported in graph.items():
        found.setdefault(room(module), set()).update({room(other) for other in imported} - {room(module)})
    return found


def room(module: str) -> str:
    """The folder that a module is in, such as "data", or the name of one at the top."""
    return [*module.split("."), "__init__"][1]


def floors(arrows: Mapping[str, set[str]]) -> dict[str, int]:
    """The floor of each room; `graphlib.CycleError`, which names them, if rooms import each other in a circle."""
    found: dict[str, int] = {}
    for name in TopologicalSorter(arrows).static_order():
        found[name] = max((found[below] + 1 for below in arrows[name]), default=0)
    return found


def _dotted(file: Path, package: Path) -> str:
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(file: Path, known: set[str]) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in known else node.module for name in whole}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names & known


def main() -> None:
    packages = [Path(argument) for argument in sys.argv[1:]] or [PACKAGE]
    for package in packages:
        graph = modules(package)
        arrows = rooms(graph)
        level = floors(arrows)
        for name in sorted(arrows, key=lambda name: (level[name], name)):
            print(f"{level[name]:>3}  {name:24} {', '.join(sorted(arrows[name]))}")
        top = sum(1 for _ in package.glob("*.py"))
        print(
            f"{package.name}: {len(graph)} modules, {top} of them at the top; {len(arrows)} rooms on "
            f"{max(level.values()) + 1} floors, {sum(map(len, arrows.values()))} arrows between them"
        )


if __name__ == "__main__":
    main()
