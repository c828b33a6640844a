"""Many calls at once, of SIPp, to the bot and to Asterisk: `python -m benchmarks.capacity`."""
