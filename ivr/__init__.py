"""An open telephone assistant: SIP calls led by dialogs written in YAML."""

__version__ = "0.1.0"
