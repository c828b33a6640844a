"""The pages' words in other languages than English. Texts in templates and code are English and looked up here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

LANGUAGES: Final = ("en", "de")

GERMAN: Final[Mapping[str, str]] = {
    # pages
    "Wallboard": "Übersicht",
    "Calls": "Anrufe",
    "Call": "Anruf",
    "Flows": "Abläufe",
    "Log in": "Anmelden",
    "Log out": "Abmelden",
    "Name": "Name",
    "Password": "Passwort",
    "Language": "Sprache",
    "Set": "Setzen",
    "Skip to content": "Zum Inhalt springen",
    "Home": "Start",
    "My desk": "Mein Platz",
    # login
    "Name or password is wrong.": "Name oder Passwort ist falsch.",
    "Too many attempts. Try again in {minutes} min.": "Zu viele Versuche. Wieder möglich in {minutes} Min.",
    "The form is too old. Please send it again.": "Das Formular ist zu alt. Bitte noch einmal senden.",
    "The first login is printed where the bot was started (ivr serve).": (
        "Die erste Anmeldung steht dort, wo der Bot gestartet wurde (ivr serve)."
    ),
    # wallboard
    "in progress": "laufend",
    "of {capacity}": "von {capacity}",
    "calls today": "Anrufe heute",
    "answered": "angenommen",
    "transferred": "verbunden",
    "average talk": "mittlere Dauer",
    "Calls by hour": "Anrufe nach Stunde",
    "{count} calls from {hour} o'clock": "{count} Anrufe ab {hour} Uhr",
    "In progress": "Laufende Anrufe",
    "Flows today": "Abläufe heute",
    "No calls in progress.": "Keine laufenden Anrufe.",
    "No calls today.": "Heute keine Anrufe.",
    "No calls yet.": "Noch keine Anrufe.",
    "The bot gives no answer.": "Der Bot antwortet nicht.",
    "The bot takes no calls at the moment.": "Der Bot nimmt im Moment keine Anrufe an.",
    "Call records cannot be read at the moment.": "Die Aufzeichnungen der Anrufe sind im Moment nicht lesbar.",
    "Live updates are interrupted.": "Die laufende Anzeige ist unterbrochen.",
    "up since": "läuft seit",
    "as of": "Stand",
    # agents and queues
    "Take calls": "Anrufe annehmen",
    "Pause": "Pause",
    "End work": "Arbeit beenden",
    "Reason of the pause": "Grund der Pause",
    "Break": "Pause",
    "Lunch": "Mittag",
    "Meeting": "Besprechung",
    "Training": "Schulung",
    "That is not possible at this moment.": "Das geht im Moment nicht.",
    "You take no calls: an operator makes you an agent with": "Sie nehmen keine Anrufe an. Eingerichtet wird das mit",
    "The queues cannot be read at the moment.": "Die Warteschlangen sind im Moment nicht lesbar.",
    "after the call: {state}": "nach dem Anruf: {state}",
    "calls taken": "Anrufe angenommen",
    "queue": "Warteschlange",
    "Service level by hour": "Servicegrad nach Stunde (%)",
    "{share} % of {count} calls from {hour} o'clock": "{share} % von {count} Anrufen ab {hour} Uhr",
    "Queues": "Warteschlangen",
    "No queues.": "Keine Warteschlangen.",
    "waiting": "wartend",
    "longest wait": "längste Wartezeit",
    "agents free": "Agenten frei",
    "abandoned": "aufgelegt",
    "service level": "Servicegrad",
    "goal": "Ziel",
    "Waiting calls": "Wartende Anrufe",
    "Nobody waits.": "Niemand wartet.",
    "to be called back": "wird zurückgerufen",
    "Agents": "Agenten",
    "No agents.": "Keine Agenten.",
    "logged out": "abgemeldet",
    "available": "frei",
    "reserved": "es klingelt",
    "on call": "im Gespräch",
    "wrap up": "Nacharbeit",
    "paused": "in Pause",
    "offered": "wird angeboten",
    # the agent's call
    "A call for you": "Ein Anruf für Sie",
    "You are talking": "Sie sprechen",
    "Work after the call": "Nacharbeit",
    "it rings since": "es klingelt seit",
    "talking since": "im Gespräch seit",
    "next call in": "nächster Anruf in",
    "Asked and answered": "Gefragt und geantwortet",
    "Nothing was asked.": "Es wurde nichts gefragt.",
    "unknown": "unbekannt",
    "Result of the call": "Ergebnis des Gesprächs",
    "not said": "keine Angabe",
    "Save": "Speichern",
    "Save, and take calls": "Speichern und Anrufe annehmen",
    "Saved.": "Gespeichert.",
    "The wrap-up is over. What you have written can still be saved.": (
        "Die Nacharbeit ist vorbei. Was Sie geschrieben haben, lässt sich noch speichern."
    ),
    "That was not kept: the talk is over for too long, or the note is too long.": (
        "Das wurde nicht gespeichert: Das Gespräch ist zu lange vorbei, oder die Notiz ist zu lang."
    ),
    # supervisors in a talk
    "Take part in the talk": "Am Gespräch teilnehmen",
    "Listen": "Mithören",
    "Whisper": "Einflüstern",
    "Join": "Dazukommen",
    "You hear both; nobody hears you.": "Sie hören beide, niemand hört Sie.",
    "The person hears you too, the caller does not.": "Auch die Person hört Sie, der Anrufer nicht.",
    "Both hear you.": "Beide hören Sie.",
    "No telephone of yours is known: an operator makes it known with": (
        "Von Ihnen ist kein Telefon bekannt. Bekannt gemacht wird es mit"
    ),
    "Your telephone rings. Take the call.": "Ihr Telefon klingelt. Nehmen Sie ab.",
    "You take part in the talk:": "Sie nehmen am Gespräch teil:",
    "listen": "mithören",
    "whisper": "einflüstern",
    "join": "dazukommen",
    "monitor": "Teilnahme",
    # talks
    "Talks with agents": "Gespräche mit Agenten",
    "agent": "Agent",
    "Note": "Notiz",
    # video
    "Video": "Video",
    "Video call": "Videogespräch",
    "Leave": "Verlassen",
    "room": "Raum",
    "Nobody waits in a video room.": "In keinem Videoraum wartet jemand.",
    "Nobody waits in this room, or it is full.": "In diesem Raum wartet niemand, oder er ist voll.",
    "Camera and microphone are switched on when you join.": "Kamera und Mikrofon werden beim Teilnehmen eingeschaltet.",
    "You are being connected …": "Sie werden verbunden …",
    "The browser gives no camera or microphone. Please allow both and try again.": (
        "Der Browser gibt Kamera oder Mikrofon nicht frei. Bitte beides erlauben und noch einmal versuchen."
    ),
    "This link cannot be used any more. Please ask for another one.": (
        "Dieser Link ist nicht mehr gültig. Bitte lassen Sie sich einen neuen geben."
    ),
    "The room cannot be reached.": "Der Raum ist nicht erreichbar.",
    "The video call is over. You can close this page.": (
        "Das Videogespräch ist beendet. Sie können diese Seite schließen."
    ),
    "Too many attempts. Please try again later.": "Zu viele Versuche. Bitte später noch einmal.",
    # calls
    "started": "Beginn",
    "from": "von",
    "to": "an",
    "flow": "Ablauf",
    "talk": "Dauer",
    "ended": "Ende",
    "by": "durch",
    "older": "ältere",
    "newest": "neueste",
    "no flow": "kein Ablauf",
    "account": "Konto",
    "version": "Version",
    "waited": "gewartet",
    "total": "gesamt",
    "audio quality": "Tonqualität",
    "{mos} of 4.5": "{mos} von 4,5",
    "worker": "Prozess",
    "What happened": "Verlauf",
    "Tags": "Merkmale",
    "Variables": "Variablen",
    "at": "bei",
    "step": "Schritt",
    "kind": "Art",
    "bot said": "Bot sagte",
    "caller": "Anrufer",
    "result": "Ergebnis",
    "attempt {number}": "Versuch {number}",
    "confidence {share}": "Sicherheit {share}",
    "No steps were recorded.": "Keine Schritte aufgezeichnet.",
    # flows
    "state": "Zustand",
    "since": "seit",
    "in service": "in Betrieb",
    "not in service": "nicht in Betrieb",
    "a newer file waits": "eine neuere Datei wartet",
    "Problems": "Probleme",
    "No problems.": "Keine Probleme.",
    "No flows.": "Keine Abläufe.",
    "error": "Fehler",
    "warning": "Warnung",
    "The flows cannot be shown:": "Die Abläufe lassen sich nicht zeigen:",
    # telephone
    "Telephone": "Telefon",
    "The telephone is switched off.": "Das Telefon ist ausgeschaltet.",
    "Connecting …": "Verbindung wird aufgebaut …",
    "Ready for calls.": "Bereit für Anrufe.",
    "Incoming call": "Eingehender Anruf",
    "On a call": "Im Gespräch",
    "On hold": "Gehalten",
    "Transferring …": "Wird verbunden …",
    "The browser gives no microphone. Please allow it and try again.": (
        "Der Browser gibt kein Mikrofon frei. Bitte erlauben und noch einmal versuchen."
    ),
    "The telephone system does not accept this telephone.": "Die Telefonanlage nimmt dieses Telefon nicht an.",
    "The transfer failed.": "Das Verbinden ist fehlgeschlagen.",
    "You are logged out. The call goes on; this page is left when it is over.": (
        "Sie sind abgemeldet. Das Gespräch geht weiter; diese Seite wird verlassen, wenn es beendet ist."
    ),
    "Switch the telephone on": "Telefon einschalten",
    "Switch off": "Ausschalten",
    "Answer": "Annehmen",
    "Decline": "Ablehnen",
    "Mute": "Stumm",
    "Hold": "Halten",
    "Hang up": "Auflegen",
    "Keypad": "Tastenfeld",
    "Transfer to": "Verbinden mit",
    "Transfer": "Verbinden",
    "Key {key}: the caller goes on by video.": "Taste {key}: Es geht mit Video weiter.",
    "Key {key}: the caller goes back to the flow, to {step}.": (
        "Taste {key}: Der Anrufer geht zurück in den Ablauf, zu {step}."
    ),
    "Go on by video": "Mit Video weiter",
    "Send back": "Zurückgeben",
    "The caller waits in a video room.": "Der Anrufer wartet in einem Videoraum.",
    "Join by video": "Mit Video beitreten",
    "The video call is over.": "Das Videogespräch ist beendet.",
    # errors
    "There is no such page.": "Diese Seite gibt es nicht.",
    "This page is not for your role.": "Diese Seite ist nicht für Ihre Rolle.",
    "Something went wrong. The log of the bot says what.": "Etwas ging schief. Was, steht im Protokoll des Bots.",
    "That was too much at once.": "Das war zu viel auf einmal.",
    # words of records
    "caller hung up": "Anrufer legte auf",
    "bot hung up": "Bot legte auf",
    "busy": "besetzt",
    "no answer": "keine Antwort",
    "rejected": "abgewiesen",
    "failed": "fehlgeschlagen",
    "lost": "verloren",
    "too long": "zu lang",
    "bot": "Bot",
    "match": "verstanden",
    "no match": "nicht verstanden",
    "no input": "Stille",
    "hung up": "aufgelegt",
    "done": "erledigt",
    "dtmf": "Tasten",
    "voice": "Sprache",
    "mixed": "Tasten und Sprache",
}


def translated(text: str, language: str) -> str:
    """The text in a language; as it is where it is not known in it."""
    return GERMAN.get(text, text) if language == "de" else text


def wished(accept_language: str, known: Sequence[str] = LANGUAGES) -> str:
    """The language that a browser wishes most (RFC 9110 §12.5.4), of those that there are; else the first of them."""
    best, most = known[0], 0.0
    for part in accept_language[:500].split(","):
        tag, _, weight = part.partition(";")
        language = tag.strip().lower().split("-")[0]
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if language in known and quality > most:
            best, most = language, quality
    return best
