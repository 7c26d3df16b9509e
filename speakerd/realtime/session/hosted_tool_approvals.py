"""Approval of hosted MCP tool calls: the model's server asks before it calls a tool, and waits for the answer.

A call that is approved is one that the server runs; one that is refused is over, and the reply to it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Generic

from speakerd.realtime.agents import settle
from speakerd.realtime.model import RealtimeModelSendMcpApproval
from speakerd.realtime.run_context import TContext
from speakerd.realtime.session.events import RealtimeToolApprovalRequired
from speakerd.realtime.session.task_queue import MAX_WAITING, EndingTasks, SerialQueue

if TYPE_CHECKING:
    from speakerd.realtime.agents import HostedMCPTool
    from speakerd.realtime.model import RealtimeModelMcpApprovalRequestEvent
    from speakerd.realtime.session.state import SessionState
    from speakerd.realtime.session.tool_runner import ToolRunner


class HostedToolApprovals(Generic[TContext]):
    """The requests of one session that wait for an answer."""

    def __init__(self, state: SessionState[TContext], tools: ToolRunner[TContext]) -> None:
        self._state = state
        self._tools = tools
        self._waiting: dict[str, RealtimeModelMcpApprovalRequestEvent] = {}
        self._standing: dict[tuple[str, str], tuple[bool, str | None]] = {}
        """What the program decided for good about a tool, and the reason it gave."""
        self._worker = SerialQueue(state.report)

    def __contains__(self, request_id: str) -> bool:
        """Return whether a request of that id waits for an answer."""
        return request_id in self._waiting

    async def request(self, event: RealtimeModelMcpApprovalRequestEvent) -> None:
        """Process a request of the server: answer it, or ask the program."""
        self._tools.approval_asked(event)
        tool = self._state.hosted_tool(event.server_label)
        standing = self._standing.get((event.server_label, event.name))
        if standing is not None:
            await self._send(event, approve=standing[0], reason=standing[1])
        elif len(self._waiting) >= MAX_WAITING:  # It is refused.
            await self._send(event, approve=False, reason=None)
        elif tool.on_approval_request is not None:
            self._worker.add(lambda: self._ask(event, tool), "on_approval_request")
        else:
            self._waiting[event.approval_request_id] = event
            await self._state.put(
                RealtimeToolApprovalRequired(
                    agent=self._state.agent,
                    tool=tool,
                    call_id=event.approval_request_id,
                    arguments=event.arguments,
                    info=self._state.info,
                )
            )

    async def answer(self, request_id: str, *, approve: bool, always: bool, reason: str | None) -> None:
        """Answer a waiting request; with `always`, all others for the same tool too, now and later."""
        event = self._waiting.pop(request_id)
        alike: list[RealtimeModelMcpApprovalRequestEvent] = []
        if always:
            key = (event.server_label, event.name)
            self._standing[key] = (approve, reason)
            alike = [each for each in self._waiting.values() if (each.server_label, each.name) == key]
        for each in [event, *alike]:
            self._waiting.pop(each.approval_request_id, None)
            await self._send(each, approve=approve, reason=reason)

    def stop(self) -> EndingTasks:
        """Drop the requests that wait, unanswered; cancel the function that is asked, and return its task."""
        self._waiting.clear()
        return self._worker.stop()

    async def _ask(self, event: RealtimeModelMcpApprovalRequestEvent, tool: HostedMCPTool) -> None:
        approve = False
        reason: str | None = "The approval could not be asked for."
        try:
            if tool.on_approval_request is not None:
                answer = await settle(tool.on_approval_request(event))
                if isinstance(answer, Mapping):
                    approve, reason = bool(answer.get("approve")), answer.get("reason")
                else:
                    approve, reason = bool(answer), None
        finally:
            # Also when it raises: a server without an answer waits for ever.
            await self._send(event, approve=approve, reason=reason)

    async def _send(
        self, event: RealtimeModelMcpApprovalRequestEvent, *, approve: bool, reason: str | None
    ) -> None:
        await self._state.model.send_event(
            RealtimeModelSendMcpApproval(event.approval_request_id, approve=approve, reason=reason)
        )
        await self._tools.approval_answered(event, approve=approve)
