"""Every figure that is measured. `docs/metrics.md` is made from this list."""

from __future__ import annotations

from typing import Final

from ivr.ports.measures import Kind, Metric

_ANSWER_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
_WORK_S = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_CALL_S = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)

CALLS_STARTED: Final = Metric("ivr_calls_started_total", Kind.COUNTER, "Calls that a flow took.", ("flow",))
CALLS_REFUSED: Final = Metric(
    "ivr_calls_refused_total",
    Kind.COUNTER,
    "Calls that no flow took: no number or flow for them (no_flow), the bot was ending (stopping), or it had too much "
    "to do (overload).",
    ("reason",),
)
CALLS_ENDED: Final = Metric(
    "ivr_calls_ended_total", Kind.COUNTER, "Calls that are over, by the reason of their record.", ("flow", "reason")
)
CALLS: Final = Metric("ivr_calls", Kind.GAUGE, "Calls in progress.")
CALL_DURATION: Final = Metric(
    "ivr_call_duration_seconds", Kind.HISTOGRAM, "From the INVITE to the end of a call.", ("flow",), _CALL_S
)
LEGS: Final = Metric("ivr_legs", Kind.GAUGE, "Legs in use: callers, and people they are connected with.")
LEGS_LIMIT: Final = Metric("ivr_legs_limit", Kind.GAUGE, "Legs that there can be at once.")
ADMISSION_CLOSED: Final = Metric(
    "ivr_admission_closed", Kind.GAUGE, "Whether new calls are refused to spare those in progress: 1 or 0."
)
AUDIO_TICKS: Final = Metric("ivr_audio_ticks_total", Kind.COUNTER, "Ticks of the audio clock.")
AUDIO_TICKS_LATE: Final = Metric(
    "ivr_audio_ticks_late_total", Kind.COUNTER, "Of these, ticks more than 20 ms behind their time."
)
AUDIO_TICK_DELAY: Final = Metric(
    "ivr_audio_tick_delay_seconds",
    Kind.HISTOGRAM,
    "How far behind their time ticks of the audio clock were.",
    bounds=(0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3),
)
CPU_BUSY: Final = Metric(
    "ivr_cpu_busy_ratio",
    Kind.GAUGE,
    "Share of the processors in use, work of low priority aside, as admission sees it.",
)
CPU_OWN: Final = Metric("ivr_cpu_own_ratio", Kind.GAUGE, "Share of the processors that the bot's workers use.")
TRANSFERS: Final = Metric("ivr_transfers_total", Kind.COUNTER, "Transfers, by what came of them.", ("outcome",))
QUEUE_WAITING: Final = Metric(
    "ivr_queue_waiting",
    Kind.GAUGE,
    "Callers of this bot who wait for an agent, by the queue they came into.",
    ("queue",),
)
QUEUE_WAIT: Final = Metric(
    "ivr_queue_wait_seconds",
    Kind.HISTOGRAM,
    "How long callers waited who were connected with an agent.",
    ("queue",),
    (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0),
)
QUEUE_ENDED: Final = Metric(
    "ivr_queue_ended_total",
    Kind.COUNTER,
    "Visits to queues, by what came of them: an exit of the step, or abandoned.",
    ("queue", "outcome"),
)

ANSWER_DELAY: Final = Metric(
    "ivr_answer_delay_seconds", Kind.HISTOGRAM, "From the INVITE to our 200.", bounds=_ANSWER_S
)
FIRST_AUDIO_DELAY: Final = Metric(
    "ivr_first_audio_delay_seconds",
    Kind.HISTOGRAM,
    "From our 200 to the first sample of the first prompt, the silence of `speech: lead_in:` included.",
    bounds=_ANSWER_S,
)

LISTENING: Final = Metric("ivr_recognizer_streams", Kind.GAUGE, "Callers who are listened to.")
UTTERANCES: Final = Metric("ivr_utterances_total", Kind.COUNTER, "Utterances that were recognized.")
SPEECH_DELAY: Final = Metric(
    "ivr_speech_answer_delay_seconds",
    Kind.HISTOGRAM,
    "From the end of a caller's speech to what was recognized, the silence that ends an utterance included.",
    bounds=_WORK_S,
)
RECOGNIZER_LAG: Final = Metric(
    "ivr_recognizer_lag_seconds",
    Kind.HISTOGRAM,
    "How far recognition was behind the audio when an utterance was over.",
    bounds=_WORK_S,
)

RTP_RECEIVED: Final = Metric("ivr_rtp_packets_received_total", Kind.COUNTER, "RTP packets from callers, ended calls.")
RTP_LOST: Final = Metric("ivr_rtp_packets_lost_total", Kind.COUNTER, "RTP packets that did not come, ended calls.")
RTP_SENT: Final = Metric("ivr_rtp_packets_sent_total", Kind.COUNTER, "RTP packets to callers, ended calls.")
RTP_LOSS: Final = Metric(
    "ivr_call_rtp_loss_ratio",
    Kind.HISTOGRAM,
    "Share of a call's incoming RTP packets that was lost.",
    bounds=(0.0, 0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1),
)
RTP_JITTER: Final = Metric(
    "ivr_call_rtp_jitter_seconds",
    Kind.HISTOGRAM,
    "Mean jitter of a call's incoming RTP (RFC 3550, 6.4.1).",
    bounds=(0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1),
)
MOS: Final = Metric(
    "ivr_call_mos",
    Kind.HISTOGRAM,
    "Estimated quality of a call's incoming audio, 1 to 4.5 (ITU-T G.107).",
    bounds=(2.0, 2.5, 3.0, 3.5, 3.8, 4.0, 4.2, 4.3, 4.4),
)

