"""Hands what a nursery has prepared to the workers that were forked from it before: a file that only they have open.

It has no name, so nobody else can put anything into it, and what is read can be trusted as much as the process itself.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ivr.app import Prepared
from ivr.publishing.prepared import HandedFlows, handed, received
from ivr.speech.prompt_cache import MadePrompts

_DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Handed:
    """What was prepared, the flows still packed; without what a worker finds out again at no cost."""

    flows: HandedFlows
    prompts: MadePrompts
    hold_music: Path

    def unpacked(self, before: Prepared | None) -> Prepared:
        """All of it; what is as it was before is the same object."""
        if before is None:
            return Prepared(received(self.flows, {}, {}), self.prompts, self.hold_music)
        flows = received(self.flows, before.flows.served, before.flows.programs)
        files = replace(self.prompts.files, whole=before.prompts.files.whole)
        return Prepared(replace(flows, ready=before.flows.ready), replace(self.prompts, files=files), self.hold_music)


class Handover:
    """The file. Written by one process at a time, read by any."""

    def __init__(self) -> None:
        """To be made before the processes are forked that share it."""
        self.descriptor = os.memfd_create("ivr-flows")

    def write(self, prepared: Prepared) -> None:
        """Put it in place of what was there. Raises PicklingError and others where a flow keeps what cannot be put."""
        prompts = replace(prepared.prompts, files=replace(prepared.prompts.files, whole={}))
        content = pickle.dumps(Handed(handed(prepared.flows), prompts, prepared.hold_music))
        whole = memoryview(hashlib.sha256(content).digest() + content)
        os.ftruncate(self.descriptor, 0)
        done = 0
        while done < len(whole):
            done += os.pwrite(self.descriptor, whole[done:], done)

    def read(self) -> Handed | None:
        """What is there; None while it is being replaced, and where there is nothing."""
        size = os.fstat(self.descriptor).st_size
        content = memoryview(os.pread(self.descriptor, size, 0))
        if hashlib.sha256(content[_DIGEST_BYTES:]).digest() != content[:_DIGEST_BYTES]:
            return None
        given: Any = pickle.loads(content[_DIGEST_BYTES:])
        return given if isinstance(given, Handed) else None

    def close(self) -> None:
        """Let go of it in this process."""
        os.close(self.descriptor)
