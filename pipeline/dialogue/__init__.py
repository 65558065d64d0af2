"""From annotations to turns: a library on its own."""
