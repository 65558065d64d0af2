"""What is wrong with files of annotations or dialogues, counted."""
