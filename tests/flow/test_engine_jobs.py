"""request, send and hours in a conversation: waiting, exits, variables, what is written down."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.jobs import (
    HttpJob,
    Job,
    JobOutcome,
    JobResult,
    MailMessage,
    Message,
    SendJob,
    SipMessage,
    WebhookMessage,
)
from ivr.flow.state import Phase
from ivr.testing.conversation import CallScript
from ivr.testing.services import ScriptedJobs
from tests.flow.dialogs import HEAD

pytestmark = pytest.mark.unit

TIMEOUT = JobResult(JobOutcome.TIMEOUT, detail="no whole answer within 5 s")
FAILED = JobResult(JobOutcome.FAILED, detail="does not answer")

CUSTOMER = {"customer": {"name": "Ada", "orders": [{"id": 7}], "balance": 12.5}}

LOOK_UP = """
variables: {account: "12 34/5"}
start: look_up
steps:
  look_up:
    request:
      get: "https://crm.example.com/accounts/{{ account }}"
      into: answer
      map: {balance: customer.balance, first: customer.orders.0.id}
    waiting: {play: sounds/en/typing.wav, after: 1s}
    status: {402: debt, 5xx: down}
    not_found: nobody
    timeout: late
    error: broken
    next: main
  main: {menu: {prompt: "Press 1.", choices: {one: {keys: "1", go: bye}}}}
  bye: {say: "{{ answer.customer.name }} owes {{ balance }}, order {{ first }}.", next: hang_up}
  debt: {say: "Debt.", next: hang_up}
  down: {say: "Down.", next: hang_up}
  nobody: {say: "Nobody.", next: hang_up}
  late: {say: "Late.", next: hang_up}
  broken: {say: "Broken.", next: hang_up}
"""


def call(flow: str = LOOK_UP, jobs: ScriptedJobs | None = None) -> CallScript:
    return CallScript(HEAD + flow, jobs=jobs).offered()


def jobs_of(script: CallScript) -> list[Job]:
    return [command.job for command in script.commands if isinstance(command, c.StartJob)]


def http_job(script: CallScript) -> HttpJob:
    (job,) = jobs_of(script)
    assert isinstance(job, HttpJob)
    return job


# --- the question


def test_values_in_the_address_are_encoded() -> None:
    assert http_job(call()).url == "https://crm.example.com/accounts/12%2034%2F5"


@pytest.mark.parametrize(
    ("value", "written"),
    [("a/../b", "a%2F..%2Fb"), ("x?y=1&z#f", "x%3Fy%3D1%26z%23f"), ("@evil.org", "%40evil.org"), ("ü", "%C3%BC")],
)
def test_a_value_cannot_leave_its_place_in_the_address(value: str, written: str) -> None:
    assert http_job(call(LOOK_UP.replace("12 34/5", value))).url == f"https://crm.example.com/accounts/{written}"


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_value_that_would_ask_for_another_resource_is_an_error_of_the_step(value: str) -> None:
    script = call("on_error: broken\n" + LOOK_UP.replace("12 34/5", value)).hears("Broken.")
    assert jobs_of(script) == []
    assert script.record[0].outcome == "error" and script.record[0].kind == "request"


def test_query_headers_and_body_carry_values_with_their_types() -> None:
    flow = """
variables: {count: 3, name: "Ada & Bob", line: "a\\r\\nX-Evil: 1", on: true}
start: put
steps:
  put:
    request:
      put: "https://crm.example.com/x"
      query: {name: "{{ name }}", on: "{{ on }}"}
      headers: {X-Line: "{{ line }}"}
      json: {count: "{{ count }}", text: "n{{ count }}", list: ["{{ name }}", 1]}
      timeout: 2s
      retries: 2
    error: hang_up
    next: hang_up
