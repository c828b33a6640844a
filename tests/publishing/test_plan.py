"""What goes into service, on plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from ivr.errors import Problem, Severity
from ivr.flow.loader import LoadedFlow, load_flow
from ivr.flows import served_name
from ivr.publishing.plan import Check, FlowFile, Flows, Plan, make_plan

pytestmark = pytest.mark.unit


def flow(name: str, text: str = "one", file: str = "") -> LoadedFlow:
    """A flow whose version depends on `text`."""
    content = f"flow: {name}\nstart: a\nsteps:\n  a: {{say: '{text}', next: hang_up}}\n"
    return load_flow(content, file or f"flows/{name}.yaml")


def file_of(loaded: LoadedFlow) -> FlowFile:
    return FlowFile(loaded.file, served_name(loaded.file, loaded.flow.flow), loaded)


def torn(file: str) -> FlowFile:
    return FlowFile(file, "", None, (Problem(file, 3, 1, "", "this is not YAML", rule="yaml"),))


def judge(**rules: str) -> Check:
    """A flow whose text is among the keys has an error (or, for `warn`, a warning)."""

    def check(flows: Flows) -> Mapping[str, Sequence[Problem]]:
        return {name: list(_found(each, rules)) for name, each in flows.items()}

    return check


def _found(loaded: LoadedFlow, rules: Mapping[str, str]) -> Sequence[Problem]:
    text = said(loaded)
    severity = Severity.WARNING if text == "warn" else Severity.ERROR
    return [Problem(loaded.file, 4, 1, "a", rules[text], severity)] if text in rules else []


def said(loaded: LoadedFlow) -> str:
    return str(loaded.source.data["steps"]["a"]["say"])  # type: ignore[index]


def needs(user: str, used: str, text: str) -> Check:
    """`user` can only work while `used` says the same as itself, or `text`."""

    def check(flows: Flows) -> Mapping[str, Sequence[Problem]]:
        fits = used in flows and said(flows[used]) in (said(flows[user]), text)
        problem = Problem(flows[user].file, 9, 9, "a", f"{used} does not fit")
        return {name: [problem] if name == user and not fits else [] for name in flows}

    return check


def texts(plan: Plan) -> dict[str, str]:
    return {name: said(each) for name, each in plan.flows.items()}


DEMO = flow("demo")
CLEAN = judge()


def test_a_clean_change_replaces_the_version_in_service() -> None:
    newer = flow("demo", "two")
    plan = make_plan({"demo": DEMO}, [file_of(newer)], CLEAN)
    assert texts(plan) == {"demo": "two"} and not plan.held
    assert plan.changes_from({"demo": DEMO}) == ({"demo": newer}, frozenset())


def test_without_a_change_nothing_changes() -> None:
    plan = make_plan({"demo": DEMO}, [file_of(flow("demo"))], CLEAN)
    assert plan.changes_from({"demo": DEMO}) == ({}, frozenset())


def test_a_change_with_errors_leaves_the_old_version_and_tells_why() -> None:
    plan = make_plan({"demo": DEMO}, [file_of(flow("demo", "bad")), file_of(flow("new"))], judge(bad="wrong"))
    assert texts(plan) == {"demo": "one", "new": "one"}
    assert [problem.message for problem in plan.held["demo"]] == ["wrong"]


def test_a_warning_holds_nothing_back() -> None:
    plan = make_plan({"demo": DEMO}, [file_of(flow("demo", "warn"))], judge(warn="careful"))
    assert texts(plan) == {"demo": "warn"} and not plan.held
    assert [problem.message for problem in plan.problems] == ["careful"]


def test_a_file_that_cannot_be_read_leaves_its_flow_in_service() -> None:
    plan = make_plan({"demo": DEMO}, [torn(DEMO.file)], CLEAN)
    assert texts(plan) == {"demo": "one"}
    assert [problem.line for problem in plan.held["demo"]] == [3]


def test_a_new_flow_with_errors_stays_out() -> None:
    plan = make_plan({}, [file_of(flow("demo", "bad")), torn("flows/x.yaml")], judge(bad="wrong"))
    assert plan.flows == {}
    assert [problem.message for problem in plan.problems] == ["wrong", "this is not YAML"]


def test_a_removed_file_takes_its_flow_out() -> None:
    plan = make_plan({"demo": DEMO, "other": flow("other")}, [file_of(flow("other"))], CLEAN)
    assert texts(plan) == {"other": "one"}
    assert plan.changes_from({"demo": DEMO, "other": flow("other")})[1] == {"demo"}


def test_a_folder_that_is_suddenly_empty_changes_nothing() -> None:
    plan = make_plan({"demo": DEMO}, [], CLEAN)
    assert texts(plan) == {"demo": "one"}
    assert "every flow file is gone" in plan.held["demo"][0].message


def test_drafts_alone_are_no_folder_of_flows() -> None:
    plan = make_plan({"demo": DEMO}, [file_of(flow("demo", "two", "flows/drafts/demo.yaml"))], CLEAN)
    assert texts(plan) == {"demo": "one"}


def test_a_file_whose_flow_got_another_name_serves_under_it() -> None:
    plan = make_plan({"demo": DEMO}, [file_of(flow("demo2", file=DEMO.file))], CLEAN)
    assert texts(plan) == {"demo2": "one"}


def test_a_second_file_of_the_same_name_does_not_take_over() -> None:
    usurper = flow("demo", "two", "flows/a.yaml")
    plan = make_plan({"demo": DEMO}, [file_of(usurper), file_of(DEMO)], CLEAN)
    assert texts(plan) == {"demo": "one"}
    assert [str(problem) for problem in plan.problems] == [
        "flows/a.yaml:1:7: flow: a flow named 'demo' is already in flows/demo.yaml; give this one another name"
    ]


def test_a_moved_file_goes_on_as_the_same_version() -> None:
    moved = flow("demo", file="flows/below/demo.yaml")
    plan = make_plan({"demo": DEMO}, [file_of(moved)], CLEAN)
    assert plan.flows["demo"] is moved
    assert plan.changes_from({"demo": DEMO}) == ({}, frozenset())


def test_what_is_in_service_stays_when_its_surroundings_go() -> None:
    plan = make_plan({"demo": DEMO}, [file_of(flow("demo"))], judge(one="the recording is gone"))
    assert texts(plan) == {"demo": "one"} and not plan.held
    assert [problem.message for problem in plan.problems] == ["the recording is gone"]


# --- flows that use each other

SUB = flow("sub")
BOTH = {"demo": DEMO, "sub": SUB}
FITS = needs("demo", "sub", text="any")


def test_flows_that_fit_only_together_go_together() -> None:
    plan = make_plan(BOTH, [file_of(flow("demo", "two")), file_of(flow("sub", "two"))], FITS)
    assert texts(plan) == {"demo": "two", "sub": "two"} and not plan.held


def test_a_change_that_breaks_an_unchanged_flow_is_held_back_and_others_go() -> None:
    files = [file_of(flow("demo")), file_of(flow("sub", "two")), file_of(flow("new"))]
    plan = make_plan(BOTH, files, FITS)
    assert texts(plan) == {"demo": "one", "sub": "one", "new": "one"}
    assert plan.held["sub"][0].message == (
        "this change does not fit together with the other flows in service (demo); change those as well"
    )


def test_a_flow_that_others_use_is_not_removed() -> None:
    plan = make_plan(BOTH, [file_of(flow("demo"))], FITS)
    assert texts(plan) == {"demo": "one", "sub": "one"}
    assert plan.held["sub"][0].message.startswith("its removal does not fit")


def test_a_change_held_back_holds_back_what_needs_it() -> None:
    def check(flows: Flows) -> Mapping[str, Sequence[Problem]]:
        bad = judge(two="wrong")({"sub": flows["sub"]}) if "sub" in flows else {}
        return {**FITS(flows), **bad}

    plan = make_plan(BOTH, [file_of(flow("demo", "two")), file_of(flow("sub", "two"))], check)
    assert texts(plan) == {"demo": "one", "sub": "one"}
    assert {name: problems[0].message for name, problems in plan.held.items()} == {
        "demo": "sub does not fit",
        "sub": "wrong",
    }


# --- drafts


def test_a_draft_stands_beside_its_flow() -> None:
    draft = flow("demo", "two", "flows/drafts/demo.yaml")
    plan = make_plan({"demo": DEMO}, [file_of(DEMO), file_of(draft)], CLEAN)
    assert texts(plan) == {"demo": "one", "demo+draft": "two"}


def test_a_draft_with_errors_cannot_be_called_not_even_an_earlier_one() -> None:
    older, newer = (flow("demo", text, "flows/drafts/demo.yaml") for text in ("two", "bad"))
    plan = make_plan({"demo": DEMO, "demo+draft": older}, [file_of(DEMO), file_of(newer)], judge(bad="wrong"))
    assert texts(plan) == {"demo": "one"}
    assert [problem.message for problem in plan.held["demo+draft"]] == ["wrong"]


def test_a_draft_that_is_removed_is_gone() -> None:
    draft = flow("demo", "two", "flows/drafts/demo.yaml")
    plan = make_plan({"demo": DEMO, "demo+draft": draft}, [file_of(DEMO)], CLEAN)
    assert texts(plan) == {"demo": "one"} and not plan.held
