"""English."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.flow.languages import en_calendar
from ivr.flow.languages.base import Calendar, Language, QueueWords
from ivr.flow.languages.en_money import MONEY

_UNITS = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_NOTHING_YET = 1_000_000_000
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}


def _small(word: str) -> int | None:
    return {**_UNITS, **_TENS, "oh": 0}.get(word)


def read_number(words: Sequence[str]) -> int | None:
    """Whole number of words such as "one hundred and five"; a plain run of digits is read digit by digit."""
    if len(words) > 1 and all(word in _UNITS and _UNITS[word] < 10 for word in words):
        return int("".join(str(_UNITS[word]) for word in words))
    total, group, last, scale = 0, 0, _NOTHING_YET, _NOTHING_YET
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word == "and" or (word == "a" and following in _SCALES and last >= 100):
            continue
        if word == "hundred" and group < 100:
            group, last = max(group, 1) * 100, 100
        elif word != "hundred" and _SCALES.get(word, scale) < scale:
            scale, last = _SCALES[word], _NOTHING_YET
            total, group = total + max(group, 1) * scale, 0
        else:
            value = _small(word)
            if value is None or not _fits(value, last):
                return None
            group, last = group + value, value
    return total + group if any(word != "and" for word in words) else None


def _fits(value: int, last: int) -> bool:
    """Whether a number word may follow another: "twenty five" yes, "five twenty" no."""
    return last >= 100 or (last in _TENS.values() and 0 < value < 10)


_YES = (
    "yes", "yeah", "yep", "yup", "sure", "correct", "right", "that's right", "okay", "of course", "exactly",
    "yes please", "yes that's right", "that's correct", "that is right", "that is correct", "that's it", "sure thing",
    "absolutely", "definitely", "certainly", "indeed", "alright", "all right", "fine", "sounds good", "perfect",
    "affirmative", "please do", "i do", "i am", "it is", "you got it", "why not", "by all means", "true", "uh huh",
    "mm hmm", "i think so", "yes i do", "go ahead",
)  # fmt: skip

_NO = (
    "no", "nope", "nah", "not", "wrong", "incorrect", "no thanks", "not really", "negative", "not right", "not correct",
    "that's wrong", "no that's wrong", "no that's not right", "that's not right", "that's not it", "that is wrong",
    "that is not right", "no way", "never", "not at all", "absolutely not", "definitely not", "certainly not",
    "of course not", "no thank you", "i don't", "i do not", "i don't think so", "it isn't", "it is not", "not exactly",
    "not quite", "please don't", "rather not", "i'd rather not", "false", "uh uh", "not true", "isn't right",
    "that isn't right", "not sure",
)  # fmt: skip

_SMALL_WORDS = (
    "a", "an", "the", "my", "your", "our", "this", "that", "it", "i", "i'm", "i'd", "i've", "you", "we", "me", "am",
    "is", "are", "was", "be", "been", "do", "does", "did", "have", "has", "had", "can", "could", "will", "would",
    "should", "may", "want", "need", "like", "get", "got", "give", "tell", "know", "about", "for", "of", "to", "in",
    "on", "at", "with", "and", "or", "please", "some", "any", "there", "here", "what", "what's", "how", "just",
    "so", "now", "from", "question",
)  # fmt: skip
_SYNONYMS = (
    ("person", "human", "agent", "operator", "representative", "advisor", "someone", "somebody", "staff", "colleague"),
    ("bill", "invoice", "receipt"),
    ("order", "purchase"),
    ("cancel", "terminate", "stop"),
    ("appointment", "booking", "reservation"),
    ("problem", "issue", "trouble", "fault", "broken", "defect"),
    ("hours", "open", "opening", "close", "closing"),
    ("address", "location", "where", "place", "directions"),
    ("delivery", "shipping", "shipment", "parcel", "package"),
    ("price", "cost", "rate", "charge"),
    ("change", "modify", "update", "reschedule"),
    ("support", "help", "technician", "technical"),
    ("complaint", "complain"),
)
_FILLERS = (
    "uh", "um", "please", "the", "a", "an", "on", "at", "for", "in", "is", "it's", "that's", "that", "i", "would",
    "like", "to", "want", "we", "are", "there", "will", "be", "my", "and", "with", "of", "make", "it", "say",
    "about",
)  # fmt: skip

LANGUAGE = Language(
    tag="en",
    yes=_YES,
    no=_NO,
    digits={"oh": "0", **{word: str(value) for word, value in _UNITS.items() if value < 10}},
    alike={"to": "two", "too": "two", "for": "four", "won": "one", "ate": "eight", "oh": "zero"},
    repeats={"double": 2, "triple": 3},
    number_words=(*_UNITS, *_TENS, *_SCALES, "and", "oh", "a"),
    read_number=read_number,
    confirm_prompt="I understood {{ heard }}. Is that right?",
    no_input="Sorry, I did not hear anything.",
    no_match="Sorry, I did not understand that.",
    help=("help", "help me"),
    no_leads=("i mean", "i meant", "make it", "it's", "it is", "that's", "but", "i said", "actually", "rather"),
    against=("not",),
    but=("but", "except", "only"),
    fillers=frozenset(_FILLERS),
    stemmer="english",
    small_words=frozenset(_SMALL_WORDS),
    negations=("don't", "never", "without"),
    synonyms=_SYNONYMS,
    cues={"time": frozenset({"at"}), "date": frozenset({"on"}), "number": frozenset({"for"})},
    calendar=Calendar(
        en_calendar.date_words(),
        en_calendar.read_date,
        en_calendar.say_date,
        en_calendar.time_words(),
        en_calendar.read_time,
        en_calendar.say_time,
    ),
    money=MONEY,
    plus=("plus",),
    which_one="Do you mean {{ first }}, or {{ second }}?",
    which_words=(
        ("the first", "first", "in the morning", "morning", "a m", "the early one", "early"),
        ("the second", "second", "in the evening", "in the afternoon", "evening", "afternoon", "p m", "late", "night"),
    ),
    too_long="This call has reached its longest time. Goodbye.",
    queue=QueueWords(
        next="You are next.",
        position="You are number {{ number | number }} in the queue.",
        soon="The wait is less than a minute.",
        one_minute="The wait is about one minute.",
        minutes="The wait is about {{ number | number }} minutes.",
        long="The wait is more than an hour.",
        no_callback="Sorry, we cannot call you back at this number. Please stay on the line.",
    ),
    change_what="What should I change?",
    changed="All right, {{ heard }}.",
    for_choice="For {{ name }}, press {{ keys }}.",
    review="To keep your message, press 1. To hear it, press 2. To record it again, press 3.",
    review_words=(
        ("keep", "keep it", "save", "save it", "send", "send it"),
        ("hear", "hear it", "listen", "play", "play it"),
        ("record", "record again", "record it again", "try again"),
    ),
    names={"0": "zero", "*": "star", "#": "hash", "+": "plus", "-": "dash", ".": "dot", "@": "at", "/": "slash"},
)
