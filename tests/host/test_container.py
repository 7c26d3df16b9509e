"""The service under a real systemd: start, key, socket, reload, watchdog, stop; with every hardening line on."""

from typing import Any

import pytest

from tests.host import container

pytestmark = [
    pytest.mark.container,
    pytest.mark.skipif(bool(container.reason_not_to()), reason=container.reason_not_to() or "none"),
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return boot(tmp_path_factory, "small")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return boot(tmp_path_factory, "real")


def boot(factory: pytest.TempPathFactory, part: str) -> dict[str, Any]:
    facts = container.boot(factory.mktemp("container"), part)
    assert "died" not in facts, f"{facts['died']}\n{facts['tail']}"
    return facts


def test_it_is_ready_with_every_hardening_line_on(seen: dict[str, Any]) -> None:
    assert seen["start"]["code"] == 0, seen["start"]["said"]
    state = seen["after_start"]
    assert (state["ActiveState"], state["StatusText"], state["NRestarts"]) == ("active", "volume 10", "0")
    assert state["Type"] == ("notify-reload" if seen["version"] >= 254 else "notify")


def test_it_is_nobody_in_particular(seen: dict[str, Any]) -> None:
    assert seen["after_start"]["User"] == "speakerd"
    assert seen["user"] != "0"
    assert seen["capabilities"].strip("0") == ""
    assert seen["no_new_privileges"]


def test_it_writes_where_it_must_and_nowhere_else(seen: dict[str, Any]) -> None:
    (facts,) = seen["facts"]
    assert facts["SPEAKERD_CWD_WRITABLE"] == "True", "lgpio makes a FIFO there"
    assert facts["SPEAKERD_STATE_WRITABLE"] == "True"
    assert facts["SPEAKERD_ETC_WRITABLE"] == "False"
    assert facts["SPEAKERD_CREDSTORE_VISIBLE"] == "False"


def test_the_key_comes_as_a_credential_and_goes_no_further(seen: dict[str, Any]) -> None:
    (facts,) = seen["facts"]
    assert facts["SPEAKERD_KEY_SOURCE"] == "systemd credential"
    assert int(facts["SPEAKERD_KEY_LENGTH"]) == len(container.KEY)
    assert facts["SPEAKERD_CHILD_SEES_KEY"] == "False"
    assert facts["MESSAGE"] == "the key is ********"
    assert container.KEY not in seen["environment"]
    assert seen["whole_journal"] == 0


def test_the_key_is_in_no_core_dump(seen: dict[str, Any]) -> None:
    assert seen["core_limit"] == ["0", "0"]
    assert seen["memory_owner"] == 0, "not dumpable: its memory belongs to root, whoever it runs as"


def test_a_new_key_is_taken_at_the_next_start(seen: dict[str, Any]) -> None:
    assert int(seen["facts_rotated"]["SPEAKERD_KEY_LENGTH"]) == len(container.KEY + "-rotated")


def test_the_key_may_be_encrypted_at_rest(seen: dict[str, Any]) -> None:
    assert seen["encrypted_at_rest"]
    assert seen["facts_encrypted"]["SPEAKERD_KEY_SOURCE"] == "systemd credential"
    assert int(seen["facts_encrypted"]["SPEAKERD_KEY_LENGTH"]) == len(container.KEY + "-rotated")


def test_without_a_key_it_starts_all_the_same(seen: dict[str, Any]) -> None:
    assert seen["start_without_key"]["code"] == 0
    assert seen["facts_without_key"]["SPEAKERD_KEY_SOURCE"] == "none"


def test_the_journal_has_fields_and_priorities(seen: dict[str, Any]) -> None:
    (facts,) = seen["facts"]
    assert facts["SYSLOG_IDENTIFIER"] == "speakerd"
    assert facts["_SYSTEMD_UNIT"] == "speakerd.service"
    assert facts["PRIORITY"] == "6"
    assert seen["refused"][-1]["PRIORITY"] == "3"


def test_the_socket_is_for_its_group(seen: dict[str, Any]) -> None:
    assert "PermissionError" in seen["socket_stranger"]
    assert '"ok":true' in seen["socket_member"]


def test_a_reload_is_in_force_when_systemctl_returns_or_soon_after(seen: dict[str, Any]) -> None:
    assert seen["reload_good"]["code"] == 0, seen["unit_journal"]
    assert seen["after_good"] == {"ActiveState": "active", "StatusText": "volume 11", "NRestarts": "0"}


def test_a_bad_file_makes_the_reload_fail_and_changes_nothing(seen: dict[str, Any]) -> None:
    assert seen["reload_bad"]["code"] != 0
    assert seen["after_bad"] == {"ActiveState": "active", "StatusText": "volume 11", "NRestarts": "0"}
    assert any("Did you mean audio.volume?" in str(message) for message in seen["unit_journal"])


def test_a_bare_hangup_with_a_bad_file_is_refused_by_the_daemon_itself(seen: dict[str, Any]) -> None:
    assert "speakerd.toml:2: audio.volum = 12" in seen["refused"][-1]["MESSAGE"]
    assert seen["after_refused"] == {"ActiveState": "active", "StatusText": "volume 11", "NRestarts": "0"}


@pytest.mark.parametrize("fault", ["stopped_process", "hung_loop", "stuck_callback", "killed"])
def test_it_comes_back_from(seen: dict[str, Any], fault: str) -> None:
    assert seen[fault]["ActiveState"] == "active"
    assert 0 < seen[fault]["seconds"] < 20


def test_it_stops_cleanly_by_itself(seen: dict[str, Any]) -> None:
    # Were it slower than TimeoutStopSec=5, systemd would kill it and call the result a timeout. A finer figure would
    # measure how busy this machine is.
    assert seen["after_stop"] == {"ActiveState": "inactive", "Result": "success"}
    assert not seen["socket_after_stop"]


def test_a_bad_file_at_the_start_is_not_tried_over_and_over(seen: dict[str, Any]) -> None:
    assert seen["start_with_bad_file"]["code"] != 0
    state = seen["after_bad_start"]
    assert (state["ActiveState"], state["NRestarts"], state["ExecMainStatus"]) == ("failed", "0", "2")


def test_the_real_daemon_is_ready_with_every_hardening_line_on(real: dict[str, Any]) -> None:
    assert real["start"]["code"] == 0, real["journal"]
    assert real["after_start"]["ActiveState"] == "active"
    assert real["after_start"]["StatusText"].startswith("idle")
    assert real["status"]["phase"] == "idle"


def test_the_real_daemon_answers_through_the_socket(real: dict[str, Any]) -> None:
    assert real["ask"]["code"] == 0, (real["ask"], real["journal"])
    assert "hello" in real["ask"]["said"].lower()


def test_the_real_daemon_reloads_a_good_file_and_refuses_a_bad_one(real: dict[str, Any]) -> None:
    assert real["reload"]["code"] == 0, real["journal"]
    assert real["reloaded"] >= 0
    assert real["reload_bad"]["code"] == 1
    assert "Did you mean audio.volume?" in real["reload_bad"]["said"]
    assert real["after_bad"] == {"ActiveState": "active", "NRestarts": "0"}


def test_the_real_daemon_stops_cleanly_by_itself(real: dict[str, Any]) -> None:
    assert real["after_stop"] == {"ActiveState": "inactive", "Result": "success"}


def test_the_key_of_the_real_daemon_is_in_no_line_of_its_journal(real: dict[str, Any]) -> None:
    assert real["whole_journal"] == 0
