"""The demo of issue 1: real chain, real nodes, real files; every step is checked and nothing is made up.

One module per job: ``places`` (the output folder), ``processes``, ``chain``, ``commands`` (the CLI), ``web`` (the HTTP API),
``stage`` (what all steps share), ``departments``, ``publishing``, ``sharing``, ``collecting`` and ``sheet``, ``refusals``,
``tampering``, ``ending``, ``faults``, ``story`` (their order), ``summary``.
"""
