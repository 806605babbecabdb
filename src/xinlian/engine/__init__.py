"""The case engine: BPMN subset, DMN tables, replay of a case. Pure."""
