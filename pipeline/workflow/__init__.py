"""What a run makes: its config, graph of stages, source and plan. Never how it is executed."""
