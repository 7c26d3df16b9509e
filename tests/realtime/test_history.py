from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.realtime.items import (
    AssistantAudio,
    AssistantMessageItem,
    AssistantText,
    InputAudio,
    InputImage,
    InputText,
    RealtimeToolCallItem,
    SystemMessageItem,
    UserMessageItem,
    item_from_dict,
    size_of,
    text_of,
)
from speakerd.realtime.session.history import History

SENTENCE = "The quick brown fox jumps over the lazy dog."


def user(item_id: str, text: str | None = None, **kwargs: object) -> UserMessageItem:
    return UserMessageItem(item_id, (InputAudio(text),), **kwargs)  # type: ignore[arg-type]


def ids(history: History) -> list[str]:
    return [item.item_id for item in history.items]


def transcript(history: History, item_id: str) -> str:
    item = history.get(item_id)
    assert item is not None
    return text_of(item)


def spoken(text: str = SENTENCE) -> History:
    history = History()
    history.assistant_says("a1", 0, text)
    return history


def test_a_new_item_is_added_behind_the_one_it_names() -> None:
    history = History()
    for item in (
        user("u1"),
        user("u3"),
        user("u2", previous_item_id="u1"),
        user("u0", previous_item_id="root"),
    ):
        assert history.put(item) == "added"
    assert ids(history) == ["u0", "u1", "u2", "u3"]


def test_an_item_behind_an_unknown_one_goes_to_the_end() -> None:
    history = History()
    history.put(user("u1"))
    history.put(user("u2", previous_item_id="never heard of"))
    assert ids(history) == ["u1", "u2"]


def test_an_unchanged_item_changes_nothing() -> None:
    history = History()
    history.put(user("u1", "hello"))
    assert history.put(user("u1", "hello")) is None


def test_what_is_known_of_a_user_item_stays_where_the_update_is_silent() -> None:
    history = History()
    history.put(user("u1", "hello", previous_item_id="u0", status="completed"))
    assert (
        history.put(UserMessageItem("u1", (InputAudio(None), InputText("and"), InputImage("https://x"))))
        == "updated"
    )
    item = history.get("u1")
    assert item == UserMessageItem(
        "u1", (InputAudio("hello"), InputText("and"), InputImage("https://x")), "u0", "completed"
    )
    assert history.put(UserMessageItem("u1")) is None


def test_what_is_known_of_an_assistant_item_stays_where_the_update_is_silent() -> None:
    history = spoken("Hello")
    history.put(AssistantMessageItem("a1", (AssistantAudio(None),), status="completed"))
    assert transcript(history, "a1") == "Hello"
    history.put(AssistantMessageItem("a1", (AssistantAudio("Hello there"),)))
    assert transcript(history, "a1") == "Hello there"
    history.put(AssistantMessageItem("a1"))
    assert transcript(history, "a1") == "Hello there"


def test_an_item_never_changes_its_kind_or_role() -> None:
    history = spoken()
    assert history.put(user("a1", "I am the user now")) is None
    assert transcript(history, "a1") == SENTENCE


def test_a_users_transcript_never_goes_into_an_assistants_item() -> None:
    history = spoken()
    assert history.user_said("a1", 0, "overwritten", whole=True) is None
    assert transcript(history, "a1") == SENTENCE


def test_an_assistants_transcript_never_goes_into_a_users_item() -> None:
    history = History()
    history.put(user("u1", "mine"))
    assert history.assistant_says("u1", 0, "yours") is None
    assert transcript(history, "u1") == "mine"


def test_a_users_transcript_grows_by_pieces_and_is_replaced_by_the_whole() -> None:
    history = History()
    history.put(user("u1"))
    for piece in ("turn ", "of the light"):
        assert history.user_said("u1", 0, piece, whole=False) == "updated"
    assert transcript(history, "u1") == "turn of the light"
    assert history.user_said("u1", 0, "turn off the light", whole=True) == "updated"
    assert transcript(history, "u1") == "turn off the light"
    item = history.get("u1")
    assert item is not None
    assert item.status == "completed"


