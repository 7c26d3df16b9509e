"""All settings together: the dataclasses of the rooms, each under the name of its table in the file."""

from pydantic import BaseModel, ConfigDict, Field

from speakerd.audio.settings import AudioSettings, WakeWordSettings
from speakerd.config.model_settings import ModelSettings
from speakerd.dialogue.settings import DialogueSettings
from speakerd.host.settings import ControlSettings, LogSettings
from speakerd.offline.settings import OfflineSettings
from speakerd.panel.settings import PanelSettings
from speakerd.tools.settings import ToolsSettings


class Settings(BaseModel):
    """The speaker's settings. Every key may be left out; a key that is not listed here is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    board: str = ""
    """Name of a ready-made set of audio and panel settings for a known board; what stands here wins over it."""
    model: ModelSettings = Field(default_factory=ModelSettings)
    audio: AudioSettings = Field(default_factory=AudioSettings)
    wake_word: WakeWordSettings = Field(default_factory=WakeWordSettings)
    dialogue: DialogueSettings = Field(default_factory=DialogueSettings)
    panel: PanelSettings = Field(default_factory=PanelSettings)
    tools: ToolsSettings = Field(default_factory=ToolsSettings)
    offline: OfflineSettings = Field(default_factory=OfflineSettings)
    control: ControlSettings = Field(default_factory=ControlSettings)
    log: LogSettings = Field(default_factory=LogSettings)
