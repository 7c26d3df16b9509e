"""The API key that sessions are opened with. Each handshake and each reload looks for it again."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from speakerd.daemon.live_settings import PreparedChange, UnworkableSettingError
from speakerd.host.credentials import VARIABLES, find_key, take_key
from speakerd.host.errors import CredentialError, HostError
from speakerd.host.journal import fields
from speakerd.realtime.model import DEFAULT_URL

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import LiveSettings
    from speakerd.host.credentials import ApiKey
    from speakerd.host.log_filters import Redactor

log = logging.getLogger(__name__)

_READ = (*VARIABLES, "CREDENTIALS_DIRECTORY")
"""What of the environment says where a key is."""


class MissingKeyError(CredentialError):
    """The hosted service wants a key, and there is none."""

    def __init__(self, cure: str) -> None:
        HostError.__init__(self, f"there is no API key. {cure}")


class LiveApiKey:
    """The key in force. Event loop only."""

    def __init__(
        self, settings: LiveSettings, environment: MutableMapping[str, str], redactor: Redactor
    ) -> None:
        """Find the key, and take it out of `environment`, so that no child process inherits it.

        Raises CredentialError if one is needed and there is none, or if it cannot be read.
        """
        self._environment = {name: environment[name] for name in _READ if name in environment}
        self._redactor = redactor
        self._settings = settings
        now = settings.subscribe(
            "model.api_key_file",
            "model.backend",
            "model.auth",
            "model.url",
            "model.headers",
            prepare=self._prepare,
            every_time=True,
        )
        self._key = self._checked(take_key(environment, now.model.api_key_file), now)

    @property
    def secret(self) -> str | None:
        """The key itself; None where there is none."""
        return self._key.secret.reveal() if self._key is not None else None

    def current(self) -> str | None:
        """Look for the key again and return it; the one in force where it cannot be read just now."""
        latest = self._settings.latest
        try:
            self._key = self._checked(find_key(self._environment, latest.model.api_key_file), latest)
        except CredentialError as error:
            log.warning(
                "%s; the key that was read before stays in use", error, extra=fields(event="key_unread")
            )
        return self.secret

    async def _prepare(self, settings: Settings) -> PreparedChange:
        try:
            key = self._checked(find_key(self._environment, settings.model.api_key_file), settings)
        except CredentialError as error:
            raise UnworkableSettingError("model.api_key_file", str(error)) from error
        return PreparedChange(partial(self._take, key))

    def _take(self, key: ApiKey | None) -> None:
        self._key = key

    def _checked(self, key: ApiKey | None, settings: Settings) -> ApiKey | None:
        model = settings.model
        needed = model.backend == "remote" and model.auth == "bearer" and model.url.startswith(DEFAULT_URL)
        if key is None and needed and "authorization" not in {name.lower() for name in model.headers}:
            raise MissingKeyError(
                "Put it into a file of mode 0600 and name that in model.api_key_file, set "
                'SPEAKERD_API_KEY, or set model.backend = "offline" to do without',
            )
        if key is not None:
            self._redactor.add(key.secret)
        return key