def test_a_users_item_is_complete_with_its_whole_transcript() -> None:
    history = History()
    history.put(user("u1", status="in_progress"))
    statuses = []
    for piece, whole in (("turn", False), ("turn off", True)):
        history.user_said("u1", 0, piece, whole=whole)
        statuses.append(history.items[0].status)
    assert statuses == ["in_progress", "completed"]


def test_a_cut_behind_the_last_part_leaves_what_was_said() -> None:
    history = spoken("Hello")
    assert history.truncate("a1", 1, 100, 200) == "updated"
    assert transcript(history, "a1") == "Hello"


def test_a_transcript_with_a_wrong_index_goes_into_the_part_that_was_spoken() -> None:
    history = History()
    history.put(UserMessageItem("u1", (InputText("typed"), InputAudio(None))))
    history.user_said("u1", 7, "said", whole=True)
    assert transcript(history, "u1") == "typed said"


def test_a_transcript_for_an_item_without_audio_is_a_part_of_its_own() -> None:
    history = History()
    history.put(UserMessageItem("u1"))
    history.user_said("u1", 0, "said", whole=True)
    assert transcript(history, "u1") == "said"


def test_a_transcript_that_comes_before_its_item_is_kept() -> None:
    history = History()
    assert history.user_said("u1", 0, "early", whole=True) == "added"
    history.put(user("u1"))
    assert transcript(history, "u1") == "early"


def test_the_assistants_words_and_its_text_are_collected() -> None:
    history = History()
    assert history.assistant_says("a1", 0, "Hel") == "added"
    assert history.assistant_says("a1", 0, "lo") == "updated"
    assert history.assistant_writes("a2", 0, "Written") == "added"
    assert history.assistant_writes("a2", 0, " too") == "updated"
    assert [text_of(item) for item in history.items] == ["Hello", "Written too"]


def test_a_delta_of_an_absurd_index_is_ignored() -> None:
    history = History()
    assert history.assistant_says("a1", 10**9, "x") is None
    assert history.assistant_says("a1", -1, "x") is None
    assert history.items == []


@pytest.mark.parametrize(
    ("heard_ms", "total_ms", "left"),
    [
        (0, 4400, ""),
        (400, 4400, "The"),
        (250, 4400, ""),
        (2000, 4400, "The quick brown fox"),
        (2100, 4400, "The quick brown fox"),
        (4399, 4400, "The quick brown fox jumps over the lazy"),
        (4400, 4400, SENTENCE),
        (9999, 4400, SENTENCE),
        (1000, None, "The quick brown"),
        (1000, 0, "The quick brown"),
        (60_000, None, SENTENCE),
    ],
)
def test_a_cut_reply_keeps_the_words_that_were_heard(heard_ms: int, total_ms: int | None, left: str) -> None:
    history = spoken()
    assert history.truncate("a1", 0, heard_ms, total_ms) == "updated"
    item = history.get("a1")
    assert isinstance(item, AssistantMessageItem)
    assert item.content == (AssistantAudio(left, heard_ms=heard_ms),)
    assert item.status == "incomplete"


def test_a_script_without_blanks_is_cut_between_its_characters() -> None:
    history = spoken("今日はとてもいい天気です")
    history.truncate("a1", 0, 500, 1000)
    assert transcript(history, "a1") == "今日はとてもい"[:6]


def test_nothing_that_the_server_says_later_brings_back_what_was_not_heard() -> None:
    history = spoken()
    history.truncate("a1", 0, 2000, 4400)
    history.assistant_says("a1", 0, " And a late word.")
    history.assistant_writes("a1", 1, "And a late part.")
    history.put(AssistantMessageItem("a1", (AssistantAudio(SENTENCE),), status="completed"))
    assert transcript(history, "a1") == "The quick brown fox"


