from speakerd.daemon.metrics.turn_log import Stopwatch


def test_a_latency_is_the_time_between_its_two_marks() -> None:
    watch = Stopwatch()
    assert watch.mark("press", 10.0) == {}
    assert watch.mark("listening", 10.25) == {"press_to_listening": 0.25}


def test_first_sound_completes_both_waits() -> None:
    watch = Stopwatch()
    watch.mark("speech_end", 1.0)
    watch.mark("commit", 1.5)
    assert watch.mark("first_sound", 2.0) == {"speech_end_to_sound": 1.0, "commit_to_sound": 0.5}


def test_a_beginning_is_used_once() -> None:
    watch = Stopwatch()
    watch.mark("interrupt", 1.0)
    watch.mark("silence", 1.02)
    assert watch.mark("silence", 9.0) == {}


def test_marks_in_the_wrong_order_give_no_latency() -> None:
    watch = Stopwatch()
    watch.mark("listening", 1.0)
    assert watch.mark("press", 2.0) == {}


def test_marks_of_two_conversations_never_pair() -> None:
    watch = Stopwatch()
    watch.mark("press", 1.0)
    watch.reset()
    assert watch.mark("listening", 1.1) == {}


def test_marks_hours_apart_belong_to_two_turns() -> None:
    watch = Stopwatch()
    watch.mark("speech_end", 1.0)
    assert watch.mark("first_sound", 4000.0) == {}
