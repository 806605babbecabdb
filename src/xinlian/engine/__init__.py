"""The case engine: BPMN subset, DMN tables, replay of a case. Pure.

Responsibility: read a scenario's files, refuse what does not run the same everywhere, decide by its tables, and compute the state
of a case from its events.

Rules
1. No I/O, no clock, no randomness: files come in as bytes, times as epoch seconds that the chain decided.
2. Whatever is not known is refused, with the id and name of the element.
3. The same scenario and events give the same bytes of state everywhere.

Example::

    scenario = load_scenario(files)
    state = replay(scenario.process, scenario.step_rules, events)
    state_digest(state)

Source: design 9.
"""
