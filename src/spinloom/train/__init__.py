"""train(): one visible loop for every family; its data, its checkpoints, its folder. Needs the extra `learn`."""