"""
    job = http_job(call(flow))
    assert (job.method, job.url) == ("PUT", "https://crm.example.com/x?name=Ada+%26+Bob&on=true")
    assert job.headers == {"X-Line": "aX-Evil: 1"}
    assert job.json == {"count": 3, "text": "n3", "list": ["Ada & Bob", 1]}
    assert (job.timeout_s, job.retries, job.reads_answer) == (2.0, 2, False)


# --- the answer


def test_the_answer_fills_variables() -> None:
    script = call(jobs=ScriptedJobs({"look_up": (200, CUSTOMER)})).hears("Press 1.").presses("1")
    script.hears("Ada owes 12.5, order 7.")
    assert script.variables["answer"] == CUSTOMER


@pytest.mark.parametrize(
    ("result", "said", "outcome"),
    [
        ((402, None), "Debt.", "402"),
        ((503, None), "Down.", "5xx"),
        ((404, None), "Nobody.", "not_found"),
        ((410, None), "Nobody.", "not_found"),
        ((403, None), "Broken.", "error"),
        (TIMEOUT, "Late.", "timeout"),
        (FAILED, "Broken.", "error"),
        ((200, {"customer": {}}), "Broken.", "error"),
    ],
)
def test_each_way_out(result: JobResult | tuple[int, object], said: str, outcome: str) -> None:
    script = call(jobs=ScriptedJobs({"look_up": result})).waits(1).hears(said)
    assert (script.record[0].kind, script.record[0].outcome) == ("request", outcome)
    assert "answer" not in script.variables and "balance" not in script.variables


def test_exits_that_are_not_written_are_error() -> None:
    flow = LOOK_UP.replace("    timeout: late\n", "").replace("    not_found: nobody\n", "")
    call(flow, ScriptedJobs({"look_up": TIMEOUT})).waits(1).hears("Broken.")
    call(flow, ScriptedJobs({"look_up": (404, None)})).waits(1).hears("Broken.")


def test_a_status_that_is_expected_may_have_an_exit_and_fills_variables() -> None:
    flow = LOOK_UP.replace("into: answer", "into: answer\n      expect: [2xx, 402]").replace(
        '"Debt."', '"{{ balance }} debt."'
    )
    call(flow, ScriptedJobs({"look_up": (402, CUSTOMER)})).waits(1).hears("12.5 debt.")


def test_a_missing_value_has_its_default() -> None:
    flow = LOOK_UP.replace("customer.balance", "{path: customer.balance, default: nothing}")
    answer = {"customer": {"name": "Ada", "orders": [{"id": 7}]}}
    script = call(flow, ScriptedJobs({"look_up": (200, answer)})).hears("Press 1.")
    assert script.variables["balance"] == "nothing"


def test_an_answer_to_an_old_question_means_nothing() -> None:
    script = call()
    script.feed(e.JobDone(script.clock.monotonic_s(), "job99", JobResult(JobOutcome.DONE, CUSTOMER, 200)))
    assert script.phase is Phase.WORKING


# --- while it lasts


def test_nothing_is_heard_of_a_quick_answer_and_a_sound_of_a_slow_one_which_stops_with_it() -> None:
    script = call()
    assert script.waits(0.9).prompts_heard == []
    script.waits(0.2).hears("[sounds/en/typing.wav]")
    script.waits(30)
    assert len(script.prompts_heard) > 1, "it is heard again"
    script.job_ends(JobResult(JobOutcome.DONE, CUSTOMER, 200))
    assert script.prompts_heard[-1] == "Press 1." and script.prompts[-2].was_cut


def test_a_text_is_said_again_after_a_pause() -> None:
    script = call(LOOK_UP.replace("{play: sounds/en/typing.wav, after: 1s}", '{text: "One moment.", every: 3s}'))
    script.waits(1.0).listens()
    assert len(script.prompts_heard) == 1
    script.waits(2.9)
    assert len(script.prompts_heard) == 1
    script.waits(0.2)
    assert script.prompts_heard == ["One moment."] * 2


def test_keys_of_a_waiting_caller_answer_the_question_that_follows() -> None:
    script = call().waits(0.5).presses("1").job_ends(JobResult(JobOutcome.DONE, CUSTOMER, 200))
    assert script.hears("Ada owes").has_ended


def test_what_was_said_before_is_heard_while_it_lasts_and_to_its_end() -> None:
    flow = LOOK_UP.replace("start: look_up", "start: hello").replace(
        "steps:", 'steps:\n  hello: {say: "Please wait for one little moment.", next: look_up}'
    )
    script = call(flow, ScriptedJobs({"look_up": (200, CUSTOMER)}, after_s=0.5))
    assert script.prompts_heard == ["Please wait for one little moment."]
    script.waits(0.6)
    assert script.prompts_heard == ["Please wait for one little moment."]
    script.hears("Press 1.")
    assert not script.prompts[0].was_cut
    assert [prompt.text for prompt in script.prompts] == ["Please wait for one little moment.", "Press 1."]


def test_the_sound_of_waiting_comes_after_what_was_said_before() -> None:
    flow = LOOK_UP.replace("start: look_up", "start: hello").replace(
        "steps:", 'steps:\n  hello: {say: "Hello.", next: look_up}'
    )
    script = call(flow).listens().waits(1.1)
    assert script.prompts_heard == ["Hello.", "[sounds/en/typing.wav]"]


def test_a_key_ends_what_was_said_before_but_not_the_sound_of_waiting() -> None:
    flow = LOOK_UP.replace("start: look_up", "start: hello").replace(
        "steps:", 'steps:\n  hello: {say: "Hello, this is a long text.", next: look_up}'
    )
    script = call(flow).interrupts(keys="1")
    assert script.prompts[0].was_cut and script.phase is Phase.WORKING
    script.waits(1.1)
    assert script.is_speaking
    script.feed(e.DigitPressed(script.clock.monotonic_s(), "5"))
    assert script.is_speaking


def test_a_sound_of_waiting_that_cannot_be_played_is_left_out() -> None:
    script = call().waits(1.1).prompt_fails()
    assert script.waits(20).phase is Phase.WORKING and not script.is_speaking
    script.job_ends(FAILED).hears("Broken.")


def test_a_caller_who_hangs_up_is_waited_for_no_longer() -> None:
    script = call().waits(2).hangs_up()
    assert [type(command) for command in script.commands if isinstance(command, c.StartJob | c.CancelJob)] == [
        c.StartJob,
        c.CancelJob,
    ]
    assert (script.record[-1].kind, script.record[-1].outcome) == ("request", "hung_up")
    assert script.phase is Phase.ENDED


def test_kept_work_says_so() -> None:
    script = call(LOOK_UP.replace("into: answer", "into: answer\n      keep: true"))
    assert [command.is_kept for command in script.commands if isinstance(command, c.StartJob)] == [True]


# --- what is written down

SECRET = """
start: code
steps:
  code: {ask: digits, prompt: "Code?", length: 4, into: code, sensitive: true, next: look_up}
  look_up:
    request: {get: "https://crm.example.com/c/{{ code }}", into: found}
    error: hang_up
    next: tell
  tell: {say: "It is {{ found.code | digits }}, {{ found.name }}.", next: hang_up}
