"""From microphone samples to speech events. Samples and a time in, values out.

All of it is pure but `wake_word`, which reads its model from a file when it is made.

- `pipeline`: one block of the microphone and of the loudspeaker in, events out
- `echo_canceller`: removes the loudspeaker's sound from the microphone's
- `echo_reference`: what the loudspeaker played, in step with the microphone's clock
- `vad`: whether a frame holds a voice
- `noise_floor`: how far a frame stands out of the room's noise
- `gate`: which frames may leave the house, and where a sentence begins and ends
- `barge_in`: whether someone speaks over the speaker's own voice
- `wake_word`: wakes by a word
"""

from speakerd.audio.capture.echo_canceller import EffectiveEcho, make_canceller
from speakerd.audio.capture.echo_reference import EchoReference
from speakerd.audio.capture.gate import ListenMode, TurnOwner
from speakerd.audio.capture.pipeline import PipelineParts, SpeechPipeline
from speakerd.audio.capture.vad import make_detector
from speakerd.audio.capture.wake_word import make_wake_word

__all__ = [
    "EchoReference",
    "EffectiveEcho",
    "ListenMode",
    "PipelineParts",
    "SpeechPipeline",
    "TurnOwner",
    "make_canceller",
    "make_detector",
    "make_wake_word",
]
