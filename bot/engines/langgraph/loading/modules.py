"""The Python files of graphs. Each is executed once, and each imports what its author meant.

A file has one module, however often and however langgraph.json names it. Absolute imports in a user's file look beside
the configuration first, even if Countersign has a package of that name (`bot`, `graphs`, `tests`). The user's module is
then loaded under another name, and only files of the same tree see it under its own.
"""

from __future__ import annotations

import builtins
import hashlib
import importlib
import importlib.abc
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any, Final

PROJECT: Final = Path(__file__).resolve().parents[4]
"""The folder with Countersign's own packages."""
OURS: Final = ("bot", "graphs", "simulator", "tests", "tools", "benchmarks")


@contextmanager
def importable(root: Path, dependencies: Sequence[Path] = ()) -> Iterator[Modules]:
    """The modules of the graphs below `root`, for as long as the block runs."""
    modules = Modules(root=root.resolve(), trees={})
    modules.tree(modules.root)
    for folder in (modules.root, *dependencies):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    sys.meta_path.insert(0, modules)
    importlib.invalidate_caches()
    try:
        yield modules
    finally:
        sys.meta_path.remove(modules)


@dataclass(eq=False, slots=True, kw_only=True)
class Modules(importlib.abc.MetaPathFinder):
    """Finds the modules in the trees of graphs: the configuration's folder, and the folders of files elsewhere."""

    root: Path
    trees: dict[Path, Tree]
    _loaded: dict[Path, ModuleType] = field(default_factory=dict)

    def tree(self, top: Path) -> Tree:
        return self.trees.setdefault(top, Tree(top=top))

    def load(self, source: str) -> ModuleType:
        """The module for "./folder/file.py" below the configuration's folder, or for "package.module"."""
        path = self._path(source)
        if path is None:
            return importlib.import_module(source)
        if path not in self._loaded:
            self._loaded[path] = self._module(path)
        return self._loaded[path]

    def _path(self, source: str) -> Path | None:
        """The file, or None for a module that is installed somewhere else."""
        if source.endswith(".py"):
            path = (self.root / source).resolve()
            if not path.exists():
                raise FileNotFoundError(f"there is no file {source}")
            return path
        file = self.root.joinpath(*source.split("."))
        found = next((each for each in (file / "__init__.py", file.with_suffix(".py")) if each.is_file()), None)
        if found is None:
            spec = importlib.util.find_spec(source)
            found = Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None
        return found.resolve() if found is not None else None

    def _module(self, path: Path) -> ModuleType:
        top = _top(path, self.root)
        tree = self.tree(top or path.parent)
        dotted = _dotted(path, top) if top is not None else ""
        if top is not None and str(top) not in sys.path:
            sys.path.append(str(top))
        name = tree.named(dotted) if dotted else ""
        known = re.sub(r"\W", "_", os.path.relpath(path.with_suffix(""), self.root))
        earlier = f"countersign_graph_{known}"
        module = importlib.import_module(name) if name else _executed(earlier, path, tree)
        sys.modules.setdefault(earlier, module)  # the name under which earlier versions stored its classes
        return module

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 - of the interface
    ) -> ModuleSpec | None:
        """The spec of a module in a tree, which then imports by the tree's rules. None for every other module."""
        for tree in self.trees.values():
            found = tree.find(fullname, path, first=tree.top == self.root)
            if found is not None:
                return found
        return None


