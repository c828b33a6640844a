"""`request`: asks a data service by HTTP, and keeps what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, StrictBool, model_validator

from ivr.flow import events as e
from ivr.flow import templates
from ivr.flow.answers_data import MISSING, value_at
from ivr.flow.jobs import HttpJob, JobOutcome, JobResult
from ivr.flow.marks import Mark, Target, Template, TemplateValue, find
from ivr.flow.model import Flow, Step
from ivr.flow.parts import Into, Part, VariableName
from ivr.flow.run import Run
from ivr.flow.steps import job
from ivr.flow.steps.kind import END, RETURN, Exit, StepKind
from ivr.flow.steps.texts import plain_text, shown, variables_read
from ivr.flow.steps.texts import url as filled_url
from ivr.units import Duration
from ivr.written import also, written

METHODS = ("get", "post", "put", "patch", "delete")
IDEMPOTENT = ("get", "put", "delete")
"""May be asked again without doing anything twice (RFC 9110 §9.2.2)."""
MAX_TIMEOUT_S = 60.0
RESERVED_HEADERS = ("host", "content-length", "transfer-encoding", "connection", "accept-encoding", "upgrade")

_GROUPS = {f"{first}xx": (first * 100, first * 100 + 99) for first in range(1, 6)}


_STATUS = {"type": ["integer", "string"], "pattern": "^[1-5](xx|XX|[0-9]{2})$"}


@written({"anyOf": [_STATUS, {"type": "array", "items": _STATUS}]})
def _statuses(value: object) -> tuple[tuple[int, int], ...]:
    """Ranges of `200`, `2xx`, or a list of these."""
    given = value if isinstance(value, list | tuple) else [value]
    return tuple(each if isinstance(each, tuple) else status_range(each) for each in given)


def status_range(value: object) -> tuple[int, int]:
    """First and last status of `404` or `4xx`. Raises ValueError."""
    text = str(value).lower()
    if text in _GROUPS:
        return _GROUPS[text]
    if text.isascii() and text.isdecimal() and 100 <= int(text) <= 599:
        return int(text), int(text)
    raise ValueError(f"{value!r} is not an HTTP status; write 404, or 4xx for all of them")


@written(_STATUS)
def _status_key(value: object) -> str:
    status_range(value)
    return str(value).lower()


class Mapped(Part):
    """Where in the answer a variable's value lies."""

    path: str = Field(pattern=r"^\w[\w-]*(\.[\w-]+)*$")
    """`customer.balance`, `orders.0.id`."""
    default: Any = None
    """Taken where nothing lies there; without it that is an error."""


