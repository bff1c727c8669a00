"""CrewAI: tools behind approval, `human_input=True`, and the feedback of Flows."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from countersign import AlreadyConsumed, CountersignError, DecisionStale, NotApproved
from countersign.adapters._calls import About, Call, Ruling, rule_sync

if TYPE_CHECKING:
    from crewai.agents.parser import AgentFinish
    from crewai.core.providers.human_input import AsyncExecutorContext, ExecutorContext
    from crewai.flow.async_feedback import PendingFeedbackContext
    from crewai.flow.runtime import Flow
    from crewai.hooks import ToolCallHookContext
    from typing_extensions import Unpack

    from countersign import Countersign, Decision


@contextmanager
def approved_tools(
    client: Countersign,
    tools: Collection[str],
    *,
    key: str | Callable[[ToolCallHookContext], str],
    execution: str | None = None,
    **about: Unpack[About],
) -> Iterator[ToolGate]:
    """Inside this context, each call of one of the named tools waits for approval, in every crew of the process.

        with approved_tools(client, ["delete_file"], key="tidy-42"):
            crew.kickoff()

    See `ToolGate`.
    """
    from crewai.hooks import (
        register_after_tool_call_hook,
        register_before_tool_call_hook,
        unregister_after_tool_call_hook,
        unregister_before_tool_call_hook,
    )

    gate = ToolGate(client, tools, key=key, execution=execution, **about)
    register_before_tool_call_hook(gate.before)
    register_after_tool_call_hook(gate.after)
    try:
        yield gate
    finally:
        unregister_before_tool_call_hook(gate.before)
        unregister_after_tool_call_hook(gate.after)


class ToolGate:
    """Two hooks: `before` asks people about a call of a tool, and `after` tells the agent why a call was refused.

    `key` names the run, such as `tidy-42`, or takes the hook's context and returns the run's name. With the tool, its
    arguments and the number of equal calls before, it names the request. The thread of the crew waits for the answer.

    CrewAI runs the tool if a hook raises. So whatever goes wrong in `before` blocks the call.
    """

    def __init__(
        self,
        client: Countersign,
        tools: Collection[str],
        *,
        key: str | Callable[[ToolCallHookContext], str],
        execution: str | None = None,
        **about: Unpack[About],
    ) -> None:
        from crewai.utilities.string_utils import sanitize_tool_name

        if isinstance(tools, str):
            raise TypeError(f"`tools` is a list of names, such as [{tools!r}].")
        self._client = client
        self._tools = {sanitize_tool_name(each) for each in tools}
        self._key = key
        self._execution = execution
        self._about = about
        self._settled: Counter[str] = Counter()
        self._refused: dict[int, tuple[object, str]] = {}
        """By the identity of a call's input: the input, which keeps its identity its own, and what the agent reads."""

    def before(self, context: ToolCallHookContext) -> bool | None:
        """A `before_tool_call` hook. Returns None if the tool may run, with what people approved as its input, and
        False if it may not."""
        if context.tool_name not in self._tools:
            return None
        try:
            ruled = self._rule(context)
            if ruled.approved:
                context.tool_input.clear()
                context.tool_input.update(ruled.arguments)
                return None
            message = ruled.message
        except CountersignError as error:
            message = f"Not approved: {error}"
        except Exception as error:  # CrewAI would swallow it and run the tool
            message = f"Not approved: {type(error).__name__}: {error}"
        self._refused[id(context.tool_input)] = (context.tool_input, message)
        return False

    def after(self, context: ToolCallHookContext) -> str | None:
        """An `after_tool_call` hook, which CrewAI calls for blocked tools too. Returns what the agent reads instead of
        "blocked by hook"."""
        refused = self._refused.pop(id(context.tool_input), None)
        return refused[1] if refused else None

    def _rule(self, context: ToolCallHookContext) -> Ruling:
        run = self._key if isinstance(self._key, str) else self._key(context)
        name, arguments = context.tool_name, dict(context.tool_input)
        same = f"{run}:{name}:{_digest(arguments)}"
        call = Call(key=f"{same}:{self._settled[same] + 1}", name=name, arguments=arguments, description=_who(context))
        try:
            ruled = rule_sync(self._client, [call], self._execution, **self._about)[0]
        except (AlreadyConsumed, DecisionStale):
            self._settled[same] += 1
            raise
        self._settled[same] += 1
        return ruled


