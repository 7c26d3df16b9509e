"""Runs the tools that the model calls, asks for approvals, and makes handoffs.

Each call runs in a task of its own, at most `tool_execution.max_concurrency` at a time, and its output is sent to
the model when the tool returns. With `async_tool_calls=False` the event stream waits for each call.

Every call is answered, whatever happens: a model whose call has no output stays silent for ever. The task of a call
does not end before the call is answered or waits for an approval, whatever the tool, a rule, a hook or a handoff
ends in; `tool_invocation` says what becomes of an ending that is no `Exception`. Only closing the session ends a
call without an answer: then nobody waits for it.
"""

from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias

from speakerd.realtime.agents import (
    FunctionTool,
    RealtimeAgent,
    ToolErrorFormatterArgs,
    ToolFailureText,
    UnknownToolCallError,
    as_exception,
    check_agent,
    default_tool_error_function,
    input_rejection,
    output_rejection,
    output_text,
    run_apart,
    sendable,
    settle,
)
from speakerd.realtime.errors import ModelBehaviorError, NoAnswerError, ToolLimitError, UnknownToolError
from speakerd.realtime.items import RealtimeToolCallItem
from speakerd.realtime.model import (
    RealtimeModelSendResponse,
    RealtimeModelSendSessionUpdate,
    RealtimeModelSendToolOutput,
    RealtimeModelToolCallEvent,
)
from speakerd.realtime.run_context import TContext, ToolContext
from speakerd.realtime.session.events import (
    RealtimeHandoffEvent,
    RealtimeNoReplyDue,
    RealtimeToolApprovalRequired,
    RealtimeToolEnd,
    RealtimeToolStart,
)
from speakerd.realtime.session.pending_calls import PendingCalls
from speakerd.realtime.session.task_queue import cancel_all
from speakerd.realtime.session.thread_pool import ToolThreadPool
from speakerd.realtime.session.tool_budget import ToolBudget

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from speakerd.realtime.agents import AnswerRule, Handoff
    from speakerd.realtime.model import (
        RealtimeModelMcpApprovalRequestEvent,
        RealtimeModelMcpCallEndedEvent,
        RealtimeModelMcpCallStartedEvent,
        ResponseStatus,
    )
    from speakerd.realtime.session.state import HookName, SessionState

_CALL: ContextVar[asyncio.Task[None] | None] = ContextVar("_CALL", default=None)
"""The task of the call that this code runs in: a tool may close its own session, and is not cancelled by that."""

_ReplyState: TypeAlias = Literal["asked", "due", "not due"]
"""Whether the reply to a call was asked for with its output, has to be asked for, or is not due now."""

_WaitingCall: TypeAlias = "tuple[RealtimeModelToolCallEvent, FunctionTool, RealtimeAgent[Any]]"


