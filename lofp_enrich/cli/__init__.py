"""The command line: this package alone prints, and decides the exit code."""

from lofp_enrich.cli.main import main

__all__ = ["main"]
