"""A pjsua2 telephone in its own process: `PORT RECORDING TONE_WAV SECONDS`. Answers calls, prints the keys it hears."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable

import pjsua2 as pj

WORK: list[Callable[[], None]] = []
CALLS: list[pj.Call] = []
MEDIA: list[object] = []
PORT, RECORDING, TONE_WAV, SECONDS = sys.argv[1:]


class Call(pj.Call):  # type: ignore[misc]  # the library has no types
    """Plays the tone and records what it hears."""

    def onCallMediaState(self, prm: object) -> None:
        """Do it outside the callback."""
        WORK.append(self.connect)

    def connect(self) -> None:
        """Start player and recorder."""
        audio = self.getAudioMedia(-1)
        player, recorder = pj.AudioMediaPlayer(), pj.AudioMediaRecorder()
        player.createPlayer(TONE_WAV)
        recorder.createRecorder(RECORDING)
        player.startTransmit(audio)
        audio.startTransmit(recorder)
        MEDIA.extend([player, recorder])

    def onDtmfDigit(self, prm: pj.OnDtmfDigitParam) -> None:
        """Report the key."""
        sys.stdout.write(f"key {prm.digit} {prm.method}\n")
        sys.stdout.flush()


class Account(pj.Account):  # type: ignore[misc]  # the library has no types
    """Answers."""

    def onIncomingCall(self, prm: pj.OnIncomingCallParam) -> None:
        """Answer outside the callback."""
        call = Call(self, prm.callId)
        CALLS.append(call)
        WORK.append(lambda: answer(call))


def answer(call: pj.Call) -> None:
    """Send 200."""
    prm = pj.CallOpParam()
    prm.statusCode = 200
    call.answer(prm)


def started() -> pj.Endpoint:
    """The library with one UDP and one TCP transport and no sound card."""
    endpoint, config = pj.Endpoint(), pj.EpConfig()
    endpoint.libCreate()
    config.uaConfig.threadCnt, config.uaConfig.mainThreadOnly = 0, True
    config.logConfig.level = config.logConfig.consoleLevel = 1
    config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
    config.medConfig.noVad, config.medConfig.ecTailLen = True, 0
    endpoint.libInit(config)
    for kind in (pj.PJSIP_TRANSPORT_UDP, pj.PJSIP_TRANSPORT_TCP):
        transport = pj.TransportConfig()
        transport.port = int(PORT)
        transport.boundAddress = transport.publicAddress = "127.0.0.1"
        endpoint.transportCreate(kind, transport)
    endpoint.libStart()
    endpoint.audDevManager().setNullDev()
    return endpoint


def poll(endpoint: pj.Endpoint, duration_s: float) -> None:
    """Run the library and the work of its callbacks."""
    end_s = time.monotonic() + duration_s
    while time.monotonic() < end_s:
        endpoint.libHandleEvents(10)
        while WORK:
            WORK.pop(0)()


def main() -> None:
    """Serve for the given time, hang up, free everything in the library's order."""
    endpoint = started()
    config = pj.AccountConfig()
    config.idUri = f"sip:ua@127.0.0.1:{PORT}"
    media = config.mediaConfig.transportConfig
    media.boundAddress = media.publicAddress = "127.0.0.1"
    media.port = 22000
    account = Account()
    account.create(config)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    poll(endpoint, float(SECONDS))
    endpoint.hangupAllCalls()
    poll(endpoint, 0.5)
    MEDIA.clear()
    CALLS.clear()
    account.shutdown()
    del account
    gc.collect()
    endpoint.libDestroy()


if __name__ == "__main__":
    main()
