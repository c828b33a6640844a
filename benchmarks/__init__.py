"""Figures of the bot beside those of Asterisk, measured from outside: `make bench`, explained in docs/benchmarks.md."""
