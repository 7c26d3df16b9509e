"""Prompts stored at the provider: instructions, tools and settings under an id, filled in with variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping


class _PromptId(TypedDict):
    id: str


class Prompt(_PromptId, total=False):
    """A stored prompt, its version and the variables to fill in. An agent's own instructions take precedence."""

    version: str
    variables: Mapping[str, Any]
