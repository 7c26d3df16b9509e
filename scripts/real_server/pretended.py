"""The real server of speech-to-speech, with ears and a model that are pretended. Run by its own interpreter.

Prints a line of JSON with its port, then one for each answer: what the model has before it.
"""

import json
import socket
import threading
import time
from queue import Queue
from typing import Any

import numpy as np
import uvicorn
from openai.types.realtime import RealtimeConversationItemFunctionCall
from openai.types.responses import ResponseFunctionToolCall
from speech_to_speech.api.openai_realtime.pipeline_unit import PipelineUnit
from speech_to_speech.api.openai_realtime.service import RealtimeService
from speech_to_speech.api.openai_realtime.websocket_router import create_app
from speech_to_speech.pipeline.cancel_scope import CancelScope
from speech_to_speech.pipeline.events import (
    AssistantOutputEvent,
    AssistantResponseDoneEvent,
    SpeechStartedEvent,
    SpeechStoppedEvent,
    TranscriptionCompletedEvent,
)
from speech_to_speech.pipeline.messages import (
    AUDIO_RESPONSE_DONE,
    AssistantTextPart,
    AssistantToolCallPart,
    AudioOutput,
)

WORDS = ["what time is it", "thank you", "tell me a story", "and tomorrow"]
"""What is heard, one turn after the other."""
LOUD = 300.0
CHUNK_MS = 32
SILENCE_MS = 500


class Pretended:
    """Its pipeline, but for what only models can do."""

    def __init__(self) -> None:
        self.prompts: Queue[Any] = Queue()
        self.heard: Queue[Any] = Queue()
        self.out: Queue[Any] = Queue()
        self.texts: Queue[Any] = Queue()
        self.words = list(WORDS)
        self.sessions = 0
        listening = threading.Event()
        listening.set()
        unit = PipelineUnit(
            index=0,
            service=RealtimeService(text_prompt_queue=self.prompts, should_listen=listening),
            cancel_scope=CancelScope(),
            should_listen=listening,
            response_playing=threading.Event(),
            input_queue=self.heard,
            output_queue=self.out,
            text_output_queue=self.texts,
            text_prompt_queue=self.prompts,
            handlers=[],
        )
        self.app = create_app(pool=[unit], stop_event=threading.Event())

    def ears(self) -> None:
        """Hear turns by loudness."""
        quiet_ms, speaking = 0, False
        while True:
            item = self.heard.get()
            if not isinstance(item, tuple):
                self.sessions += 1
                self.out.put(item)  # The end of a session passes through all parts.
                continue
            level = float(np.sqrt((np.frombuffer(item[0], "<i2").astype(float) ** 2).mean()))
            quiet_ms = 0 if level > LOUD else quiet_ms + CHUNK_MS
            if level > LOUD and not speaking:
                speaking = True
                self.texts.put(SpeechStartedEvent())
            elif speaking and quiet_ms >= SILENCE_MS:
                speaking = False
                self.texts.put(SpeechStoppedEvent(duration_s=1.0))
                self.texts.put(TranscriptionCompletedEvent(transcript=self.words.pop(0)))

    def model(self) -> None:
        """Answer what is asked."""
        while True:
            request = self.prompts.get()
            work = threading.Thread(
                target=self.answer, args=(request.response_key, request.runtime_config), daemon=True
            )
            work.start()

    def answer(self, key: str, config: Any) -> None:
        """Call the tool, tell a story, or agree."""
        session = self.sessions
        time.sleep(0.1)
        lines = [("instructions", config.session.instructions)]
        for item in config.chat.buffer:
            if item.type == "function_call_output":
                lines.append(("tool", item.output))
            elif item.type == "message":
                lines.append((item.role, " ".join(part.text or "" for part in item.content)))
        print(json.dumps(lines), flush=True)
        who, words = lines[-1]
        if who == "user" and "what time" in words:
            call_id = f"call_{time.monotonic_ns()}"
            call: dict[str, Any] = {
                "type": "function_call",
                "call_id": call_id,
                "name": "get_time",
                "arguments": "{}",
            }
            config.chat.add_item(RealtimeConversationItemFunctionCall(**call))
            part = AssistantToolCallPart(tool=ResponseFunctionToolCall(**call))
            self.texts.put(AssistantOutputEvent(response_key=key, parts=[part]))
        else:
            said = (
                "It is noon." if who == "tool" else "Once upon a time." if "story" in words else "Certainly."
            )
            self.out.put(AssistantOutputEvent(response_key=key, parts=[AssistantTextPart(text=said)]))
            wave = np.resize(np.array([8_000, -8_000], dtype=np.int16), 1_600).tobytes()
            for _ in range(60 if "story" in words else 3):
                if session != self.sessions:
                    return
                self.out.put(AudioOutput(audio=wave, response_key=key))
                time.sleep(0.05)
        self.out.put(AssistantResponseDoneEvent(response_key=key))
        self.out.put(AudioOutput(audio=AUDIO_RESPONSE_DONE, response_key=key))


def main() -> None:
    """Serve until the end of the process."""
    pretended = Pretended()
    for work in (pretended.ears, pretended.model):
        threading.Thread(target=work, daemon=True).start()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    uvicorn.Server(uvicorn.Config(pretended.app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