"""


def test_sensitive_values_of_question_and_answer_stay_out_of_the_record() -> None:
    script = call(SECRET, ScriptedJobs({"look_up": (200, {"code": "4711", "name": "Ada"})})).presses("4711")
    job = http_job(script)
    assert job.url.endswith("/c/4711") and job.shown_url.endswith("/c/***")
    script.hears("It is 4 7, 1 1, Ada.")
    written = " ".join(str(line) for line in script.record)
    assert "4711" not in written and "4 7" not in written and "Ada" not in written
    assert "GET https://crm.example.com/c/***" in written
    assert script.state.sensitive == {"code", "found"}


def test_an_answer_may_be_declared_harmless() -> None:
    flow = SECRET.replace("into: found", "into: found, sensitive: false")
    script = call(flow, ScriptedJobs({"look_up": (200, {"code": "0000", "name": "Ada"})})).presses("4711")
    assert script.state.sensitive == {"code"}


# --- send

SEND = """
variables: {topic: "your bill\\nBcc: all@example.com"}
start: send
steps:
  send: {send: %s, next: done}
  done: {say: "Done.", next: hang_up}
"""


@pytest.mark.parametrize(
    ("send", "message"),
    [
        (
            '{webhook: crm, variables: [topic], data: {from: "{{ call.from }}"}}',
            WebhookMessage("crm", {"topic": "your bill\nBcc: all@example.com", "from": "+49301234"}),
        ),
        (
            '{mail: office, subject: "About {{ topic }}", text: "{{ call.from }}"}',
            MailMessage("office", "About your bill Bcc: all@example.com", "+49301234"),
        ),
        (
            '{mail: "{{ call.name }}@example.com", subject: "x", text: "y"}',
            MailMessage("@example.com", "x", "y", is_address=True),
        ),
        ('{message: agent, text: "From {{ call.from }}"}', SipMessage("agent", "From +49301234")),
    ],
)
def test_a_message_is_sent_without_holding_the_call_up(send: str, message: Message) -> None:
    script = call(SEND % send).hears("Done.")
    (job,) = jobs_of(script)
    assert job == SendJob(message) and isinstance(job, SendJob) and not job.is_awaited
    assert script.record[0].outcome == "done" and script.has_ended


@pytest.mark.parametrize(("result", "said"), [(JobResult(JobOutcome.DONE), "Sent."), (FAILED, "Failed.")])
def test_a_send_that_is_waited_for_has_two_exits(result: JobResult, said: str) -> None:
    flow = """
start: send
steps:
  send: {send: {message: agent, text: "x", wait: true}, sent: sent, failed: failed}
  sent: {say: "Sent.", next: hang_up}
  failed: {say: "Failed.", next: hang_up}
"""
    call(flow, ScriptedJobs({"send": result})).waits(1).hears(said)


# --- hours

HOURS = """
start: now
steps:
  now: {hours: office, open: here, closed: shut, holiday: free}
  here: {say: "Open.", next: hang_up}
  shut: {say: "Shut, {{ hours.state }}.", next: hang_up}
  free: {say: "A holiday.", next: hang_up}
"""


@pytest.mark.parametrize(
    ("state", "said"),
    [("open", "Open."), ("closed", "Shut, closed."), ("holiday", "A holiday."), ("emergency", "Shut, emergency.")],
)
def test_hours_lead_where_the_calendar_says(state: str, said: str) -> None:
    script = call(HOURS, ScriptedJobs(hours={"office": state})).hears(said)
    assert (script.record[0].kind, script.record[0].outcome, script.record[0].meaning) == ("hours", state, "office")


def test_a_call_out_of_hours_can_be_refused_before_it_is_answered() -> None:
    flow = HOURS.replace('shut: {say: "Shut, {{ hours.state }}.", next: hang_up}', "shut: {hang_up: {status: 480}}")
    script = call(flow, ScriptedJobs(hours={"office": "closed"}))
    assert [command for command in script.commands if isinstance(command, c.Answer | c.Reject)] == [c.Reject(480)]
    open_call = call(flow)
    answers = [command for command in open_call.commands if isinstance(command, c.Answer | c.PlayPrompt)]
    assert isinstance(answers[0], c.Answer) and len(answers) == 2


def test_a_calendar_that_cannot_say_anything_is_closed() -> None:
    call(HOURS, ScriptedJobs(hours={"office": "nonsense"})).hears("Shut, closed.")