@dataclass(eq=False, slots=True, kw_only=True)
class Tree:
    """A folder whose files import each other by their names in it."""

    top: Path

    @property
    def prefix(self) -> str:
        """The prefix for names that are already taken in this process."""
        return f"countersign_{hashlib.sha256(os.fsencode(self.top)).hexdigest()[:8]}_"

    def named(self, dotted: str) -> str:
        """The name under which to import this module of the tree. It has a prefix if an import by its own name would
        find something else."""
        top = dotted.partition(".")[0]
        return dotted if top not in sys.stdlib_module_names and self._holds(_spec(top)) else f"{self.prefix}{dotted}"

    def _has(self, name: str) -> bool:
        return self._has_package(name) or (self.top / name).is_dir()

    def _has_package(self, name: str) -> bool:
        return (self.top / f"{name}.py").is_file() or (self.top / name / "__init__.py").is_file()

    def _holds(self, spec: ModuleSpec | None) -> bool:
        """Whether this is the spec of one of the tree's top-level modules."""
        return self.top in _folders(spec)

    def _hides(self, name: str) -> bool:
        """Whether the tree has a module of this name that an import would not find. A file never hides an installed
        module, or one of Python's, with the same name."""
        if name in sys.stdlib_module_names or not self._has(name):
            return False
        spec = _spec(name)
        return not self._holds(spec) and (spec is None or _is_countersigns(spec))

    def find(self, fullname: str, path: Sequence[str] | None, *, first: bool) -> ModuleSpec | None:
        """The spec of a module in the tree. None for every other. `first`: its top-level modules go before others."""
        top = fullname.partition(".")[0]
        if top.startswith(self.prefix):
            own = fullname.removeprefix(self.prefix)
            found = self._placed(fullname, own) if path is None else PathFinder.find_spec(fullname, path)
        elif path is not None:
            outermost = sys.modules.get(top)
            if outermost is None or not self._holds(outermost.__spec__):
                return None
            found = PathFinder.find_spec(fullname, path)
        else:
            places = [str(self.top)] if first and self._comes_first(fullname) else None
            found = PathFinder.find_spec(fullname, places)
            if not self._holds(found):
                return None
        if found is not None and type(found.loader) is SourceFileLoader:
            found.loader = _Loader(found.loader.name, found.loader.path, self)
        return found

    def _comes_first(self, name: str) -> bool:
        """Whether the tree's module goes first. As always, a folder without `__init__.py` gives way to a package,
        unless that is one of Countersign's."""
        if name in sys.stdlib_module_names:
            return False
        return self._has_package(name) or (
            self._has(name) and self.top != PROJECT and _is_countersigns(PathFinder.find_spec(name))
        )

    def _placed(self, fullname: str, name: str) -> ModuleSpec | None:
        package, file = self.top / name, self.top / f"{name}.py"
        if (package / "__init__.py").is_file():
            return importlib.util.spec_from_file_location(
                fullname, package / "__init__.py", submodule_search_locations=[str(package)]
            )
        if file.is_file():
            return importlib.util.spec_from_file_location(fullname, file)
        if package.is_dir():
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [str(package)]
            return spec
        return None

    def imported(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """What an import statement in one of the tree's files returns."""
        top = name.partition(".")[0]
        if level or not self._hides(top):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = importlib.import_module(f"{self.prefix}{name}")
        if not fromlist:
            return sys.modules[f"{self.prefix}{top}"]
        return builtins.__import__(module.__name__, globals, locals, fromlist, 0)


class _Loader(SourceFileLoader):
    """Executes a file of a tree, so that its imports follow the tree's rules."""

    def __init__(self, fullname: str, path: str, tree: Tree) -> None:
        super().__init__(fullname, path)
        self._tree = tree

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._tree.imported}
        super().exec_module(module)


def _executed(name: str, path: Path, tree: Tree) -> ModuleType:
    """The module of a file that cannot be imported by a name."""
    spec = importlib.util.spec_from_file_location(name, path, loader=_Loader(name, str(path), tree))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _spec(name: str) -> ModuleSpec | None:
    """The spec that an import by this name finds."""
    loaded = sys.modules.get(name)
    return loaded.__spec__ if loaded is not None else importlib.util.find_spec(name)


def _folders(spec: ModuleSpec | None) -> list[Path]:
    """The folders of a top-level module. Only a package without `__init__.py` has several."""
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(place).resolve().parent for place in spec.submodule_search_locations]
    return [Path(spec.origin).resolve().parent] if spec.has_location and spec.origin else []


def _is_countersigns(spec: ModuleSpec | None) -> bool:
    return spec is not None and spec.name in OURS and PROJECT in _folders(spec)


def _top(path: Path, root: Path) -> Path | None:
    """The folder that contains the file's top-level package, or the configuration's folder. None if the file is
    elsewhere and in no package."""
    packages = list(takewhile(lambda folder: (folder / "__init__.py").exists(), path.parents))
    if packages:
        return packages[-1].parent
    return root if path.is_relative_to(root) else None


def _dotted(path: Path, top: Path) -> str:
    """The module's name below that folder. Empty if it cannot be imported by a name."""
    parts: list[Any] = list(path.relative_to(top).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else ""