@written(also({"type": "string"}))
def _mapped(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


class Request(Part):
    """What to ask."""

    get: Template | None = None
    post: Template | None = None
    put: Template | None = None
    patch: Template | None = None
    delete: Template | None = None
    query: dict[str, TemplateValue] = Field(default_factory=dict)
    headers: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")], Template] = Field(default_factory=dict)
    json_body: TemplateValue = Field(None, alias="json")
    form: dict[str, TemplateValue] | None = None
    timeout: Annotated[Duration, Field(ge=0.1, le=MAX_TIMEOUT_S)] = 5.0
    """For everything together."""
    retries: Annotated[int, Field(ge=0, le=5)] = 0
    """So often it is asked again when the service does not answer, or answers 429, 502, 503, 504."""
    expect: Annotated[tuple[tuple[int, int], ...], BeforeValidator(_statuses)] = ((200, 299),)
    """Statuses that count as success."""
    into: Into | None = None
    """Variable that takes the whole answer."""
    map: dict[VariableName, Annotated[Mapped, BeforeValidator(_mapped)]] = Field(default_factory=dict)
    """Variables to places in the answer."""
    sensitive: StrictBool | None = None
    """Whether the answer stays out of records; when empty, it does if the request holds a sensitive value."""
    keep: StrictBool = False
    """Whether it is finished even though the caller has hung up."""

    @model_validator(mode="after")
    def _one_method(self) -> Request:
        used = [method for method in METHODS if getattr(self, method) is not None]
        if len(used) != 1:
            raise ValueError("a request asks one address; write exactly one of get, post, put, patch, delete")
        if self.retries and used[0] not in IDEMPOTENT:
            raise ValueError(f"a {used[0]} that is asked again may be done twice; remove retries")
        if self.json_body is not None and self.form is not None:
            raise ValueError("a request has one body; write json or form")
        if used[0] in ("get", "delete") and (self.json_body is not None or self.form is not None):
            raise ValueError(f"a {used[0]} has no body; write query, or use post")
        wrong = next((key for key in self.headers if key.lower() in RESERVED_HEADERS), None)
        if wrong:
            raise ValueError(f"the header {wrong} is not a flow's to set; remove it")
        return self

    @property
    def method(self) -> str:
        """The one that is used."""
        return next(method for method in METHODS if getattr(self, method) is not None)

    @property
    def url(self) -> str:
        """Its address, a template."""
        return str(getattr(self, self.method))

    def accepts(self, status: int) -> bool:
        """Whether a status counts as success."""
        return any(first <= status <= last for first, last in self.expect)


class RequestStep(Step):
    """Asks, and goes on by what came of it."""

    action: ClassVar[str] = "request"
    request: Request
    waiting: job.Waiting = Field(default_factory=job.music)
    """Heard by the caller while it lasts."""
    status: dict[Annotated[str, BeforeValidator(_status_key)], Target] = Field(default_factory=dict)
    """Exits by HTTP status: `{404: unknown_customer}`."""
    not_found: Target | None = None
    """404 and 410; `error` when empty."""
    timeout: Target | None = None
    """`error` when empty."""
    error: Target | None = None
    """Every failure that has no exit of its own."""


def job_of(run: Run, request: Request) -> HttpJob:
    """The request with the call's values in it. Raises TemplateFailed."""
    variables, language = run.variables, run.state.language
    headers = {key: _one_line(templates.render(text, variables, language)) for key, text in request.headers.items()}
    form = templates.evaluate_set(request.form, variables, language)
    return HttpJob(
        method=request.method.upper(),
        url=filled_url(request.url, request.query, variables, language),
        headers=headers,
        json=templates.evaluate_set(request.json_body, variables, language),
        form=None if form is None else {key: str(plain_text(value)) for key, value in form.items()},
        timeout_s=request.timeout,
        retries=request.retries,
        reads_answer=bool(request.into or request.map),
        accepted=request.expect,
        shown_url=shown(request.url, run.masked_variables, language),
    )


def _one_line(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).strip()


def _enter(run: Run, name: str, found: RequestStep) -> None:
    job.begin(run, job_of(run, found.request), found.waiting, is_kept=found.request.keep)


def _handle(run: Run, found: RequestStep, event: e.Event) -> None:
    if not isinstance(event, e.JobDone) or event.job_id != run.state.job_id:
        job.handle(run, found.waiting, event)
        return
    kept, result = _kept(found.request, event.result)
    if kept:
        run.state.variables = {**run.state.variables, **kept}
        run.state.sensitive = _sensitive_after(run, found.request, set(kept))
    key, target = exit_of(run.flow, found, result)
    status = "" if result.status is None else f"status {result.status}"
    detail = result.detail or status
    _note(run, found, "done" if result.outcome is JobOutcome.DONE else key, detail)
    job.leave(run, target)


def _kept(request: Request, result: JobResult) -> tuple[dict[str, object], JobResult]:
    """Variables out of the answer, and the result: an answer without what is mapped is an error, and keeps nothing."""
    if result.outcome is not JobOutcome.DONE or not (request.into or request.map):
        return {}, result
    kept: dict[str, object] = {request.into: result.value} if request.into else {}
    for name, place in request.map.items():
        value = value_at(result.value, place.path)
        if value is MISSING and "default" not in place.model_fields_set:
            return {}, JobResult(JobOutcome.FAILED, detail=f"the answer holds no {place.path}")
        kept[name] = place.default if value is MISSING else value
    return kept, result


def _sensitive_after(run: Run, request: Request, names: set[str]) -> frozenset[str]:
    """An answer to a question that holds a sensitive value may well repeat it."""
    is_sensitive = request.sensitive
    if is_sensitive is None:
        read = variables_read(text for _, text in find(request, Mark.TEMPLATE))
        is_sensitive = bool(read & run.state.sensitive)
    return run.state.sensitive | names if is_sensitive else run.state.sensitive - names


def exit_of(flow: Flow, step: RequestStep, result: JobResult) -> tuple[str, str]:
    """Key and target of the way out."""
    rest = step.error or flow.defaults.failed or END
    if result.status is not None:
        for key, target in sorted(step.status.items(), key=lambda each: "x" in each[0]):  # 404 before 4xx
            first, last = status_range(key)
            if first <= result.status <= last:
                return key, target
    if result.outcome is JobOutcome.DONE:
        return "next", step.next or RETURN
    if result.status in (404, 410):
        return "not_found", step.not_found or rest
    if result.outcome is JobOutcome.TIMEOUT:
        return "timeout", step.timeout or rest
    return "error", rest


def _shown(run: Run, found: RequestStep) -> str:
    address = shown(found.request.url, run.masked_variables, run.state.language)
    return f"{found.request.method.upper()} {address}"


def _note(run: Run, found: RequestStep, outcome: str, detail: str) -> None:
    started_at_s = run.state.input.started_at_s
    run.note("request", outcome, started_at_s=started_at_s, meaning=_shown(run, found), detail=detail)


def _exits(flow: Flow, step: RequestStep) -> Iterator[Exit]:
    rest = step.error or flow.defaults.failed or END  # to leave it out is an error of its own
    yield Exit("next", step.next or RETURN, keeps_answer=True)
    for key, target in step.status.items():
        yield Exit(key, target, keeps_answer=_is_success(step.request, key))
    yield Exit("not_found", step.not_found or rest)
    yield Exit("timeout", step.timeout or rest)
    yield Exit("error", rest)


def _is_success(request: Request, key: str) -> bool:
    first, last = status_range(key)
    return all(request.accepts(status) for status in range(first, last + 1))


def _variables(step: RequestStep) -> frozenset[str]:
    return frozenset(step.request.map) | ({step.request.into} if step.request.into else frozenset())


KIND = StepKind(
    RequestStep,
    _enter,
    _handle,
    lambda run, found: job.caller_left(run, "request", _shown(run, found)),
    exits=_exits,
    variables=_variables,
    needs_caller=False,
)
