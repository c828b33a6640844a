"""Whether a conversation can be had by telephone, and how many legs it takes."""

from __future__ import annotations

from collections.abc import Collection

from ivr.config import Settings
from ivr.errors import SpeechError
from ivr.flow.model import Flow
from ivr.flow.steps.video import is_room
from ivr.language_tags import primary_language
from ivr.rehearsal import acts as a
from ivr.rehearsal.model import Conversation
from ivr.rehearsal.played import Played
from ivr.speech.espeak_voices import espeak_voice
from ivr.speech.model_store import configured_models


def understood_languages(settings: Settings) -> frozenset[str] | None:
    """Primary languages that the recognizer of the settings has models for; None where that is not known."""
    if settings.speech.recognizer == "none":
        return None
    try:
        return frozenset(configured_models(settings.speech.models))
    except SpeechError:
        return None


def why_not_called(flow: Flow) -> str:
    """Why no call comes to a flow; empty where one can."""
    if flow.takes:
        return f"{flow.flow} takes values, so no number leads to it: play a flow that runs it"
    return ""


def why_not_live(test: Conversation, wanted: Played, understood: Collection[str] | None, *, has_voice: bool) -> str:
    """Why a conversation cannot be had; empty where it can. `has_voice`: the caller's voice is given."""
    if any(map(is_room, (callee for each in wanted.transfers for callee in each.callees))):
        return "it comes to a video room, which only the settings' own telephone system has"
    if any(note.kind == "queue" for note in wanted.record):
        return "it waits in a queue, and nobody works there in a test by telephone"
    for language in wanted.listened_in if test.given.speech else ():  # it would ask in other words
        if understood is not None and primary_language(language) not in understood:
            return f"the bot does not understand {language}: name a model under speech.models (`ivr models`)"
    for act, moment in zip(test.call, wanted.moments, strict=False):
        if _speaks(act) and not has_voice and not espeak_voice(moment.language.lower()):
            return f"no voice speaks {moment.language}: name one with --voice"
    return ""


def _speaks(act: a.Act) -> bool:
    return isinstance(act, a.Say | a.MakeNoise) or (isinstance(act, a.Interrupt) and act.say is not None)


def legs_for(wanted: Played) -> int:
    """The caller's, and those of the persons who are called at the same time."""
    return 1 + max((len(each.callees) if each.rings_all else 1 for each in wanted.transfers), default=0)