PROMPTS_PLAYED: Final = Metric(
    "ivr_prompts_played_total",
    Kind.COUNTER,
    "Prompts begun, by whether all of it was rendered before (ready) or had to be made in the call (made).",
    ("source",),
)
PROMPTS_RENDERED: Final = Metric(
    "ivr_prompts_rendered_total", Kind.COUNTER, "Parts of prompts rendered: speech, recording, other.", ("kind",)
)
RENDER_TIME: Final = Metric(
    "ivr_prompt_render_seconds", Kind.HISTOGRAM, "Time that rendering a part of a prompt took.", bounds=_WORK_S
)
PROMPTS_WAITING: Final = Metric("ivr_prompts_waiting", Kind.GAUGE, "Parts of prompts that are being or to be rendered.")

RECORDS_WAITING: Final = Metric("ivr_records_waiting", Kind.GAUGE, "Lines of call records in memory, on their way.")
RECORDS_SPOOLED: Final = Metric(
    "ivr_records_spooled", Kind.GAUGE, "Lines of call records on disk, waiting for the database."
)
RECORDS_DROPPED: Final = Metric(
    "ivr_records_dropped_total", Kind.COUNTER, "Lines of call records that were lost: memory and disk were full."
)
MESSAGES_WAITING: Final = Metric("ivr_messages_waiting", Kind.GAUGE, "Messages of `send` steps, not yet delivered.")

ERRORS: Final = Metric(
    "ivr_errors_total",
    Kind.COUNTER,
    "Lines of the log that are warnings or worse, by their event; 0 where the log's level is above them.",
    ("level", "event"),
)

WORKERS: Final = Metric(
    "ivr_workers", Kind.GAUGE, "Worker processes by their state: starting, serving, draining.", ("state",)
)
WORKER_LEGS: Final = Metric("ivr_worker_legs", Kind.GAUGE, "Legs in use in each worker.", ("worker",))
WORKERS_LOST: Final = Metric(
    "ivr_workers_lost_total", Kind.COUNTER, "Workers that died, or hung and were ended; each is replaced."
)

FRONT_UP: Final = Metric("ivr_front_up", Kind.GAUGE, "Whether the front of several workers answers: 1 or 0.")
FRONT_REQUESTS: Final = Metric("ivr_front_requests_total", Kind.COUNTER, "SIP requests that the front received.")
FRONT_REPLIES: Final = Metric(
    "ivr_front_replies_total", Kind.COUNTER, "Final replies at the front, by class: 2xx to 6xx.", ("status",)
)
FRONT_REFUSED: Final = Metric(
    "ivr_front_refused_total",
    Kind.COUNTER,
    "Requests that the front refused or dropped: full, overload, pace, banned, flood, scanner, stranger and others.",
    ("reason",),
)
FRONT_FAILOVERS: Final = Metric(
    "ivr_front_failovers_total",
    Kind.COUNTER,
    "Calls that went on to the next worker, because one was silent or full.",
    ("reason",),
)
FRONT_IN_PROGRESS: Final = Metric("ivr_front_transactions", Kind.GAUGE, "Transactions at the front that are not over.")
FRONT_NODES: Final = Metric("ivr_front_node_heard", Kind.GAUGE, "Whether another node is heard: 1 or 0.", ("node",))
FRONT_REGISTERED: Final = Metric(
    "ivr_front_registered", Kind.GAUGE, "Whether the registration of an account holds: 1 or 0.", ("account",)
)

ALL: Final = (
    CALLS_STARTED,
    CALLS_REFUSED,
    CALLS_ENDED,
    CALLS,
    CALL_DURATION,
    LEGS,
    LEGS_LIMIT,
    ADMISSION_CLOSED,
    AUDIO_TICKS,
    AUDIO_TICKS_LATE,
    AUDIO_TICK_DELAY,
    CPU_BUSY,
    CPU_OWN,
    TRANSFERS,
    QUEUE_WAITING,
    QUEUE_WAIT,
    QUEUE_ENDED,
    ANSWER_DELAY,
    FIRST_AUDIO_DELAY,
    LISTENING,
    UTTERANCES,
    SPEECH_DELAY,
    RECOGNIZER_LAG,
    RTP_RECEIVED,
    RTP_LOST,
    RTP_SENT,
    RTP_LOSS,
    RTP_JITTER,
    MOS,
    PROMPTS_PLAYED,
    PROMPTS_RENDERED,
    RENDER_TIME,
    PROMPTS_WAITING,
    RECORDS_WAITING,
    RECORDS_SPOOLED,
    RECORDS_DROPPED,
    MESSAGES_WAITING,
    ERRORS,
    WORKERS,
    WORKER_LEGS,
    WORKERS_LOST,
    FRONT_UP,
    FRONT_REQUESTS,
    FRONT_REPLIES,
    FRONT_REFUSED,
    FRONT_FAILOVERS,
    FRONT_IN_PROGRESS,
    FRONT_NODES,
    FRONT_REGISTERED,
)
