import asyncio

from speakerd.daemon.metrics.monitor import Entry, MonitorFeed, Subscription


async def collect(subscription: Subscription) -> list[Entry]:
    return [entry async for entry in subscription]


async def test_every_subscriber_gets_every_entry() -> None:
    feed = MonitorFeed()
    readers = [feed.subscribe(), feed.subscribe()]
    feed.publish("state", 1.0, phase="idle")
    feed.close()
    for reader in readers:
        assert await collect(reader) == [{"event": "state", "at": 1.0, "phase": "idle"}]


async def test_a_reader_that_lags_loses_the_oldest_and_is_told_how_many() -> None:
    feed = MonitorFeed()
    reader = feed.subscribe(limit=2)
    for number in range(5):
        feed.publish("level", float(number))
    feed.close()
    entries = await collect(reader)
    assert entries[0] == {"event": "lost", "count": 3}
    assert [entry["at"] for entry in entries[1:]] == [3.0, 4.0]


async def test_a_waiting_reader_wakes_for_an_entry_and_for_the_end() -> None:
    feed = MonitorFeed()
    reader = feed.subscribe()
    task = asyncio.create_task(collect(reader))
    await asyncio.sleep(0)
    feed.publish("a", 1.0)
    await asyncio.sleep(0)
    reader.close()
    assert await task == [{"event": "a", "at": 1.0}]


async def test_it_is_watched_while_somebody_reads() -> None:
    feed = MonitorFeed()
    seen = [feed.watched]
    reader = feed.subscribe()
    seen.append(feed.watched)
    reader.close()
    reader.close()
    seen.append(feed.watched)
    assert seen == [False, True, False]
