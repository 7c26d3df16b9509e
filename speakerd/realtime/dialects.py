"""In what servers of the realtime protocol differ, as data: one row for each known server.

The layer thinks and speaks in the current (GA) protocol; a `Dialect` says what of it a server has otherwise.
Settings, sending, receiving, the queue of responses and the replay read it; no server is named anywhere else.

The rows are from what vendors document and from the source of servers, between March and November 2026; of most it
was never tried whether they are right. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from speakerd.realtime import event_names as names

if TYPE_CHECKING:
    from collections.abc import Mapping

Path: TypeAlias = tuple[str, ...]
"""The place of a setting in the current protocol's `session` object, such as `("audio", "output", "voice")`."""

EXTRA: Final = "extra"
"""The first word of the path of a setting that the table does not know: the rest is its place at the server."""

TRANSCRIPT_SO_FAR: Final = "conversation.item.input_audio_transcription.updated"
"""A server event beside the published ones: the whole transcript of the user's speech so far."""

ItemKind: TypeAlias = Literal["user", "assistant", "system", "function_call", "function_call_output", "other"]

CommitEffect: TypeAlias = Literal["item", "answers", "silence"]
"""What a commit does: `item`: it makes an item of what was said; `answers`: the server also answers it by itself;
`silence`: nothing, or it is refused, so silence is sent instead, which ends the turn for a server that detects
turns and then answers by itself."""

_VOICE: Final[Path] = ("audio", "output", "voice")
_SPEED: Final[Path] = ("audio", "output", "speed")
_INPUT_FORMAT: Final[Path] = ("audio", "input", "format")
_OUTPUT_FORMAT: Final[Path] = ("audio", "output", "format")
_DETECTION: Final[Path] = ("audio", "input", "turn_detection")
_NOISE: Final[Path] = ("audio", "input", "noise_reduction")
_TRANSCRIPTION: Final[Path] = ("audio", "input", "transcription")
_OF_THE_HOSTED_SERVICE: Final = frozenset(
    {
        ("prompt",),
        ("tracing",),
        ("truncation",),
        ("parallel_tool_calls",),
        ("include",),
    }
)

_FLAT: Final[Mapping[Path, Path]] = {
    _VOICE: ("voice",),
    _SPEED: ("speed",),
    _INPUT_FORMAT: ("input_audio_format",),
    _OUTPUT_FORMAT: ("output_audio_format",),
    _DETECTION: ("turn_detection",),
    _NOISE: ("input_audio_noise_reduction",),
    _TRANSCRIPTION: ("input_audio_transcription",),
    ("output_modalities",): ("modalities",),
    ("max_output_tokens",): ("max_response_output_tokens",),
}
"""Where the settings stood in the superseded (beta) protocol."""

_BETA_FORMATS: Final = {"audio/pcm": "pcm16", "audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw"}

