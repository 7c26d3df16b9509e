"""`speakerd.realtime` under the module paths of openai-agents, for its own tests."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any, ClassVar

from speakerd import realtime
from speakerd.realtime import audio_formats, errors, openai_realtime, testing

_OTHER_NAMES = {"AgentsException": "RealtimeLayerError"}
_PLACES = (realtime, testing, audio_formats, openai_realtime, errors)


class _Missing(type):
    """A name that we do not have: it can be imported, subclassed and named in annotations, and fails when used."""

    def __call__(cls, *_args: Any, **_kwargs: Any) -> Any:
        raise NotImplementedError(f"there is no {cls.__name__}")

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Missing(f"{cls.__name__}.{name}", (), {})

    def __getitem__(cls, _types: Any) -> Any:
        return cls


def _find(name: str) -> Any:
    for place in _PLACES:
        try:
            return getattr(place, _OTHER_NAMES.get(name, name))
        except AttributeError:
            continue
    if name.startswith("__"):
        raise AttributeError(name)
    return _Missing(name, (), {})


class _Module(types.ModuleType):
    __path__: ClassVar[list[str]] = []  # type: ignore[misc]  # the same for all: none has a folder

    def __getattr__(self, name: str) -> Any:
        return _find(name)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes every `agents.…` a module that gives our names."""

    def find_spec(self, fullname: str, _path: Any = None, _target: Any = None) -> Any:
        if not fullname.startswith("agents."):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: Any) -> Any:
        return _Module(spec.name)

    def exec_module(self, module: Any) -> None:
        parent, _, name = module.__name__.rpartition(".")
        setattr(sys.modules[parent], name, module)


sys.meta_path.insert(0, _Finder())


def __getattr__(name: str) -> Any:
    return _find(name)