class HumanInput:
    """A provider for tasks with `human_input=True`: people accept the result in Slack, or say what to change.

        set_provider(HumanInput(client, key="report-42"))
        crew.kickoff()

    *Approve* accepts. Words are feedback: the agent works on, and people are asked again. Anything else stops the crew:
    a rejection, silence, and empty words, which CrewAI itself takes for acceptance. `kickoff` raises HookAborted then,
    because after other errors CrewAI would run the task again. Its `__cause__` is Rejected, Expired, Cancelled,
    NotApproved, AlreadyConsumed or DecisionStale.

    CrewAI keeps the provider in a context variable: set it in the context that kicks off. `key` names the run.
    """

    def __init__(self, client: Countersign, *, key: str, execution: str | None = None, **about: Unpack[About]) -> None:
        self._client = client
        self._key = key
        self._execution = execution
        self._about = about
        self._settled: Counter[str] = Counter()

    def setup_messages(self, context: ExecutorContext) -> bool:
        return False

    def post_setup_messages(self, context: ExecutorContext) -> None:
        pass

    def handle_feedback(self, formatted_answer: AgentFinish, context: ExecutorContext) -> AgentFinish:
        answer = formatted_answer
        while words := self._feedback(answer, context):
            context.messages.append(context._format_feedback_message(words))
            answer = context._invoke_loop()
        context.ask_for_human_input = False
        return answer

    async def handle_feedback_async(self, formatted_answer: AgentFinish, context: AsyncExecutorContext) -> AgentFinish:
        answer = formatted_answer
        while words := await asyncio.to_thread(self._feedback, answer, context):
            context.messages.append(context._format_feedback_message(words))
            answer = await context._ainvoke_loop()
        context.ask_for_human_input = False
        return answer

    @staticmethod
    def _get_output_string(answer: AgentFinish) -> str:
        return answer.output if isinstance(answer.output, str) else answer.output.model_dump_json()

    def _feedback(self, answer: AgentFinish, context: ExecutorContext) -> str | None:
        """What people want to be changed. None if they accept. Stops the crew if they do neither."""
        from crewai.hooks import HookAborted

        if context._is_training_mode():
            raise HookAborted("crew.train() asks for feedback in the terminal: train without HumanInput.")
        try:
            return self._ask(self._get_output_string(answer), context.task.description if context.task else "")
        except (NotApproved, AlreadyConsumed, DecisionStale) as error:  # CrewAI would run the task again, and ask again
            raise HookAborted(str(error)) from error

    def _ask(self, result: str, task: str) -> str | None:
        question = {"question": "Accept this result?", "task": task, "result": result}
        same = f"{self._key}:{_digest(question)}"
        request = self._client.request(question, key=f"{same}:{self._settled[same] + 1}", **self._about)
        decision = self._client.wait(request.id)
        self._settled[same] += 1
        if decision.verdict == "respond" and (words := _words(decision)):
            return words
        decision.check()
        self._client.consume(request.id, execution=self._execution).check()
        return None


class FlowFeedback:
    """A provider for `@human_feedback(message=..., provider=...)` in Flows. The flow is stored while people think:

        feedback = FlowFeedback(client)
        ...
        pending = ReviewFlow().kickoff()                                          # asks, and ends
        feedback.resume(ReviewFlow.from_pending(pending.context.flow_id))         # hours later, in any process

    Leave out `emit`: with it, CrewAI lets a model read the outcome out of the feedback, and takes the first outcome if
    the feedback is empty. Write a `@router` that reads `json.loads(result.feedback)["approved"]`.
    """

    def __init__(self, client: Countersign, **about: Unpack[About]) -> None:
        self._client = client
        self._about = about

    def request_feedback(self, context: PendingFeedbackContext, flow: Flow[Any]) -> NoReturn:
        """Ask, and pause the flow. Raises ValueError if the method has `emit`."""
        from crewai.flow.async_feedback import HumanFeedbackPending

        if context.emit:
            raise ValueError(f"`emit` of {context.method_name}: leave it out, and decide in a @router of your own.")
        raise HumanFeedbackPending(context=context, callback_info={"request": self._ask(context)})

    def resume(self, flow: Flow[Any], *, execution: str | None = None) -> Any:
        """Wait for the decision about a flow of `from_pending`, and resume it. Returns what `flow.resume` returns.

        The feedback is JSON: `approved` (true only after an approval), `verdict`, `answer` (words or a value), `reason`
        and `by`. Raises AlreadyConsumed if another process resumed this pause. Raises RuntimeError in an event loop,
        before anything is taken: use `resume_async` there.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return flow.resume(self._taken(flow, execution))
        raise RuntimeError("There is an event loop here: use `await feedback.resume_async(flow)`.")

    async def resume_async(self, flow: Flow[Any], *, execution: str | None = None) -> Any:
        """The same as `resume`, with `flow.resume_async`."""
        return await flow.resume_async(await asyncio.to_thread(self._taken, flow, execution))

    def _taken(self, flow: Flow[Any], execution: str | None) -> str:
        """The feedback for this pause, for one execution."""
        context = flow.pending_feedback
        if context is None:
            raise ValueError("This flow waits for no feedback. Restore it with from_pending().")
        request = self._ask(context)
        decision = self._client.wait(request)
        if decision.verdict not in ("cancelled", "superseded"):
            self._client.consume(request, execution=execution)
        return _feedback_of(decision)

    def _ask(self, context: PendingFeedbackContext) -> str:
        """The id of the request. The same pause gives the same one, because CrewAI stores no more than the context."""
        stored = context.to_dict()
        question = {"question": context.message, "output": stored["method_output"]}
        key = f"{context.flow_id}:{context.method_name}:{stored['requested_at']}"
        return self._client.request(question, key=key, **self._about).id


def _feedback_of(decision: Decision) -> str:
    return json.dumps(
        {
            "approved": decision.approved,
            "verdict": decision.verdict,
            "answer": decision.answer,
            "reason": decision.reason,
            "by": list(decision.by),
        }
    )


def _words(decision: Decision) -> str:
    """What people wrote instead of a yes or a no. Empty if it says nothing."""
    value = decision.items[0].value if decision.items else decision.answer
    return value.strip() if isinstance(value, str) else ""


def _who(context: ToolCallHookContext) -> str:
    role = getattr(context.agent, "role", None)
    return f"Agent: {role}" if role else ""


def _digest(value: Any) -> str:
    written = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()[:16]
