from pathlib import Path

from speakerd.daemon.storage.volume import Volume


async def test_a_change_is_heard_at_once_and_stored_at_the_end(tmp_path: Path) -> None:
    heard: list[int] = []
    path = tmp_path / "state" / "volume"
    volume = Volume(60, path=path, apply=heard.append)
    assert volume.change(-10) == 50
    assert heard == [60, 50]
    assert not path.exists()
    await volume.close()
    assert path.read_text() == "50\n"
    again: list[int] = []
    assert Volume(60, path=path, apply=again.append).value == 50
    assert again == [50]


async def test_it_stays_between_silent_and_full() -> None:
    volume = Volume(95, path=None, apply=lambda _value: None)
    assert volume.change(+10) == 100
    assert volume.set(-3) == 0
    await volume.close()


async def test_turning_back_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "volume"
    path.write_text("40\n")
    before = path.stat().st_mtime_ns
    volume = Volume(60, path=path, apply=lambda _value: None)
    volume.change(+10)
    volume.change(-10)
    await volume.close()
    assert path.stat().st_mtime_ns == before


async def test_a_damaged_file_falls_back_to_the_configured_volume(tmp_path: Path) -> None:
    path = tmp_path / "volume"
    path.write_text("loud")
    assert Volume(60, path=path, apply=lambda _value: None).value == 60


async def test_a_folder_that_cannot_be_written_is_survived(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    volume = Volume(60, path=blocked / "volume", apply=lambda _value: None)
    volume.change(+5)
    await volume.close()
    assert volume.value == 65
