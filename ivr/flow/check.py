"""The check: every problem of a flow at once, before a caller can meet it. Pure.

One function per rule, in `ivr.flow.checks`, each from the whole flow to its problems. Errors keep a flow out of
service; warnings do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ivr.errors import FlowCheckFailed, Problem, Severity, first_of_a_kind
from ivr.flow.checks import (
    advice,
    answering,
    clashes,
    comparisons,
    paths,
    questions,
    queues,
    recording,
    running,
    secrets,
    services,
    sounds,
    speech,
    texts,
    transfers,
    values,
    variables,
    video,
    vocabulary,
)
from ivr.flow.checks.subject import CheckContext, Subject
from ivr.flow.loader import LoadedFlow

__all__ = ["RULES", "CheckContext", "check_flow", "require_sound"]

Rule = Callable[[Subject], Iterable[Problem]]

RULES: tuple[Rule, ...] = (
    paths.unknown_target,
    paths.reserved_name,
    transfers.unknown_transfer_target,
    paths.unreachable_step,
    paths.no_path_to_an_end,
    paths.loop_without_caller,
    transfers.transfer_without_exits,
    transfers.transfer_options,
    transfers.transfer_and_back,
    transfers.transfer_to_several,
    transfers.more_than_can_ring,
    queues.unknown_queue,
    queues.queue_without_exits,
    queues.queue_options,
    queues.queue_keys,
    queues.queue_of_settings,
    paths.needs_the_caller,
    paths.when_without_branches,
    paths.nothing_follows,
    questions.missing_exits,
    questions.no_help,
    questions.unknown_command,
    questions.choices,
    questions.commands,
    questions.ask_options,
    questions.confidence_bands,
    values.form_fields,
    values.free_text_as_address,
    comparisons.comparison_never_holds,
    questions.pin_without_sensitive,
    clashes.same_key_twice,
    clashes.same_word_twice,
    clashes.key_is_prefix,
    vocabulary.unknown_words,
    speech.empty_phrases,
    speech.language_without_model,
    sounds.sounds_alike,
    speech.language_by_template,
    texts.prompt_language,
    texts.empty_prompt,
    texts.sound_file,
    texts.long_prompt,
    texts.key_before_choice,
    variables.template_syntax,
    variables.unset_variables,
    variables.reserved_variable,
    secrets.secret_in_flow,
    services.request_address,
    services.unknown_host,
    services.request_without_error,
    services.secret_in_request,
    services.unknown_calendar,
    services.unknown_receiver,
    services.send_without_failed,
    services.sent_variables,
    video.unknown_video_room,
    video.unknown_invited,
    video.video_without_exits,
    video.link_to_nobody,
    recording.record_options,
    answering.needs_the_answer,
    answering.answer_without_later,
    answering.answer_of_a_part,
    answering.status_after_answer,
    running.unknown_flow,
    running.recursion,
    running.run_values,
    running.run_outcomes,
    running.run_language,
    advice.too_many_choices,
    advice.no_way_to_a_human,
    advice.does_not_say_that_it_is_a_bot,
    advice.records_without_saying_so,
    advice.no_opt_out,
)


def check_flow(loaded: LoadedFlow, context: CheckContext | None = None) -> list[Problem]:
    """Every problem of the flow, in the order of the file."""
    subject = Subject(loaded, context or CheckContext())
    return sorted({problem for rule in RULES for problem in first_of_a_kind(rule(subject))})


def require_sound(loaded: LoadedFlow, context: CheckContext | None = None) -> list[Problem]:
    """Raise FlowCheckFailed with every problem if one of them is an error; else return the warnings."""
    problems = check_flow(loaded, context)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise FlowCheckFailed(problems)
    return problems
