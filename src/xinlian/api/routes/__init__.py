"""One module per resource; each route names who may call it."""
