"""Turn-taking: who may speak now, and what the light and the microphone do about it.

One sans-I/O state machine. Events (`events`, `speakerd.panel.types`, `speakerd.audio.events`) and the clock go
in, commands (`commands`) come out:

    dialogue = Dialogue(settings.dialogue, gestures=settings.panel.gestures)
    for command in dialogue.handle(event, now): ...     # and dialogue.tick(now) when dialogue.deadline has come
    dialogue.uplink                                     # may captured speech leave: closed, hold, open
    dialogue.light                                      # what the light has to show

`table` holds the rules, in words and as rows of functions; `conditions` and `actions` are those functions, each
given a `transition`; `triggers` says by which word an event is found in the table, `gesture_meaning` what a gesture
means, `requests` what may be asked for in one word and `refusal` why it may not be done; `microphone`, `light` and
`deadlines` are what follows from the `state`; `state_machine` applies it all.

The phases, drawn from the table (`python -m speakerd.dialogue.diagram`, Mermaid):

stateDiagram-v2
    [*] --> starting
    starting --> idle: ready
    starting --> connecting: ready
    starting --> listening: ready
    idle --> connecting: press, tap, wake, talk_start, ask, announce
    idle --> listening: press, tap, wake, talk_start
    idle --> thinking: ask, announce
    idle --> announcing: announce
    connecting --> idle: timeout, tap, mute, switch_on, undo, stop, fatal, device_lost
    connecting --> listening: connected
    connecting --> thinking: connected
    listening --> idle: tap, end_requested, timeout, mute, switch_on, undo, stop, fatal, device_lost
    listening --> connecting: connection_lost
    listening --> thinking: tap, confirm, undo, ask, speech_ended, server_speech_stopped, turn_committed
    listening --> thinking: response_started, timeout
    listening --> speaking: playback_started
    thinking --> idle: press, talk_start, tap, response_ended, fatal, answer_failed, nothing_heard, timeout
    thinking --> idle: finished, mute, switch_on, stop, device_lost
    thinking --> connecting: press, wake, talk_start, ask, speech_started, barge_in_confirmed
    thinking --> listening: press, wake, talk_start, speech_started, barge_in_confirmed, server_speech_started
    thinking --> listening: response_ended, answer_failed, nothing_heard, timeout, finished
    thinking --> speaking: playback_started
    speaking --> idle: press, talk_start, tap, response_ended, timeout, finished, mute, switch_on, stop
    speaking --> idle: device_lost
    speaking --> connecting: press, wake, talk_start, ask, barge_in_confirmed
    speaking --> listening: press, wake, talk_start, server_speech_started, barge_in_confirmed, response_ended
    speaking --> listening: timeout, finished
    speaking --> thinking: ask, response_ended, finished
    speaking --> announcing: finished
    announcing --> idle: announced, press_for_announcement, stop, device_lost, timeout
    announcing --> connecting: announced, press_for_announcement, wake, talk_start, barge_in_confirmed
    announcing --> listening: announced, press_for_announcement, wake, talk_start, barge_in_confirmed
    announcing --> thinking: announced, press_for_announcement
    note right of stopping: from anywhere on stop_requested
    stopping --> [*]
"""