def test_a_second_cut_never_makes_the_reply_longer() -> None:
    history = spoken()
    history.truncate("a1", 0, 2000, 4400)
    assert history.truncate("a1", 0, 3000, 4400) is None
    assert transcript(history, "a1") == "The quick brown fox"


def test_parts_behind_the_cut_were_not_heard() -> None:
    history = spoken("First part.")
    history.assistant_says("a1", 1, "Second part.")
    history.truncate("a1", 0, 5000, 5000)
    assert transcript(history, "a1") == "First part."


def test_a_cut_of_something_else_changes_nothing() -> None:
    history = History()
    history.put(user("u1", "mine"))
    assert history.truncate("u1", 0, 0, None) is None
    assert history.truncate("nothing", 0, 0, None) is None
    assert transcript(history, "u1") == "mine"


def test_a_cut_of_written_text_leaves_the_text() -> None:
    history = History()
    history.assistant_writes("a1", 0, "Written")
    history.truncate("a1", 0, 0, None)
    assert transcript(history, "a1") == "Written"


def test_a_cut_of_speech_without_a_transcript_has_none() -> None:
    history = History()
    history.put(AssistantMessageItem("a1", (AssistantAudio(None),)))
    history.truncate("a1", 0, 100, 200)
    item = history.get("a1")
    assert isinstance(item, AssistantMessageItem)
    assert item.content == (AssistantAudio(None, heard_ms=100),)


def test_a_tools_output_is_kept_with_its_call_whatever_is_said_of_it_later() -> None:
    history = History()
    history.put(RealtimeToolCallItem("i1", "clock", "{}", call_id="c1", status="in_progress"))
    assert history.tool_answered("c1", "noon") == "updated"
    history.put(RealtimeToolCallItem("i1", "", '{"zone":"UTC"}', status="in_progress"))
    assert history.get("i1") == RealtimeToolCallItem(
        "i1", "clock", '{"zone":"UTC"}', "noon", "c1", status="completed"
    )
    assert history.tool_answered("unknown", "x") is None


def test_a_system_message_is_kept_whole() -> None:
    history = History()
    history.put(SystemMessageItem("s1", (InputText("It rains."),)))
    assert history.put(SystemMessageItem("s1", (), status="completed")) == "updated"
    assert transcript(history, "s1") == "It rains."


def test_a_deleted_item_is_gone() -> None:
    history = spoken()
    assert history.delete("a1") == "updated"
    assert history.delete("a1") is None
    assert history.items == []


def test_the_oldest_items_go_when_there_are_too_many() -> None:
    history = History(max_items=3)
    for number in range(10):
        history.assistant_says(f"a{number}", 0, "x")
        history.truncate(f"a{number}", 0, 0, 1)
    assert ids(history) == ["a7", "a8", "a9"]
    assert list(history._cut) == ["a7", "a8", "a9"]


def test_a_snapshot_does_not_change_afterwards() -> None:
    history = spoken("Hello")
    before = history.items
    history.assistant_says("a1", 0, " there")
    assert text_of(before[0]) == "Hello"


ITEMS = st.sampled_from(["a", "b", "c", "d", "e"])
OPERATIONS = st.one_of(
    st.tuples(st.just("put_user"), ITEMS, ITEMS),
    st.tuples(st.just("put_assistant"), ITEMS, st.text(max_size=5)),
    st.tuples(st.just("user_said"), ITEMS, st.text(max_size=5)),
    st.tuples(st.just("says"), ITEMS, st.text(max_size=5)),
    st.tuples(st.just("cut"), ITEMS, st.integers(0, 100)),
    st.tuples(st.just("delete"), ITEMS, st.none()),
)