_ALL_DETECTIONS: Final = {"server_vad": "server_vad", "semantic_vad": "semantic_vad"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """In what a server differs from the current protocol; the defaults are that protocol."""

    name: str

    # The settings of a session.
    typed_session: bool = True
    """`session.type` is sent."""
    places: Mapping[Path, Path] = field(default_factory=dict)
    """Settings that stand elsewhere, and where."""
    lacks_settings: frozenset[Path] = frozenset()
    """Settings that are not sent: the server refuses them, or they mean something else."""
    with_audio: tuple[str, ...] = ("audio",)
    """How the modality of spoken answers is written."""
    nested_tools: bool = False
    """A function stands in `function`, as in chat completions."""
    formats: Mapping[str, str] = field(default_factory=dict)
    """Names of audio formats, by the type of the current protocol; empty: they are written as objects."""
    rate_place: Path | None = None
    """Where the rate of the user's audio stands, if not in its format."""
    input_rate_hz: int = 24_000
    """The rate of the user's audio that the server wants, or takes without any loss."""
    names_input_rate: bool = True
    """The rate is written; else the server takes audio to have its own rate, and refuses to be told it."""
    language_field: str = "language"
    """What the language is called in the settings of the transcription."""
    takes_g711: bool = False
    """Sound may be G.711 in both directions, as far as is known."""
    reasoning_word: Path | None = None
    """Where the effort of reasoning stands, if it is a word by itself."""

    # Turns.
    no_detection: Literal["null", "null_type", "never"] = "null"
    """How it is written that the client ends the turns; `never`: the server always detects them."""
    detections: Mapping[str, str] = field(default_factory=lambda: dict(_ALL_DETECTIONS))
    """The kinds of turn detection it has, and their names there."""
    bare_detection: bool = False
    """That it answers a detected turn, and ends its answer when the user speaks, is not said: it does so."""
    commit: CommitEffect = "item"
    """What a commit does while turns are not detected."""
    commit_while_detecting: CommitEffect = "item"
    """What it does while they are."""
    says_committed: bool = True
    """`input_audio_buffer.committed` can be relied on; else the end of speech is one, whether it comes or not."""
    says_cleared: bool = False
    """`input_audio_buffer.cleared` can be relied on; else only once it has come."""
    one_id_per_turn: bool = True
    """The committed event, the transcript and the item of a turn have the same id."""

    # Items.
    id_prefixes: Mapping[ItemKind, str] = field(default_factory=dict)
    """What ids of items have to begin with, where the server cares."""
    takes_texts: bool = True
    """The client may create messages; else only outputs of functions, and texts go into instructions."""
    takes_audio_items: bool = True
    """The client may create a message with the user's audio."""
    assistant_part: str = "output_text"
    """The type of a text of the assistant's in a message that the client creates."""
    replay: Literal["items", "instructions"] = "items"
    """How a new session is told the conversation so far."""
    context_in_instructions: bool = False
    """A system message would replace the instructions: such texts go into them."""

    # Events.
    lacks: frozenset[str] = frozenset()
    """Client events that are not sent: the server refuses them, or does something else."""
    out_of_band: bool = True
    """A response may leave the conversation alone."""
    response_fields: frozenset[str] | None = None
    """What a `response.create` may have; None: everything."""
    supersedes: bool = False
    """A `response.create` ends the response that runs; else it is refused."""
    nothing_runs: str = ""
    """What the message of an error has in it where a cancel found no response, beside the code of the protocol."""

    # The connection.
    wants_model: bool = False
    """The address has to name a model that only the household can know."""
    session_age_s: float | None = 3600.0
    """After so many seconds the server ends a session; None: it does not."""
    idle_s: float | None = None
    """It closes a connection on which the client sends nothing for so many seconds; None: it does not."""

    def place(self, path: Path) -> Path:
        """Return where a setting stands at the server."""
        return path[1:] if path[0] == EXTRA else self.places.get(path, path)


OPENAI: Final = Dialect("openai", takes_g711=True, says_cleared=True)

_ROWS: Final = (
    OPENAI,
    replace(OPENAI, name="azure"),
    Dialect(
        "azure-voice-live",
        typed_session=False,
        places=_FLAT,
        lacks_settings=_OF_THE_HOSTED_SERVICE | {_SPEED, ("reasoning",)},
        with_audio=("text", "audio"),
        formats=_BETA_FORMATS,
        rate_place=("input_audio_sampling_rate",),
        input_rate_hz=16_000,
        takes_g711=True,
        reasoning_word=("reasoning_effort",),
        no_detection="never",
        detections={"server_vad": "server_vad", "semantic_vad": "azure_semantic_vad"},
        bare_detection=True,
        commit="silence",
        commit_while_detecting="silence",
        assistant_part="text",
    ),
    Dialect(
        "xai",
        places={_VOICE: ("voice",), _DETECTION: ("turn_detection",)},
        lacks_settings=_OF_THE_HOSTED_SERVICE | {_NOISE, ("output_modalities",), ("max_output_tokens",)},
        language_field="language_hint",
        takes_g711=True,
        no_detection="null_type",
        detections={"server_vad": "server_vad"},
        bare_detection=True,
        replay="instructions",
        nothing_runs="no active response",
        # 120 min by the newest page, 30 by an older one.
        session_age_s=30 * 60.0,
    ),
    Dialect(
        "qwen",
        typed_session=False,
        places=_FLAT,
        lacks_settings=_OF_THE_HOSTED_SERVICE
        | {_SPEED, _NOISE, ("max_output_tokens",), ("tool_choice",), ("reasoning",)},
        with_audio=("text", "audio"),
        nested_tools=True,
        formats={"audio/pcm": "pcm"},
        input_rate_hz=16_000,
        bare_detection=True,
        takes_texts=False,
        takes_audio_items=False,
        replay="instructions",
        context_in_instructions=True,
        lacks=frozenset({names.ITEM_TRUNCATE, names.ITEM_DELETE, names.ITEM_RETRIEVE}),
        out_of_band=False,
        response_fields=frozenset({"instructions", "output_modalities"}),
        # 120 min by one page, 30 by another.
        session_age_s=30 * 60.0,
        idle_s=180.0,
    ),
    Dialect(
        "localai",
        wants_model=True,
        input_rate_hz=16_000,
        commit="answers",
        commit_while_detecting="silence",
        one_id_per_turn=False,
        # It would empty the whole text, whatever was heard of it.
        lacks=frozenset({names.ITEM_TRUNCATE}),
        supersedes=True,
        session_age_s=None,
    ),
    Dialect(
        "speech-to-speech",
        input_rate_hz=16_000,
        # It checks formats by the published types, which allow 24 kHz alone; without a rate it assumes its own.
        names_input_rate=False,
        no_detection="never",
        commit="silence",
        commit_while_detecting="silence",
        says_committed=False,
        id_prefixes={
            "user": "msg_",
            "assistant": "msg_",
            "system": "sys_",
            "function_call": "fc_",
            "function_call_output": "fco_",
        },
        context_in_instructions=True,
        lacks=frozenset(
            {
                names.INPUT_AUDIO_CLEAR,
                names.ITEM_DELETE,
                names.ITEM_RETRIEVE,
                names.ITEM_TRUNCATE,  # without any effect
            }
        ),
        session_age_s=None,
    ),
    Dialect(
        "vllm-omni",
        detections={"server_vad": "server_vad"},
        out_of_band=False,
        supersedes=True,
        # Announced; not enforced so far.
        session_age_s=30 * 60.0,
    ),
    Dialect(
        "speaches",
        wants_model=True,
        typed_session=False,
        places=_FLAT,
        lacks_settings=_OF_THE_HOSTED_SERVICE
        | {_SPEED, _NOISE, _INPUT_FORMAT, _OUTPUT_FORMAT, ("reasoning",)},
        with_audio=("text", "audio"),
        no_detection="never",
        detections={"server_vad": "server_vad"},
        commit="answers",
        commit_while_detecting="answers",
        takes_audio_items=False,
        assistant_part="text",
        lacks=frozenset({names.ITEM_TRUNCATE, names.ITEM_RETRIEVE, names.RESPONSE_CANCEL}),
        out_of_band=False,
        response_fields=frozenset(
            {"instructions", "output_modalities", "tool_choice", "tools", "max_output_tokens"}
        ),
        supersedes=True,
        session_age_s=30 * 60.0,
    ),
    replace(OPENAI, name="custom", says_cleared=False),
)

DIALECTS: Final[Mapping[str, Dialect]] = {row.name: row for row in _ROWS}
"""All rows, by name. `custom` is the current protocol, for a server that is not listed."""
