"""`python -m lofp_enrich` is `lofp-enrich`."""

from lofp_enrich.cli.main import main

main(prog_name="lofp-enrich")
