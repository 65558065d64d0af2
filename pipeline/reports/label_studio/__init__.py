"""Label Studio: samples of a run as its tasks, and what people changed there as decisions."""