class ToolRunner(Generic[TContext]):
    """Runs the tool calls of one session."""

    def __init__(self, state: SessionState[TContext]) -> None:
        execution = state.run_config.get("tool_execution", {})
        self._state = state
        self._calls = PendingCalls()
        self._budget = ToolBudget(execution)
        self._slots = asyncio.Semaphore(execution.get("max_concurrency", 8))
        self._threads = ToolThreadPool(execution.get("max_threads", 4))
        self._in_background = state.run_config.get("async_tool_calls", True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, _WaitingCall] = {}
        self._standing: dict[str, Literal["approve", "reject"]] = {}
        self._rejections: dict[str, str | None] = {}
        self._handoff_lock = asyncio.Lock()
        self._closed = False

    async def call(self, call: RealtimeModelToolCallEvent) -> None:
        """Process the model's call of a tool or handoff."""
        if self._calls.came_before(call.call_id):
            return
        full = self._calls.is_full
        self._calls.begin(call)
        if full:
            message = "Too many tools are running already; wait for their results."
            await self._refuse(call, "too_many_calls", message)
            return
        self._budget.tool_called(_now())
        known = RealtimeToolCallItem(
            call.id or call.call_id,
            call.name,
            call.arguments,
            call_id=call.call_id,
            previous_item_id=call.previous_item_id,
            status="in_progress",
        )
        await self._state.history_changed(self._state.history.put(known), known.item_id)
        agent = self._state.agent_of(call.response_id)
        await self._start(partial(self._dispatch, call, agent), call)

    async def approve(self, call_id: str, *, always: bool) -> None:
        """Run a call that waits for approval; with `always`, all others of that tool too, now and later."""
        for call, tool, agent in self._take(call_id, and_its_like=always):
            if always:
                self._standing[tool.name] = "approve"
            await self._start(partial(self._run, call, tool, agent), call, background=True)

    async def reject(self, call_id: str, *, always: bool, message: str | None) -> None:
        """Refuse a call that waits for approval; with `always`, all others of that tool too, now and later."""
        for call, tool, _ in self._take(call_id, and_its_like=always):
            if always:
                self._standing[tool.name] = "reject"
                self._rejections[tool.name] = message
            await self._rejected(call, message)

    async def hosted_started(self, event: RealtimeModelMcpCallStartedEvent) -> None:
        """The model's server runs a hosted tool."""
        call = RealtimeModelToolCallEvent(
            event.name, event.item_id, event.arguments, id=event.item_id, response_id=event.response_id
        )
        if not self._calls.begin(call):
            return
        self._budget.tool_called(_now())
        state, agent = self._state, self._state.agent_of(event.response_id)
        tool = state.hosted_tool(event.server_label)
        await state.put(
            RealtimeToolStart(
                agent=agent, tool=tool, info=state.info, arguments=event.arguments, call_id=event.item_id
            )
        )
        self._beside(lambda: self._run_hooks("on_tool_start", agent, tool))

    async def hosted_ended(self, event: RealtimeModelMcpCallEndedEvent) -> None:
        """A hosted tool has ended: ask for the reply, unless the server goes on by itself."""
        if event.item_id not in self._calls:
            return
        state, agent = self._state, self._state.agent_of(event.response_id)
        tool = state.hosted_tool(event.server_label)
        due = self._calls.answered(event.item_id, "unless_continued")
        await state.put(
            RealtimeToolEnd(
                agent=agent,
                tool=tool,
                output=event.output,
                info=state.info,
                arguments=event.arguments,
                call_id=event.item_id,
            )
        )
        self._beside(lambda: self._run_hooks("on_tool_end", agent, tool, event.output))
        if due:
            await self._ask_reply(event.response_id)
        elif self._calls.is_settled(event.response_id):
            await self._no_reply(event.response_id)

    def approval_asked(self, event: RealtimeModelMcpApprovalRequestEvent) -> None:
        """The model's server asks before it runs a hosted tool: no reply is due before the answer."""
        request_id = event.approval_request_id
        self._calls.begin(
            RealtimeModelToolCallEvent(event.name, request_id, event.arguments, response_id=event.response_id)
        )

    async def approval_answered(self, event: RealtimeModelMcpApprovalRequestEvent, *, approve: bool) -> None:
        """The server has its answer: after a refusal nothing more of that response comes, so ask for the reply."""
        wanted: Literal[False, "unless_continued"] = False if approve else "unless_continued"
        due = self._calls.answered(event.approval_request_id, wanted)
        if due and event.response_id is not None:
            await self._ask_reply(event.response_id)

    def continued(self, response_id: str) -> None:
        """Note that a response says something: to a hosted tool that it ran before that, no reply is asked for."""
        self._calls.continued(response_id)

    def response_started(self, response_id: str | None) -> None:
        """Note that a response began: the reply to its tools is not asked for before it has ended."""
        self._calls.response_started(response_id)

    async def response_ended(
        self, response_id: str | None, status: ResponseStatus | None, *, spoke: bool
    ) -> None:
        """A response ended: ask for the reply to its tools' outputs if it is due."""
        if self._calls.response_ended(response_id, status, spoke=spoke):
            await self._ask_reply(response_id)
        elif self._calls.is_settled(response_id):
            await self._no_reply(response_id)

    async def connection_replaced(self) -> None:
        """The connection was replaced, so no end of an old response will come: ask for the reply if it is due."""
        if self._calls.connection_replaced():
            await self._ask_reply(None)

    def turn_begins(self) -> None:
        """The user said something: the limits of tools count anew."""
        self._budget.turn_begins()

    def spend(self, tokens: int) -> None:
        """Count the tokens of a response towards the limit of this turn."""
        self._budget.spend(tokens)

    async def _ask_reply(self, response_id: str | None) -> None:
        """Ask for the reply to the tools of a response, as far as the limits allow it."""
        state, limit = self._state, self._budget.reached(_now())
        match self._budget.take_reply(_now()):
            case "any":
                await state.model.send_event(RealtimeModelSendResponse())
            case "last":
                await state.report(ToolLimitError(str(limit)), "A tool call")
                await state.model.send_event(RealtimeModelSendResponse(tool_choice="none"))
            case "none":
                reason = f"the model calls tools where it may not, after {limit}"
                await state.report(NoAnswerError(reason), "The reply to a tool")
                await self._no_reply(response_id)

    async def _no_reply(self, response_id: str | None) -> None:
        await self._state.put(RealtimeNoReplyDue(info=self._state.info, response_id=response_id))

    def stop(self) -> set[asyncio.Task[Any]]:
        """Cancel all calls but the one from which this was called; return their tasks. No thread is waited for."""
        self._closed = True
        self._waiting.clear()
        self._threads.close()
        return cancel_all(self._tasks - {_CALL.get()})

    async def _start(
        self,
        work: Callable[[], Awaitable[None]],
        call: RealtimeModelToolCallEvent,
        *,
        background: bool | None = None,
    ) -> None:
        if self._closed:
            return
        task = asyncio.create_task(self._until_answered(work, call), name=f"speakerd tool {call.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if not (self._in_background if background is None else background):
            await asyncio.wait({task})

    async def _until_answered(
        self, work: Callable[[], Awaitable[None]], call: RealtimeModelToolCallEvent
    ) -> None:
        """Run `work`; whatever it ends in, the call has its answer afterwards, or waits for an approval.

        An exception, of a tool set to raise or of this code, ends the session's iteration.
        """
        _CALL.set(asyncio.current_task())
        try:
            await work()
        except BaseException as error:
            if self._closed:
                raise
            _forget_cancellation()
            failure = as_exception(f"the call of {call.name}", error)
            shown = failure if isinstance(failure, Exception) else RuntimeError(repr(failure))
            await self._state.report(shown, "A tool call")
            if call.call_id in self._calls:
                await self._answer(call, default_tool_error_function(self._state.context, shown))
            if isinstance(failure, KeyboardInterrupt):
                raise
            if isinstance(error, Exception):
                self._state.queue.fail(shown)

    def _beside(self, hooks: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._closed:
            return
        task = asyncio.create_task(hooks(), name="speakerd hook of a hosted tool")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dispatch(self, call: RealtimeModelToolCallEvent, agent: RealtimeAgent[Any]) -> None:
        state = self._state
        try:
            tool = await state.find_tool(agent, call.name)
            standing = self._standing.get(call.name)
            asks = tool is not None and standing is None and await self._needs_approval(call, tool)
            handoffs = [] if tool is not None else await state.all_handoffs(agent)
        except Exception as error:  # noqa: BLE001  # the user's rules: told to the model and the program
            await state.report(error, f"Looking up the tool {call.name}")
            await self._answer(call, default_tool_error_function(state.context, error))
            return
        if tool is not None:
            if standing == "reject":
                await self._rejected(call, self._rejections.get(tool.name))
            elif asks:
                await self._ask(call, tool, agent)
            else:
                await self._run(call, tool, agent)
            return
        for handoff in handoffs:
            if handoff.tool_name == call.name:
                await self._hand_off(call, handoff, agent)
                return
        await state.report(UnknownToolError(call.name, agent.name), "A tool call")
        names = ", ".join(await self._names(agent))
        await self._refuse(
            call, "tool_not_found", f"There is no tool {call.name}. There are: {names or 'none'}."
        )

    async def _names(self, agent: RealtimeAgent[Any]) -> list[str]:
        offered = await self._state.agent_settings(agent)
        tools = [tool.name for tool in offered["tools"] if isinstance(tool, FunctionTool)]
        return [*tools, *(handoff.tool_name for handoff in offered["handoffs"])]

    async def _ask(
        self, call: RealtimeModelToolCallEvent, tool: FunctionTool, agent: RealtimeAgent[Any]
    ) -> None:
        self._waiting[call.call_id] = (call, tool, agent)
        await self._state.put(
            RealtimeToolApprovalRequired(
                agent=agent,
                tool=tool,
                call_id=call.call_id,
                arguments=call.arguments,
                info=self._state.info,
            )
        )

    async def _needs_approval(self, call: RealtimeModelToolCallEvent, tool: FunctionTool) -> bool:
        if isinstance(tool.needs_approval, bool):
            return tool.needs_approval
        try:
            arguments = json.loads(call.arguments or "{}")
        except ValueError:
            arguments = {}
        given = arguments if isinstance(arguments, dict) else {}
        return bool(await settle(tool.needs_approval(self._state.context, given, call.call_id)))

    async def _run(
        self, call: RealtimeModelToolCallEvent, tool: FunctionTool, agent: RealtimeAgent[Any]
    ) -> None:
        state = self._state
        context = ToolContext(
            state.context.context,
            state.context.usage,
            tool_name=tool.name,
            tool_call_id=call.call_id,
            tool_arguments=call.arguments,
            run_in_thread=self._threads.run,
        )
        async with self._slots:
            await state.put(
                RealtimeToolStart(
                    agent=agent, tool=tool, info=state.info, arguments=call.arguments, call_id=call.call_id
                )
            )
            await self._run_hooks("on_tool_start", agent, tool)
            output = await self._checked(tool, context, call.arguments, agent)
        failed = isinstance(output, ToolFailureText)
        reply = await self._send_output(call, output_text(output), True if failed else tool.answer)
        await self._run_hooks("on_tool_end", agent, tool, output)
        await state.put(
            RealtimeToolEnd(
                agent=agent,
                tool=tool,
                output=output,
                info=state.info,
                arguments=call.arguments,
                call_id=call.call_id,
            )
        )
        await self._after_output(call, reply)

    async def _checked(
        self, tool: FunctionTool, context: ToolContext[Any], arguments: str, agent: RealtimeAgent[Any]
    ) -> Any:
        """Run a tool between its guardrails; give its result, or the text that takes its place."""
        rejection = await input_rejection(tool.tool_input_guardrails, context, agent)
        if rejection is None:
            output = await tool.invoke(context, arguments)
            if isinstance(output, ToolFailureText):
                return output
            rejection = await output_rejection(tool.tool_output_guardrails, context, agent, output)
            if rejection is None:
                return output
        behavior = rejection.behavior
        return ToolFailureText(behavior["message"] if behavior["type"] == "reject_content" else "")

    async def _hand_off(
        self, call: RealtimeModelToolCallEvent, handoff: Handoff[Any], agent: RealtimeAgent[Any]
    ) -> None:
        state = self._state
        async with self._handoff_lock:
            if state.agent is not agent:
                # Two handoffs in one response: the first one counts.
                message = f"The conversation was given to {state.agent.name} already."
                await self._refuse(call, "handed_off", message)
                return
            try:
                successor = await handoff.on_invoke_handoff(state.context, call.arguments)
                if not isinstance(successor, RealtimeAgent):
                    raise ModelBehaviorError(
                        f"The handoff {handoff.tool_name} gave {successor!r}: give an agent"
                    )
                check_agent(successor)
                settings = await state.agent_settings(successor)
            except Exception as error:  # noqa: BLE001  # the user's callables: told to the model and the program
                await state.report(error, f"The handoff {handoff.tool_name}")
                await self._answer(call, default_tool_error_function(state.context, error))
                return
            state.agent = successor
            await state.put(RealtimeHandoffEvent(from_agent=agent, to_agent=successor, info=state.info))
            await state.model.send_event(RealtimeModelSendSessionUpdate(session_settings=settings))
            await self._answer(call, handoff.get_transfer_message(successor))
        await self._run_hooks("on_handoff", successor, agent)

    async def _answer(self, call: RealtimeModelToolCallEvent, output: str) -> None:
        await self._after_output(call, await self._send_output(call, output, True))

    async def _send_output(
        self, call: RealtimeModelToolCallEvent, output: str, wanted: AnswerRule
    ) -> _ReplyState:
        """Send the output of a call, and ask for the reply with it if it is due now and no limit is reached."""
        if self._closed:
            return "not due"
        state = self._state
        output = sendable(output)
        due = self._calls.answered(call.call_id, wanted)
        at_once = due and self._budget.reached(_now()) is None
        if at_once:
            self._budget.take_reply(_now())
        await state.model.send_event(
            RealtimeModelSendToolOutput(tool_call=call, output=output, start_response=at_once)
        )
        await state.history_changed(
            state.history.tool_answered(call.call_id, output), call.id or call.call_id
        )
        return "asked" if at_once else "due" if due else "not due"

    async def _after_output(self, call: RealtimeModelToolCallEvent, reply: _ReplyState) -> None:
        if reply == "due":
            await self._ask_reply(call.response_id)
        elif reply == "not due" and self._calls.is_settled(call.response_id):
            await self._no_reply(call.response_id)

    async def _rejected(self, call: RealtimeModelToolCallEvent, message: str | None) -> None:
        default = f"The user did not allow {call.name} to run."
        if message is None:
            await self._refuse(call, "approval_rejected", default)
        else:
            await self._answer(call, message)

    async def _refuse(
        self,
        call: RealtimeModelToolCallEvent,
        kind: Literal["approval_rejected", "tool_not_found", "too_many_calls", "handed_off"],
        default: str,
    ) -> None:
        formatter = self._state.run_config.get("tool_error_formatter")
        message: str | None = None
        if formatter is not None:
            args = ToolErrorFormatterArgs(kind, call.name, call.call_id, default, self._state.context)
            try:
                message = await run_apart("tool_error_formatter", lambda: settle(formatter(args)))
            except Exception as error:  # noqa: BLE001  # the user's callable; the model still gets an answer
                await self._state.report(error, "The tool_error_formatter")
        await self._answer(call, default if message is None else message)

    async def _run_hooks(self, name: HookName, agent: RealtimeAgent[Any], *args: Any) -> None:
        for _, hook in self._state.hooks(name, agent, *args):
            try:
                await run_apart("hook", hook)
            except Exception as error:  # noqa: BLE001  # the user's code: reported, and the tool goes on
                await self._state.report(error, "A hook")

    def _take(self, call_id: str, *, and_its_like: bool) -> list[_WaitingCall]:
        try:
            taken = self._waiting.pop(call_id)
        except KeyError:
            raise UnknownToolCallError(call_id) from None
        if not and_its_like:
            return [taken]
        alike = [known for known, waiting in self._waiting.items() if waiting[1].name == taken[1].name]
        return [taken, *(self._waiting.pop(known) for known in alike)]


def _forget_cancellation() -> None:
    """Let the current task go on although code that it ran cancelled it."""
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()


def _now() -> float:
    return asyncio.get_running_loop().time()
