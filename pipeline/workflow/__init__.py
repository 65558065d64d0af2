"""What is to be made: stages, the graph of nodes, and the plan of a run."""
