"""The registry of plain requests."""

from typing import get_args

import pytest

from speakerd.dialogue import requests
from speakerd.dialogue.requests import PLAIN_REQUESTS, PlainRequest, RequestWord
from tests.dialogue.driver import MAKERS, warm


def test_every_request_there_is_stands_in_the_registry_under_a_word_of_its_own() -> None:
    made = [value for value in vars(requests).values() if isinstance(value, PlainRequest)]
    assert made == list(PLAIN_REQUESTS)
    assert len({request.word for request in made}) == len(made)
    assert {request.word for request in made} == set(get_args(RequestWord))
    assert all(request.help for request in made), "`speakerd ctl --help` has something to say of each"


@pytest.mark.parametrize("plain", PLAIN_REQUESTS, ids=lambda plain: plain.word)
def test_a_request_is_an_event_that_does_something_somewhere(plain: PlainRequest) -> None:
    assert MAKERS[plain.word.capitalize()](0.0) is plain
    for first in ((), *((other.word.capitalize(),) for other in PLAIN_REQUESTS if other is not plain)):
        for place in (warm().idle(), warm().speaking()):
            place.do(*first).take()
            if place.send(plain).take():
                return
    pytest.fail("it never does anything, not even after another request")
