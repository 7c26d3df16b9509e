"""Calls of a program's functions that may be plain or asynchronous."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import TypeAlias, TypeVar, cast

_T = TypeVar("_T")
MaybeAwaitable: TypeAlias = _T | Awaitable[_T]


async def settle(value: MaybeAwaitable[_T]) -> _T:
    """Return what a user's callable returned; await it first if the callable was asynchronous."""
    if inspect.isawaitable(value):
        return cast("_T", await value)
    return value
