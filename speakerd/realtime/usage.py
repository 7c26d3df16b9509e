"""Token counts of responses, and their sum over a session. Counts that a server does not send are 0."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class RealtimeModelCachedTokensDetails:
    """The input tokens that were served from the cache, by kind."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0


@dataclass(frozen=True, slots=True)
class RealtimeModelInputTokensDetails:
    """The input tokens by kind."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0
    cached_tokens: int = 0
    cached_tokens_details: RealtimeModelCachedTokensDetails = RealtimeModelCachedTokensDetails()


@dataclass(frozen=True, slots=True)
class RealtimeModelOutputTokensDetails:
    """The output tokens by kind."""

    text_tokens: int = 0
    audio_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one response, or of all responses so far; `requests` counts the responses."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_text_tokens: int = 0
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    cached_tokens: int = 0
    """The part of `input_tokens` that was served from the cache, at a lower price."""
    output_text_tokens: int = 0
    output_audio_tokens: int = 0
    cached_text_tokens: int = 0
    cached_audio_tokens: int = 0
    cached_image_tokens: int = 0

    @property
    def input_tokens_details(self) -> RealtimeModelInputTokensDetails:
        """What the input consisted of, and how much of it was served from the cache: prices differ by kind."""
        cached = RealtimeModelCachedTokensDetails(
            self.cached_text_tokens, self.cached_audio_tokens, self.cached_image_tokens
        )
        return RealtimeModelInputTokensDetails(
            self.input_text_tokens,
            self.input_audio_tokens,
            self.input_image_tokens,
            self.cached_tokens,
            cached,
        )

    @property
    def output_tokens_details(self) -> RealtimeModelOutputTokensDetails:
        """What the output consisted of."""
        return RealtimeModelOutputTokensDetails(self.output_text_tokens, self.output_audio_tokens)

    def __add__(self, other: Usage) -> Usage:
        """Return the sum, field by field."""
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Usage)))

    def to_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return {f.name: getattr(self, f.name) for f in fields(Usage)}