@given(st.lists(OPERATIONS, max_size=60))
def test_whatever_happens_ids_are_unique_the_bound_holds_and_roles_stay(
    operations: list[tuple[str, str, object]],
) -> None:
    history = History(max_items=4)
    for name, item_id, value in operations:
        before = {item.item_id: item for item in history.items}
        match name:
            case "put_user":
                change = history.put(user(item_id, previous_item_id=str(value)))
            case "put_assistant":
                change = history.put(AssistantMessageItem(item_id, (AssistantAudio(str(value)),)))
            case "user_said":
                change = history.user_said(item_id, 0, str(value), whole=False)
            case "says":
                change = history.assistant_says(item_id, 0, str(value))
            case "cut":
                assert isinstance(value, int)
                change = history.truncate(item_id, 0, value, 100)
            case _:
                change = history.delete(item_id)
        after = {item.item_id: item for item in history.items}
        assert len(after) == len(history.items) <= 4
        for known in before.keys() & after.keys():
            assert type(after[known]) is type(before[known])
        if change is None:
            assert after == before


@pytest.mark.parametrize(
    "item",
    [
        SystemMessageItem("s", (InputText("context"),), status="completed"),
        UserMessageItem("u", (InputText("a"), InputAudio("b"), InputImage("https://c", "low")), "s"),
        AssistantMessageItem("a", (AssistantText("x"), AssistantAudio("y", heard_ms=3)), "u", "incomplete"),
        RealtimeToolCallItem("t", "clock", '{"a":1}', "noon", "c1", "a", "completed"),
        RealtimeToolCallItem("t", "clock", "{}", None, "c1", "a", "in_progress"),
    ],
)
def test_an_item_comes_back_from_its_dictionary(item: UserMessageItem) -> None:
    assert item_from_dict(item.to_dict()) == item


def test_the_output_of_a_call_is_a_text() -> None:
    item = item_from_dict({"id": "t", "type": "function_call", "name": "clock", "output": 12})
    assert item == RealtimeToolCallItem("t", "clock", output="12")


def test_the_wires_own_form_is_read_without_its_audio_and_unknown_parts() -> None:
    item = item_from_dict(
        {
            "id": "a",
            "type": "message",
            "role": "assistant",
            "status": "odd",
            "content": [
                {"type": "output_audio", "transcript": "hi", "audio": "AAAA"},
                {"type": "output_text", "text": "ho"},
                {"type": "hologram"},
                "not a part",
            ],
        }
    )
    assert item == AssistantMessageItem("a", (AssistantAudio("hi"), AssistantText("ho")))


@pytest.mark.parametrize(
    "data",
    [{}, {"id": 7, "role": "user"}, {"id": "a", "role": "nobody"}, {"id": "a", "type": "mcp_call"}],
)
def test_what_is_no_item_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"id|Not a message"):
        item_from_dict(data)


def test_long_items_push_the_oldest_out_and_leave_the_newest() -> None:
    history = History()
    for number in range(40):
        history.put(user(f"item_{number}", "x" * 999_000))
        assert sum(map(size_of, history.items)) <= 16_000_000
    assert ids(history) == [f"item_{number}" for number in range(24, 40)]
    history.put(UserMessageItem("picture", (InputImage("data:" + "A" * 20_000_000),)))
    assert ids(history) == ["picture"]
    history.put(user("next", "And now?"))
    assert ids(history) == ["next"]


def test_items_that_grow_or_go_are_counted_as_they_are() -> None:
    history = History()
    for number in range(20):
        history.put(user(f"item_{number}", "x" * 800_000))
    for number in range(5, 20):
        history.delete(f"item_{number}")
    history.put(RealtimeToolCallItem("call", "look", call_id="c"))
    history.tool_answered("c", "y" * 900_000)
    history.tool_answered("c", "short")
    for number in range(14):
        history.user_said(f"long_{number}", 0, "z" * 800_000, whole=True)
    assert history._characters == sum(map(size_of, history.items))
    assert ids(history)[0] == "item_0"
    history.assistant_says("answer", 0, "w" * 900_000)
    assert history._characters == sum(map(size_of, history.items))
    assert ids(history)[0] == "item_1"
